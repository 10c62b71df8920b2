"""`tskaro screening` as an administrator types it."""

import json
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.database.engine import Database
from server.registry.months import put_months
from server.store.sqlite import SqliteReadingStore
from tests.builders import row
from tests.fakes.office import AdministratorsDesk
from waterquality.parameters import Parameter
from waterquality.screening.months import Month

STEP = timedelta(minutes=15)


@pytest.fixture
def desk(tmp_path: Path) -> AdministratorsDesk:
    desk = AdministratorsDesk(tmp_path)
    store = SqliteReadingStore(tmp_path / "readings.db")
    store.prepare()
    begin = datetime.now(UTC).replace(microsecond=0) - 1_500 * STEP  # fifteen days and a half
    rows = [
        row(water_point="algeti", seq=at + 1, at=begin + at * STEP, ph=7.4 + at * 7 % 5 / 100)
        for at in range(1_500)
    ]
    store.write(rows)
    store.close()
    return desk


def shown(desk: AdministratorsDesk, parameter: str, test: str) -> tuple[object, str]:
    rows = json.loads(desk.tskaro("screening", "show", "algeti", "--json").stdout)
    (found,) = [each for each in rows if (each["parameter"], each["test"]) == (parameter, test)]
    return found["value"], found["source"]


def test_what_is_learned_is_printed_loaded_by_hand_and_then_in_force(desk: AdministratorsDesk) -> None:
    before = shown(desk, "ph", "spike")
    assert before == ({"suspect": 0.2}, "default")

    piece = desk.tskaro("screening", "learn", "algeti").stdout

    assert shown(desk, "ph", "spike") == before  # nothing is set by learning
    learned = tomllib.loads(piece)["screening"][0]["ph"]["spike"]["suspect"]
    assert learned < 0.2
    (desk.folder / "learned.toml").write_text(piece)
    assert "screening: 1" in desk.tskaro("registry", "load", desk.folder / "learned.toml").stdout
    assert shown(desk, "ph", "spike") == ({"suspect": learned}, "water point algeti")
    assert "water point algeti" in desk.tskaro("screening", "show", "algeti", COLUMNS="160").stdout


def test_too_short_a_history_teaches_nothing_and_says_what_to_do(desk: AdministratorsDesk) -> None:
    since = (datetime.now(UTC) - timedelta(days=5)).strftime("%Y-%m-%d")
    assert "2 weeks" in desk.tskaro("screening", "learn", "algeti", "--since", since, code=78).stderr
    assert "wait" in desk.tskaro("screening", "learn", "kosalari", code=78).stderr


def test_a_water_point_that_nobody_serves_is_said(desk: AdministratorsDesk) -> None:
    assert "no device serves" in desk.tskaro("screening", "show", "nowhere", code=78).stderr


def test_what_is_known_of_the_months_is_shown_and_whether_it_counts(desk: AdministratorsDesk) -> None:
    known = {
        Parameter.PH: {4: Month((7.2, 7.6), (6.7, 8.1), 60, 2)},
        Parameter.TURBIDITY: {4: Month((0.4, 2), (0.1, 9), 61, 2)},
    }
    put_months(Database(f"sqlite:///{desk.folder}/tskaro.db"), "algeti", known, 1_796_083_200_000)

    rows = json.loads(desk.tskaro("screening", "show", "algeti", "--json").stdout)

    months = {each["parameter"]: each for each in rows if each["test"] == "month 4"}
    assert months["ph"] == {
        "water_point": "algeti",
        "device": "kk-0001",
        "parameter": "ph",
        "unit": "pH",
        "test": "month 4",
        "value": [6.7, 8.1],
        "ordinary": [7.2, 7.6],
        "days": 60,
        "years": 2,
        "computed_at": "2026-12-01T00:00:00+00:00",
        "source": "its own history",
        "in_force": True,
    }
    assert not months["turbidity"]["in_force"]
    assert (shown(desk, "ph", "months"), shown(desk, "turbidity", "months")) == (
        (True, "default"),
        (False, "default"),
    )
    table = desk.tskaro("screening", "show", "algeti", COLUMNS="180").stdout
    assert "6.7 to 8.1 pH, mostly 7.2 to 7.6; 60 days of 2 years" in table
    assert "61 days of 2 years; not in force" in table
