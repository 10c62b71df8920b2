"""`tskaro screening` as an administrator types it."""

import json
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.store.sqlite import SqliteReadingStore
from tests.builders import row
from tests.fakes.office import AdministratorsDesk

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
