"""What a device finds at power-on: a damaged outbox is set aside whole, a sound one never."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edge.clock import Instant
from edge.outbox import Outbox, open_outbox
from tests.fakes.patience import eventually
from tests.fakes.world import World
from waterquality.parameters import Parameter
from waterquality.readings import Reading

DEVICE, SERIAL = "kk-0001", "pi-1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An outbox of three records."""
    path = tmp_path / "outbox.db"
    outbox = Outbox(path, device=DEVICE, serial=SERIAL)
    for n in range(3):
        outbox.append(
            Instant(1_763_900_040_000 + n, n, "boot-1", is_synchronised=True), [Reading(Parameter.PH, 7.4)]
        )
    outbox.close()
    return path


def held(path: Path) -> int:
    outbox, aside = open_outbox(path, device=DEVICE, serial=SERIAL)
    with closing(outbox):
        assert aside is None
        return outbox.depth().records


def test_an_outbox_that_another_process_has_locked_is_not_damaged(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            open_outbox(path, device=DEVICE, serial=SERIAL)

    assert held(path) == 3


def test_an_outbox_that_cannot_be_opened_now_is_not_damaged(path: Path) -> None:
    (path.parent / "outbox.db-wal").mkdir()  # such as a file system that went wrong

    with pytest.raises(sqlite3.OperationalError):
        open_outbox(path, device=DEVICE, serial=SERIAL)

    (path.parent / "outbox.db-wal").rmdir()
    assert held(path) == 3


@pytest.mark.parametrize("damage", ["overwritten", "emptied of its head", "empty of sense"])
def test_a_damaged_outbox_is_set_aside_whole_and_a_new_epoch_begins(path: Path, damage: str) -> None:
    before = path.read_bytes()
    damaged = {
        "overwritten": b"x" * len(before),
        "emptied of its head": b"\x00" * 100 + before[100:],
        "empty of sense": before[:1024] + b"\xff" * (len(before) - 1024),
    }[damage]
    path.write_bytes(damaged)

    outbox, aside = open_outbox(path, device=DEVICE, serial=SERIAL)

    assert aside is not None
    assert aside.read_bytes() == damaged
    assert outbox.depth().records == 0
    outbox.close()


def test_a_file_of_another_program_is_set_aside(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as other:
        other.executescript("CREATE TABLE meta (a); CREATE TABLE record (b);")

    outbox, aside = open_outbox(path, device=DEVICE, serial=SERIAL)

    assert aside is not None
    assert outbox.depth().records == 0
    outbox.close()


@pytest.mark.integration
def test_a_device_whose_card_was_damaged_goes_on_and_says_so(world: World) -> None:
    world.register({DEVICE: "algeti"})
    device = world.device(DEVICE)
    world.start(world.server("ingest"), device)
    eventually(lambda: len(world.stored(DEVICE)) >= 5)
    epoch = device.epoch
    device.kill()
    for suffix in ("-wal", "-shm"):
        device.outbox.with_name(device.outbox.name + suffix).unlink(missing_ok=True)
    device.outbox.write_bytes(device.outbox.read_bytes()[:100] + b"\xff" * 8_000)

    device.start()
    eventually(lambda: any(name == device.epoch for name, _, _ in world.stored(DEVICE)))
    device.rest()
    eventually(lambda: device.depth().records == 0)

    assert device.epoch != epoch
    assert "damaged" in device.said("device_started")[-1]["set_aside"]
    assert world.book(device).settled.spans == ((1, device.depth().head),)
