"""A card is copied into another Pi, or an old image of it is put back: no number is ever given to two contents."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from server.database.models import QuarantineRow
from tests.fakes.device import Device
from tests.fakes.patience import eventually
from tests.fakes.receiver import Receiver
from tests.fakes.world import World

pytestmark = pytest.mark.integration


def test_a_card_cloned_into_another_pi_begins_an_epoch_and_takes_its_backlog_along(world: World) -> None:
    world.register({"kk-0001": "algeti"})
    original = world.device(card="original")
    world.start(world.server("ingest"), original)
    eventually(lambda: len(world.stored("kk-0001")) >= 5)
    world.broker.stop()
    eventually(lambda: original.depth().records >= 20)
    original.kill()
    clone = cloned(world, original, serial="pi-2")
    held = original.depth().records

    world.broker.start()
    clone.start()
    eventually(lambda: clone.observed() >= 20)
    clone.rest()
    eventually(lambda: clone.depth().records == 0)
    assert clone.epoch != original.epoch
    assert world.book(clone).settled.spans == ((1, clone.depth().head),)
    assert clone.depth().head >= held + 20
    assert_every_instant_is_stored_once(world, original, clone)

    original.rest()  # the original comes back for a moment: it still holds what the clone took along
    original.start()
    eventually(lambda: original.depth().records == 0)
    assert_every_instant_is_stored_once(world, original, clone)
    assert quarantined(world) == []


def test_an_old_image_of_a_card_gives_out_no_number_twice(world: World) -> None:
    world.register({"kk-0001": "algeti"})
    device = world.device()
    world.start(world.server("ingest"), device)
    eventually(lambda: len(world.stored("kk-0001")) >= 5)
    image = world.folder / "image.db"
    save(device.outbox, image)
    epoch = device.epoch
    eventually(lambda before=device.observed(): device.observed() >= before + 40)
    device.rest()
    eventually(lambda: device.depth().records == 0)
    device.kill()
    before = device.observed()

    put_back(image, device.outbox)
    device.rest(rests=False)
    device.start()
    eventually(lambda: device.epoch != epoch)  # the retained receipt spoke of numbers that it never gave out
    eventually(lambda: device.observed() >= before + 40)
    device.rest()
    eventually(lambda: device.depth().records == 0)

    stored = world.stored("kk-0001")
    taken = {each.taken_ms for each in device.witnessed() if each.kind == "observation"}
    assert {at_ms for _, _, at_ms in stored} == taken, "an observation was taken for another"


def cloned(world: World, original: Device, *, serial: str) -> Device:
    """A device with the same card in another machine."""
    clone = world.device(card="clone", serial=serial)
    save(original.outbox, clone.outbox)
    return clone


def save(outbox: Path, into: Path) -> None:
    with closing(sqlite3.connect(outbox)) as source, closing(sqlite3.connect(into)) as target:
        source.backup(target)


def put_back(image: Path, outbox: Path) -> None:
    for suffix in ("-wal", "-shm"):
        outbox.with_name(outbox.name + suffix).unlink(missing_ok=True)
    shutil.copy(image, outbox)


def assert_every_instant_is_stored_once(world: World, *devices: Device) -> None:
    taken = {each.taken_ms for device in devices for each in device.witnessed() if each.kind == "observation"}
    stored = [at_ms for _, _, at_ms in world.stored("kk-0001")]
    assert len(stored) == len(set(stored))
    assert taken <= set(stored)
    assert len(stored) - len(taken) <= 1  # a kill between the outbox and the witness


def quarantined(world: World) -> list[str]:
    with world.database.reading() as connection:
        return list(connection.scalars(select(QuarantineRow.reason)))


def test_an_old_image_is_known_though_the_broker_has_forgotten_everything(world: World) -> None:
    world.register({"kk-0001": "algeti"})
    device, ingest = world.device(), world.server("ingest")
    world.start(ingest, device)
    eventually(lambda: len(world.stored("kk-0001")) >= 5)
    image, epoch = world.folder / "image.db", device.epoch
    save(device.outbox, image)
    eventually(lambda before=device.observed(): device.observed() >= before + 40)
    device.rest()
    eventually(lambda: device.depth().records == 0)
    device.kill()

    ingest.kill()
    world.broker.kill()  # what it retained is gone
    world.broker.start()
    put_back(image, device.outbox)
    with Receiver(world.broker.port, "tskaro/1/+/+/receipt") as listening:
        ingest.start()
        eventually(lambda: listening.heard)
    device.rest(rests=False)
    device.start()
    eventually(lambda before=device.observed(): device.observed() >= before + 40)
    device.rest()
    eventually(lambda: device.depth().records == 0)

    assert device.epoch != epoch
    taken = {each.taken_ms for each in device.witnessed() if each.kind == "observation"}
    assert {at_ms for _, _, at_ms in world.stored("kk-0001")} == taken
    assert quarantined(world) == []
