"""The server's database is restored from an older copy: what the device no longer holds is missing, not awaited."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from server.database.engine import Database
from server.ingest.books import Books
from tests.fakes.device import Device
from tests.fakes.patience import eventually
from tests.fakes.world import CSO, World
from waterquality.intervals import IntervalSet

pytestmark = pytest.mark.integration


def test_what_was_discarded_since_the_copy_is_booked_as_missing_and_the_mark_moves_on(world: World) -> None:
    world.register({"kk-0001": "algeti"})
    ingest, device = world.server("ingest"), world.device()
    world.start(ingest, device)
    eventually(lambda: len(world.stored("kk-0001")) >= 10)
    copied = copy_of(world.folder / "tskaro.db")
    known = known_to(copied, device)
    eventually(lambda: device.depth().held > known.through() + 60)  # receipted, and discarded

    ingest.kill()
    world.restore(copied)
    discarded = device.depth().held - 1
    ingest.start()
    eventually(lambda: device.depth().held > discarded + 20)
    device.rest()
    eventually(lambda: device.depth().records == 0)

    book, head = world.book(device), device.depth().head
    assert book.settled.spans == ((1, head),)
    last = book.missing.spans[-1][1]
    assert last >= discarded
    assert book.missing == IntervalSet(((1, last),)) - known
    (row,) = json.loads(world.tskaro("completeness", "--json"))
    assert (row["missing"], row["through"]) == (len(book.missing), head)
    stored = [(epoch, seq) for epoch, seq, _ in world.stored("kk-0001")]
    assert len(stored) == len(set(stored)) == device.observed()  # the store itself lost nothing


def test_a_device_that_the_older_copy_did_not_know_keeps_what_it_has_until_it_is_registered(
    world: World,
) -> None:
    world.tskaro("completeness")  # whatever looks first makes the database
    copied = copy_of(world.folder / "tskaro.db")
    world.register({"kk-0001": "algeti"})
    ingest, device = world.server("ingest"), world.device()
    world.start(ingest, device)
    eventually(lambda: len(world.stored("kk-0001")) >= 10)

    ingest.kill()
    world.restore(copied)
    ingest.start()
    held = device.depth().held
    eventually(lambda: device.depth().records >= 40)
    assert device.depth().held - held <= 1  # at most a receipt that was on its way
    world.register({"kk-0001": "algeti"})
    eventually(lambda: device.depth().held > held + 1)
    device.rest()
    eventually(lambda: device.depth().records == 0)

    stored = {(epoch, seq) for epoch, seq, _ in world.stored("kk-0001")}
    assert {each.name for each in device.witnessed() if each.kind == "observation"} == stored
    assert world.texts_to(CSO) == []
    (row,) = json.loads(
        world.tskaro("quarantine", "--json")
    )  # one row tells it, so that it pushes nothing out
    assert (row["reason"], row["device_id"]) == ("unknown_device", "kk-0001")
    assert row["times"] > 10


def known_to(database: Path, device: Device) -> IntervalSet:
    """What a copy of the database holds of a device."""
    copy = Database(f"sqlite:///{database}")
    settled = Books(copy).of((device.device, device.epoch)).settled
    copy.close()
    return settled


def copy_of(database: Path) -> Path:
    """A sound copy, as a backup makes it while the server runs."""
    copied = database.with_suffix(".backup")
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copied)) as target:
        source.backup(target)
    return copied
