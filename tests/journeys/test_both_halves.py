"""The whole server is lost and brought back from a backup of both halves, while a device goes on measuring."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.fakes.patience import eventually
from tests.fakes.world import World

pytestmark = pytest.mark.integration
DEVICE = "kk-0001"


def back_up(world: World, into: Path) -> None:
    """As `docs/operations/backup-and-restore.md` says: the database first, then the readings."""
    with (
        closing(sqlite3.connect(world.folder / "tskaro.db")) as live,
        closing(sqlite3.connect(into / "tskaro.db")) as copy,
    ):
        live.backup(copy)
    world.tskaro("store", "backup", into / "readings")
    world.tskaro("store", "verify", into / "readings")


def test_a_server_that_is_brought_back_from_both_halves_goes_on_taking_in(
    world: World, tmp_path: Path
) -> None:
    world.register({DEVICE: "algeti"})
    ingest, device = world.server("ingest"), world.device()
    world.start(ingest, device)
    eventually(lambda: len(world.stored(DEVICE)) >= 20)
    (tmp_path / "backup").mkdir()
    back_up(world, tmp_path / "backup")
    backed_up = set(world.stored(DEVICE))
    eventually(lambda: len(world.stored(DEVICE)) >= len(backed_up) + 10)

    ingest.kill()  # and with it the disk: database and readings
    before = set(world.stored(DEVICE))
    world.influxdb.query("DROP DATABASE " + world.influx_database)
    eventually(lambda: device.depth().records >= 10)
    world.restore(tmp_path / "backup" / "tskaro.db")
    world.tskaro("store", "restore", tmp_path / "backup" / "readings")
    restored = set(world.stored(DEVICE))
    assert restored <= before
    assert len(restored) >= 20
    ingest.start()

    device.rest()
    eventually(lambda: device.depth().records == 0, within_s=60)
    stored = {number: at_ms for _, number, at_ms in world.stored(DEVICE)}
    assert len(stored) == len(world.stored(DEVICE)), "an observation is stored twice"
    taken = {each.seq: each.taken_ms for each in device.witnessed() if each.kind == "observation"}
    assert stored.items() <= taken.items()
    assert restored <= set(world.stored(DEVICE))
    book = world.book(device)
    assert book.settled.spans == ((1, device.depth().head),)
    lost = set(taken) - set(stored)
    assert lost, "the device had let go of what came after the backup"
    assert lost <= {number for _, number, _ in before - restored}, (
        "nothing is lost but what was receipted since"
    )
    assert lost <= set(book.missing)

    # What the store holds beyond the copy of the database is found there, and is booked as what it is.
    eventually(lambda: not set(world.book(device).missing) & set(stored), within_s=150, every_s=1.0)
    assert lost <= set(world.book(device).missing)
