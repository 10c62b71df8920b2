"""The server's database is restored from an older copy: what the device no longer holds is missing, not awaited."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from server.database.engine import Database
from server.ingest.books import Books
from tests.fakes.device import Device
from tests.fakes.patience import eventually
from tests.fakes.programs import TSKARO, run
from tests.fakes.world import CSO, World
from waterquality.intervals import IntervalSet

pytestmark = pytest.mark.integration


def test_what_was_discarded_since_the_copy_is_missing_until_it_is_found_in_the_store(world: World) -> None:
    world.register({"kk-0001": "algeti"})
    ingest, device = world.server("ingest"), world.device()
    world.start(ingest, device)
    eventually(lambda: world.book(device).settled.through() >= 10)
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
    assert discarded > known.through() + 40  # so much was forgotten by both
    ingest.stop()
    ingest.start()  # it looks over the books a minute after the start, or at the start: what is missing is found
    eventually(lambda: not world.book(device).missing, within_s=100)
    (row,) = json.loads(world.tskaro("completeness", "--json"))
    assert (row["missing"], row["through"], row["adds_up"]) == (0, head, True)
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


def test_a_store_that_was_put_back_is_told_by_command_and_the_books_say_what_it_has_lost(
    world: World,
) -> None:
    world.register({"kk-0001": "algeti"})
    ingest, device = world.server("ingest"), world.device()
    world.start(ingest, device)
    eventually(lambda: len(world.stored("kk-0001")) >= 20)
    device.rest()
    eventually(lambda: device.depth().records == 0)
    assert json.loads(world.tskaro("completeness", "check", "--json")) == []
    lost = [at_ms for _, _, at_ms in world.stored("kk-0001")][5:12]
    world.influxdb.query(
        f"DELETE FROM observation WHERE time >= {lost[0]}ms AND time <= {lost[-1]}ms", world.influx_database
    )

    command = [*TSKARO, "completeness", "check", "--book", "--json", "--settings", world.settings]
    done = run(command, env=world.env)

    assert (done.returncode, json.loads(done.stdout)) == (
        1,
        [{"device": "kk-0001", "epoch": device.epoch, "found": 0, "lost": 7}],
    )
    eventually(lambda: len(world.book(device).missing) == 7)
    (row,) = json.loads(world.tskaro("completeness", "--json"))
    assert (row["missing"], row["adds_up"]) == (7, True)
    assert json.loads(world.tskaro("completeness", "check", "--json")) == []


def test_database_and_store_put_back_together_lose_what_the_device_has_discarded_and_say_so(
    world: World,
) -> None:
    world.register({"kk-0001": "algeti"})
    ingest, device = world.server("ingest"), world.device()
    world.start(ingest, device)
    eventually(lambda: world.book(device).settled.through() >= 10)
    ingest.stop()
    copied, store = copy_of(world.folder / "tskaro.db"), world.folder / "store.backup"
    with world.influxdb.stopped():
        shutil.copytree(world.influxdb.directory, store)
    ingest.start()
    known = known_to(copied, device)
    eventually(lambda: device.depth().held > known.through() + 40)

    ingest.kill()
    receipted = world.book(device).settled  # at least what the device has discarded
    world.restore(copied)
    with world.influxdb.stopped():
        shutil.rmtree(world.influxdb.directory)
        shutil.copytree(store, world.influxdb.directory)
    discarded = device.depth().held - 1
    ingest.start()
    eventually(lambda: device.depth().held > discarded + 20)
    device.rest()
    eventually(lambda: device.depth().records == 0)

    book, head = world.book(device), device.depth().head
    assert book.settled.spans == ((1, head),)
    assert IntervalSet(((1, discarded),)) - known - book.missing == IntervalSet()
    assert book.missing - (receipted - known) == IntervalSet()
    stored = [seq for _, seq, _ in world.stored("kk-0001")]
    assert len(stored) == len(set(stored))
    assert set(stored) == set(book.stored)


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
