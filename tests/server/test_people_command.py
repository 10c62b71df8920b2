"""`tskaro people` as whoever keeps the list types it."""

import json
from pathlib import Path

import pytest

from tests.fakes.office import AdministratorsDesk

NUMBER = "+995555000123"
ADD = (
    "--name",
    "Ana",
    "--phone",
    "555 00 01 23",
    "--language",
    "ka",
    "--role",
    "cso",
    "--municipality",
    "marneuli",
)


@pytest.fixture
def desk(tmp_path: Path) -> AdministratorsDesk:
    """With two water points of Marneuli and three people who have agreed."""
    return AdministratorsDesk(tmp_path)


def listed(desk: AdministratorsDesk) -> dict[str, dict[str, object]]:
    return {row["id"]: row for row in json.loads(desk.tskaro("people", "list", "--json").stdout)}


def test_somebody_is_added_agrees_changes_their_mind_and_is_forgotten(desk: AdministratorsDesk) -> None:
    added = desk.tskaro(
        "people", "add", "ana", *ADD, "--quiet", "22:00-7:00", "--least", "critical", "--latin"
    )
    assert "next: tskaro people consent ana" in added.stdout
    assert listed(desk)["ana"]["gets_texts"] is False
    assert "1 of 4 get no texts" in desk.tskaro("people", "list").stdout

    said = ("--wording", "დიახ", "--on", "2026-01-05")
    assert "gets texts" in desk.tskaro("people", "consent", "ana", *said).stdout
    assert "already" in desk.tskaro("people", "consent", "ana", *said).stdout
    assert listed(desk)["ana"]["gets_texts"] is True

    assert "no more texts" in desk.tskaro("people", "opt-out", "ana").stdout
    assert "opted out on" in desk.tskaro("people", "consent", "ana", *said, code=78).stderr

    shown = json.loads(desk.tskaro("people", "show", "ana", "--json").stdout)
    assert (shown["phone"], shown["latin"], shown["least_severity"]) == (NUMBER, True, "critical")
    assert shown["quiet"] == {"begin": "22:00", "end": "07:00"}
    assert [each["given"] for each in shown["consent"]] == [True, False]

    out = desk.folder / "ana.json"
    desk.tskaro("people", "export", "ana", "--out", out)
    assert json.loads(out.read_text())["person"]["phone"] == NUMBER
    assert out.stat().st_mode & 0o077 == 0

    assert "forgotten" in desk.tskaro("people", "forget", "ana", "--yes").stdout
    assert "ana" not in listed(desk)
    assert "was forgotten" in desk.tskaro("people", "add", "ana", *ADD, code=78).stderr
    desk.tskaro("people", "add", "ana", *ADD, "--again")
    assert listed(desk)["ana"]["gets_texts"] is False


def test_one_thing_is_changed_and_the_rest_stays(desk: AdministratorsDesk) -> None:
    desk.tskaro("people", "add", "ana", *ADD, "--tier", "2", "--quiet", "13:00-14:00")
    before = listed(desk)["ana"]

    desk.tskaro("people", "edit", "ana", "--language", "ru", "--quiet", "none", "--water-point", "algeti")

    expected = {**before, "language": "ru", "quiet": None, "water_points": ["algeti"]}
    assert listed(desk)["ana"] == expected
    assert "as it was" in desk.tskaro("people", "edit", "ana", "--tier", "2").stdout


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(("--phone", "032 2 12 34 56"), "ana: phone: takes no texts", id="a landline"),
        pytest.param(("--phone", "+995555000001"), "nino already", id="the number of another"),
        pytest.param(("--tier", "9"), "ana: tier:", id="a tier there is not"),
        pytest.param(("--quiet", "night"), "22:00-07:00", id="quiet hours that are none"),
        pytest.param(("--least", "awful"), "critical", id="a severity there is not"),
        pytest.param(("--water-point", "nowhere"), "there are algeti", id="a place there is not"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(
    desk: AdministratorsDesk, change: tuple[str, str], words: str
) -> None:
    desk.tskaro("people", "add", "ana", *ADD)
    before = listed(desk)

    assert words in desk.tskaro("people", "edit", "ana", *change, code=78).stderr

    assert listed(desk) == before


def test_a_foreign_number_is_taken_and_told(desk: AdministratorsDesk) -> None:
    words = [NUMBER if word == "555 00 01 23" else word for word in ADD]
    words[words.index(NUMBER)] = "+37491123456"

    assert "another country (AM)" in desk.tskaro("people", "add", "ana", *words).stdout


def test_numbers_are_whole_only_where_one_person_is_asked_for(desk: AdministratorsDesk) -> None:
    for words in (("list",), ("list", "--json")):
        shown = desk.tskaro("people", *words, COLUMNS="200").stdout
        assert "+995•••••" in shown
        assert "555000001" not in shown


def test_a_list_is_looked_at_then_taken_in_and_its_bad_rows_come_back(desk: AdministratorsDesk) -> None:
    wording, path = desk.folder / "ka.txt", desk.folder / "people.csv"
    wording.write_text("დიახ, მომწერეთ.\n")
    path.write_text(
        "name,phone,language,role,water_points,consent_on\n"
        "Ana,555000123,ka,cso,algeti,2026-01-05\nBeka,12,ka,cso,algeti,2026-01-05\n"
    )
    words = ("people", "import", path, "--wording-file", wording)

    looked = desk.tskaro(*words, "--check", code=1)
    assert "nothing was taken in" in looked.stdout
    assert "ana" not in listed(desk)
    assert not path.with_suffix(".bad.csv").exists()

    taken = json.loads(desk.tskaro(*words, "--json", code=1).stdout)
    assert (taken["new"], taken["bad"], taken["bad_rows"][0]["row"]) == (1, 1, 3)
    assert listed(desk)["ana"]["consent"][0]["wording"] == "დიახ, მომწერეთ.\n"
    bad = Path(taken["bad_rows_file"])
    assert "Beka,12" in bad.read_text("utf-8-sig")

    bad.write_text(bad.read_text("utf-8-sig").replace(",12,", ",555000124,"))
    assert (
        "new: 1, changed: 0, unchanged: 0, bad: 0" in desk.tskaro("people", "import", bad, *words[3:]).stdout
    )
    assert {"ana", "beka"} < set(listed(desk))


def test_a_command_that_is_refused_changes_nothing(desk: AdministratorsDesk) -> None:
    assert "nobody of this id" in desk.tskaro("people", "forget", "nobody", "--yes", code=78).stderr
    assert "future" in desk.tskaro("people", "opt-out", "nino", "--on", "2999-01-01", code=78).stderr
    assert "word for word" in desk.tskaro("people", "consent", "nino", code=78).stderr

    assert all(row["gets_texts"] for row in listed(desk).values())
