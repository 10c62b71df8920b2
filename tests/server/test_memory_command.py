"""`tskaro memory` and `tskaro device moved` as an administrator types them."""

import json
from pathlib import Path

import pytest

from server.store.sqlite import SqliteReadingStore
from tests.builders import row
from tests.fakes.office import AdministratorsDesk


@pytest.fixture
def desk(tmp_path: Path) -> AdministratorsDesk:
    desk = AdministratorsDesk(tmp_path)
    store = SqliteReadingStore(tmp_path / "readings.db")
    store.prepare()
    store.write([row(water_point="algeti")])
    store.close()
    return desk


def test_a_correction_is_said_in_words_and_waits_in_the_memory(desk: AdministratorsDesk) -> None:
    words = (
        "device",
        "moved",
        "kk-0001",
        "--water-point",
        "kosalari",
        "--since",
        "2026-11-20T09:00:00+04:00",
    )
    said = desk.tskaro(*words, "--who", "Nino")

    assert "kk-0001: stood at kosalari since 2026-11-20 05:00 UTC" in said.stdout
    shown = json.loads(desk.tskaro("memory", "--json").stdout)
    assert (shown["due_hours"], shown["forgotten_ms"], shown["deleted"]) == (1, 0, [])
    (move,) = shown["moves"]
    assert (move["device_id"], move["source"], move["target"]) == ("kk-0001", "algeti", "kosalari")
    assert (move["who"], move["moved"], move["done_ms"]) == ("Nino", 0, None)
    assert "waits" in desk.tskaro("memory").stdout


@pytest.mark.parametrize(
    ("since", "why"), [("yesterday", "is no time"), ("2026-11-20T09:00:00", "has no zone")]
)
def test_a_time_that_says_too_little_is_refused(desk: AdministratorsDesk, since: str, why: str) -> None:
    done = desk.tskaro("device", "moved", "kk-0001", "--water-point", "kosalari", "--since", since, code=78)
    assert why in done.stderr


def test_a_store_that_is_not_there_is_said(desk: AdministratorsDesk) -> None:
    (desk.folder / "readings.db").unlink()
    assert "readings.db" in desk.tskaro("memory", code=75).stderr
