"""A place without any network: the outbox goes on a stick to the server, and the receipt comes back on it."""

import json
from pathlib import Path

import pytest

from edge.clock import SystemClock
from edge.machine import machine_serial
from edge.outbox import Outbox, look_into
from server.ingest.books import Books
from tests.fakes.programs import TSKARO, TSKARO_EDGE, run
from tests.fakes.world import CSO, World
from waterquality.parameters import Parameter
from waterquality.readings import Reading

pytestmark = pytest.mark.integration
DEVICE = "kk-0001"
_DEVICE_TOML = """
schema_version = 1
device = "kk-0001"
[converters.adc0]
kind = "mcp3008"
[[probes]]
parameter = "ph"
model = "sen0161-v2"
input = { converter = "adc0", channel = 1 }
"""
_EDGE_TOML = """
device_config = "{folder}/device.toml"
[mqtt]
host = "127.0.0.1"
port = 1
authentication = "none"
[outbox]
path = "{folder}/outbox.db"
"""


class Tap:
    """A device at a water point that no network reaches, and a technician with a stick."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.stick = folder / "tap", folder / "usb"
        self.folder.mkdir()
        self.stick.mkdir()
        (self.folder / "device.toml").write_text(_DEVICE_TOML)
        (self.folder / "edge.toml").write_text(_EDGE_TOML.format(folder=self.folder))
        self.outbox = Outbox(self.folder / "outbox.db", device=DEVICE, serial=machine_serial())
        self.boot = SystemClock(trusts_always=True)
        self.taken: set[int] = set()

    def takes(self, count: int, *, turbidity: float = 0.4) -> None:
        """Observations of the agent, which runs all the while."""
        for _ in range(count):
            readings = [Reading(Parameter.TURBIDITY, turbidity), Reading(Parameter.PH, 7.4)]
            self.taken.add(self.outbox.append(self.boot.read(), readings).taken_ms)

    def carry(self) -> str:
        done = run(TSKARO_EDGE, "carry", self.stick, "--settings", self.folder / "edge.toml")
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def file(self) -> Path:
        return self.stick / "tskaro" / f"{DEVICE}-{self.outbox.epoch}.batches"


@pytest.fixture
def tap(tmp_path: Path) -> Tap:
    return Tap(tmp_path)


def test_an_outbox_goes_to_the_server_on_a_stick_and_its_receipt_comes_back(world: World, tap: Tap) -> None:
    world.register({DEVICE: "algeti"})
    ingest = world.server("ingest")
    ingest.start()
    tap.takes(450)

    assert "450 records carried" in tap.carry()
    tap.takes(10)  # while the stick is on its way
    assert "have a fate" in world.tskaro("intake", tap.stick)
    assert tap.outbox.depth().records == 460, "nothing is forgotten before the receipt is back"
    assert "450 records are kept by the server" in tap.carry()

    assert look_into(tap.folder / "outbox.db")[1].records == 10
    world.tskaro("intake", tap.file)
    assert "10 records are kept" in tap.carry()
    assert tap.outbox.depth().records == 0
    stored = world.stored(DEVICE)
    assert {at_ms for _, _, at_ms in stored} == tap.taken
    assert len(stored) == 460
    assert world.texts_to(CSO) == []
    (row,) = json.loads(world.tskaro("completeness", "--json"))
    assert (row["stored"], row["through"], row["missing"]) == (460, 460, 0)


def test_the_same_stick_twice_changes_nothing_and_is_receipted_again(world: World, tap: Tap) -> None:
    world.register({DEVICE: "algeti"})
    world.server("ingest").start()
    tap.takes(250)
    tap.carry()

    world.tskaro("intake", tap.file)
    receipt = tap.file.with_suffix(".receipt")
    receipt.unlink()
    world.tskaro("intake", tap.file)

    assert receipt.exists()
    assert len(world.stored(DEVICE)) == 250


def test_a_damaged_stick_brings_what_is_sound_and_the_next_one_the_rest(world: World, tap: Tap) -> None:
    world.register({DEVICE: "algeti"})
    world.server("ingest").start()
    tap.takes(450)
    tap.carry()
    lines = tap.file.read_bytes().splitlines(keepends=True)
    tap.file.write_bytes(b"".join([lines[0], lines[1][:-9] + b"\n", lines[2]]))  # damaged, and cut short

    done = run(TSKARO, "intake", tap.file, "--settings", world.settings, env=world.env)
    assert done.returncode == 1
    assert "1 damaged lines" in done.stdout
    assert "cut short" in done.stdout
    tap.carry()
    assert tap.outbox.depth().records == 250
    world.tskaro("intake", tap.file)
    tap.carry()

    assert tap.outbox.depth().records == 0
    assert len(world.stored(DEVICE)) == 450


def test_a_stick_of_an_unknown_device_or_of_none_is_refused_and_says_so(world: World, tap: Tap) -> None:
    world.tskaro("completeness")
    tap.takes(3)
    tap.carry()

    done = run(TSKARO, "intake", tap.stick, "--settings", world.settings, env=world.env)
    assert (done.returncode, "is not registered" in done.stdout) == (1, True)
    (tap.stick / "tskaro" / "photos.batches").write_bytes(b"\xff\xd8\xff")
    done = run(
        TSKARO, "intake", tap.stick / "tskaro" / "photos.batches", "--settings", world.settings, env=world.env
    )
    assert (done.returncode, "not taken in" in done.stdout) == (1, True)
    assert not list(tap.stick.rglob("*.receipt"))


def test_books_hold_what_came_on_a_stick_like_what_came_over_the_line(world: World, tap: Tap) -> None:
    world.register({DEVICE: "algeti"})
    ingest = world.server("ingest")
    ingest.start()
    tap.takes(20)
    tap.carry()
    world.tskaro("intake", tap.stick)

    ingest.stop()
    book = Books(world.database).of((DEVICE, tap.outbox.epoch))
    assert book.settled.spans == ((1, 20),)
    assert len(book.stored) == 20
