"""`tskaro advisory` and `tskaro lab` as people type them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.office import AdministratorsDesk


@pytest.fixture
def desk(tmp_path: Path) -> AdministratorsDesk:
    desk = AdministratorsDesk(tmp_path)
    with desk.settings.open("a") as settings:
        settings.write('[advisories]\nsender = "water@marneuli.example"\nsamples_apart_hours = 0\n')
    people = (("nino", "Nino Kapanadze", "Public health"), ("giorgi", "Giorgi Lomidze", "Town hall"))
    for who, name, office in people:
        desk.tskaro("advisory", "authority", "add", who, "--name", name, "--office", office)
    return desk


def told(desk: AdministratorsDesk, *words: object, code: int = 0) -> Any:
    return json.loads(desk.tskaro(*words, "--json", code=code).stdout)


def proposed(desk: AdministratorsDesk, cause: str = "microbes") -> int:
    words = ("advisory", "propose", "algeti", "--cause", cause, "--reason", "diarrhoea", "--by", "Dr Meri")
    return int(told(desk, *words)["advisory"])


def sample(desk: AdministratorsDesk, value: str, *, hours_ago: float) -> Any:
    taken = (datetime.now(UTC) - timedelta(hours=hours_ago)).isoformat(timespec="seconds")
    words = ["lab", "add", "algeti", "--taken", taken, "--laboratory", "NFA", "--parameter", "e_coli"]
    return told(desk, *words, "--value", value, "--unit", "CFU/100mL", "--certificate", "A-1", "--by", "Nino")


def test_from_a_proposal_to_its_lifting_with_two_people_and_samples(desk: AdministratorsDesk) -> None:
    number = proposed(desk)
    issued = told(desk, "advisory", "issue", number, "--kind", "boil", "--by", "nino", "--text", "ka=ადუღეთ")
    assert issued == {"advisory": number, "in_effect": False, "phase": "proposed", "published": None}
    refused = desk.tskaro("advisory", "confirm", number, "--by", "nino", code=78)
    assert "other person" in refused.stderr
    assert told(desk, "advisory", "confirm", number, "--by", "giorgi")["published"] == "Alert"
    (listed,) = told(desk, "advisory", "list")
    assert (listed["phase"], listed["order"]["own_text"]) == ("in_force", {"ka": "ადუღეთ"})

    told(desk, "advisory", "change", number, "--by", "giorgi", "--reason", "renewed", "--days", 10)
    assert told(desk, "advisory", "confirm", number, "--by", "nino")["published"] == "Update"

    refused = desk.tskaro("advisory", "lift", number, "--by", "nino", code=78)
    assert "0 of 2 clear samples" in refused.stderr
    assert "tskaro lab add" in refused.stderr
    assert sample(desk, "3", hours_ago=1)["verdict"] == "bad"
    told(desk, "advisory", "lift", number, "--by", "nino", "--override", "the tank was cleaned")
    assert told(desk, "advisory", "confirm", number, "--by", "giorgi")["published"] == "Cancel"
    shown = told(desk, "advisory", "show", number)
    assert (shown["phase"], shown["history"][-2]["detail"]["override"]) == ("lifted", "the tank was cleaned")
    assert told(desk, "advisory", "list") == []
    assert "the tank was cleaned" in desk.tskaro("advisory", "show", number).stdout


def test_boil_is_blocked_in_a_mining_catchment_until_a_person_takes_that_back(
    desk: AdministratorsDesk,
) -> None:
    desk.tskaro("advisory", "hazard", "algeti", "--why", "a mine upstream", "--by", "CENN")
    number = proposed(desk)
    refused = desk.tskaro("advisory", "issue", number, "--kind", "boil", "--by", "nino", code=78)
    assert "a mine upstream, says CENN" in refused.stderr
    assert "do_not_drink" in refused.stderr
    assert "is blocked: the catchment" in desk.tskaro("advisory", "show", number).stdout

    desk.tskaro("advisory", "hazard", "algeti", "--none")

    told(desk, "advisory", "issue", number, "--kind", "boil", "--by", "nino")


def test_who_is_not_named_may_not_act_and_is_told_what_to_do(desk: AdministratorsDesk) -> None:
    number = proposed(desk)
    refused = desk.tskaro("advisory", "issue", number, "--kind", "boil", "--by", "mayor", code=78)
    assert "these may: giorgi, nino" in refused.stderr
    assert "tskaro advisory authority add" in refused.stderr
    desk.tskaro("advisory", "authority", "remove", "giorgi")
    assert [who["id"] for who in told(desk, "advisory", "authority", "list")] == ["nino"]
    refused = desk.tskaro("advisory", "withdraw", number, "--by", "giorgi", "--reason", "x", code=78)
    assert "these may: nino" in refused.stderr
    told(desk, "advisory", "withdraw", number, "--by", "nino", "--reason", "nobody was ill")
    assert told(desk, "advisory", "list", "--all")[0]["phase"] == "withdrawn"


def test_results_are_added_listed_imported_and_voided(desk: AdministratorsDesk, tmp_path: Path) -> None:
    assert sample(desk, "<1", hours_ago=3) == {"new": True, "verdict": "clear"}
    file = tmp_path / "results.csv"
    file.write_text(
        "water_point,taken_at,laboratory,parameter,value,unit,certificate\n"
        "algeti,2026-11-20T10:00,NFA,turbidity,5,NTU,B-2\n"
        "kosalari,2026-11-20T11:00,NFA,copper,120,ug/L,B-2\n",
        encoding="utf-8",
    )
    assert told(desk, "lab", "import", file, "--by", "Nino") == {"new": 2, "known": 0, "bad": 1}
    assert told(desk, "lab", "import", file, "--by", "Nino") == {"new": 0, "known": 2, "bad": 1}
    rows = told(desk, "lab", "list", "algeti")
    assert [(row["parameter"], row["verdict"]) for row in rows] == [("turbidity", "bad"), ("e_coli", "clear")]
    desk.tskaro("lab", "void", rows[0]["number"], "--by", "Nino", "--reason", "another tap")
    assert len(told(desk, "lab", "list", "algeti")) == 1
    assert "another tap" in desk.tskaro("lab", "list", "--voided", COLUMNS="200").stdout
    file.write_text(file.read_text(encoding="utf-8").replace("copper", "gold"), encoding="utf-8")
    assert "line 3" in desk.tskaro("lab", "import", file, "--by", "Nino", code=78).stderr


def test_words_in_no_language_of_ours_are_refused(desk: AdministratorsDesk) -> None:
    number = proposed(desk)
    words = ("advisory", "issue", number, "--kind", "boil", "--by", "nino", "--text")
    for text in ("fr=bouillez", "ka=", "boil"):
        assert "write a language (ka, az, hy, ru, en)" in desk.tskaro(*words, text, code=78).stderr
