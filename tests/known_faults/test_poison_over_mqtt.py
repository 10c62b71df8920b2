"""Whatever a device sends ends with a name in quarantine, and the next good message is stored and receipted."""

import json
import random
import time
import zlib
from collections.abc import Iterator
from itertools import count

import pytest
from sqlalchemy import select

from server.database.models import QuarantineRow
from tests.fakes.patience import eventually
from tests.fakes.programs import Program
from tests.fakes.receiver import Receiver
from tests.fakes.world import World
from tests.services.influxdb import InfluxDB
from tests.services.mosquitto import Mosquitto
from waterquality import topics
from waterquality.topics import Envelope
from waterquality.wire.decode import MAX_INFLATED_BYTES
from waterquality.wire.messages import decode_receipt

pytestmark = pytest.mark.integration
DEVICE = "kk-0001"
_epochs = count(0x10000000)


class Sender:
    """A device that says what it likes, each time in an epoch of its own.

    Attributes:
        world: with a running ingest.
        line: to its broker.
        epoch: the one in use.
    """

    def __init__(self, world: World, line: Receiver) -> None:
        self.world, self.line = world, line
        self.epoch = ""

    def begin(self) -> None:
        self.epoch = f"{next(_epochs):08x}"

    def opening(self, **more: object) -> list[dict[str, object]]:
        base = {"bn": f"{DEVICE}/", "bt": round(time.time(), 3), "n": "epoch", "vs": self.epoch}
        return [base | more, {"n": "held", "u": "count", "v": 1}]

    def pack(self, *records: object, **more: object) -> bytes:
        return json.dumps([*self.opening(**more), *records]).encode()

    def say(self, payload: bytes, first: int = 1, last: int | None = None, *, retain: bool = False) -> None:
        envelope = Envelope(DEVICE, self.epoch, first, last or first)
        self.line.say(topics.readings(envelope), payload, retain=retain)

    def say_good(self, number: int, ph: float = 7.1) -> None:
        self.say(self.pack(seq(number), reading(ph)), number)

    def wait_until_heard(self) -> None:
        """Until ingest answers: it is ready a little before the broker knows what it wants to hear."""
        self.begin()
        payload = self.pack(seq(1), reading(7.1))
        eventually(lambda: self.say(payload) or self.receipted(), every_s=0.2)

    def receipted(self) -> set[int]:
        """The numbers of this epoch that were receipted last."""
        topic = topics.of_device(DEVICE, "receipt")
        told = [decode_receipt(each.payload) for each in self.line.heard if each.topic == topic]
        ours = [each for each in told if each.epoch == self.epoch]
        return set(ours[-1].settled) if ours else set()

    def stored(self) -> dict[int, float]:
        """The pH that is stored, by number."""
        query = f"SELECT seq, ph FROM observation WHERE epoch = '{self.epoch}'"
        series = self.world.influxdb.query(query, self.world.influx_database)
        return {number: ph for each in series for _, number, ph in each["values"]}

    def quarantined(self) -> list[tuple[int, int, str]]:
        """First, last and reason of what was set aside in this epoch."""
        columns = (QuarantineRow.first, QuarantineRow.last, QuarantineRow.reason)
        query = select(*columns).where(QuarantineRow.epoch == self.epoch).order_by(QuarantineRow.id)
        with self.world.database.reading() as connection:
            return [tuple(row) for row in connection.execute(query)]


def seq(number: object, **more: object) -> dict[str, object]:
    return {"n": "seq", "u": "count", "v": number, **more}


def reading(value: object, name: str = "ph", unit: str = "pH") -> dict[str, object]:
    return {"n": name, "u": unit, "v": value}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, influxdb_of_session: InfluxDB
) -> Iterator[tuple[World, Program]]:
    folder, url = tmp_path_factory.mktemp("poison"), ""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_of_session").start().new_database()
    influxdb = influxdb_of_session.start()
    with Mosquitto() as broker, World(folder, broker, influxdb, database_url=url) as world:
        world.register({DEVICE: "algeti"})
        ingest = world.server("ingest").start()
        with Receiver(world.broker.port, "tskaro/1/+/+/receipt") as line:
            Sender(world, line).wait_until_heard()
        yield world, ingest


@pytest.fixture
def sender(running: tuple[World, Program]) -> Iterator[Sender]:
    world, _ = running
    with Receiver(world.broker.port, "tskaro/1/+/+/receipt") as line:
        sender = Sender(world, line)
        sender.begin()
        yield sender


YEAR_1970, YEAR_2100 = {"bt": 86_400.0}, {"bt": 4_102_444_800.0}

HOSTILE = {
    "not JSON": ("not_json", lambda _: b"\x00\x01 turbidity=7"),
    "empty": ("not_json", lambda _: b""),
    "nested to death": ("not_json", lambda _: b"[" * 100_000),
    "JSON but no SenML": ("not_senml", lambda _: b'{"turbidity": 7}'),
    "a list of numbers": ("not_senml", lambda _: b"[1, 2, 3]"),
    "a value before any seq": ("not_senml", lambda it: it.pack(reading(7.1))),
    "a number as a text": ("wrong_type", lambda it: it.pack(seq(1), reading("7.2"))),
    "a truth as a number": ("wrong_type", lambda it: it.pack(seq(1), reading(True))),
    "a list as a number": ("wrong_type", lambda it: it.pack(seq(1), reading([7]))),
    "null": ("wrong_type", lambda it: it.pack(seq(1), reading(None))),
    "an unknown parameter": (
        "unknown_parameter",
        lambda it: it.pack(seq(1), reading(1.0, "arsenic", "mg/l")),
    ),
    "the wrong unit": ("wrong_unit", lambda it: it.pack(seq(1), reading(11.0, "flow", "l/min"))),
    "NaN": ("not_finite", lambda it: it.pack(seq(1), reading(float("nan")))),
    "infinity": ("not_finite", lambda it: it.pack(seq(1), reading(float("-inf")))),
    "beyond all floats": ("not_finite", lambda it: it.pack(seq(1), reading(10**400))),
    "ten megabytes": ("too_large", lambda _: b'["' + b"x" * 10_000_000 + b'"]'),
    "a zip bomb": ("too_large", lambda _: zlib.compress(b"[" + b" " * (MAX_INFLATED_BYTES + 1))),
    "deflate cut short": ("bad_deflate", lambda it: zlib.compress(it.pack(seq(1), reading(7.1)))[:-6]),
    "the year 1970": ("time_too_old", lambda it: it.pack(seq(1), reading(7.1), **YEAR_1970)),
    "the year 2024": ("time_too_old", lambda it: it.pack(seq(1), reading(7.1), bt=1_704_067_200.0)),
    "the year 2100": ("time_in_future", lambda it: it.pack(seq(1), reading(7.1), **YEAR_2100)),
    "before all time": ("time_too_old", lambda it: it.pack(seq(1), reading(7.1), bt=-1e300)),
    "the end of all time": ("time_in_future", lambda it: it.pack(seq(1), reading(7.1), bt=1e300)),
    "another device's name": ("wrong_device", lambda it: it.pack(seq(1), reading(7.1), bn="kk-0002/")),
    "another epoch": ("wrong_epoch", lambda it: it.pack(seq(1), reading(7.1), vs="00000000")),
    "nothing of what the topic names": ("absent_from_batch", lambda it: it.pack()),
    "a letter that is none": ("unknown_parameter", lambda it: it.pack(seq(1), reading(1.0, "\ud800"))),
    "a doubled letter that is none": (
        "not_senml",
        lambda it: it.pack(seq(1), reading(1.0, "\ud800"), reading(1.0, "\ud800")),
    ),
    "a letter that is none, in a note": (
        "wrong_type",
        lambda it: it.pack(seq(1), {"n": "note", "vs": "started"}, {"n": "note/detail", "vs": "\ud800"}),
    ),
    "a nought in a note": (
        "wrong_type",
        lambda it: it.pack(seq(1), {"n": "note", "vs": "started"}, {"n": "note/detail", "vs": "a\x00b"}),
    ),
    "a nought in a certificate": (
        "wrong_type",
        lambda it: it.pack(seq(1), {"n": "certificate", "vs": "\x00"}),
    ),
}


@pytest.mark.parametrize(("reason", "payload"), HOSTILE.values(), ids=HOSTILE.keys())
def test_it_is_set_aside_by_its_name_and_the_next_good_message_is_stored(sender, reason, payload) -> None:
    sender.say(payload(sender))
    sender.say_good(2)
    eventually(lambda: sender.receipted() == {1, 2})

    assert sender.quarantined() == [(1, 1, reason)]
    assert sender.stored() == {2: 7.1}


def test_one_bad_observation_does_not_take_its_batch_with_it(sender: Sender) -> None:
    at = time.time()
    records = [
        (seq(n, bt=at + n / 1000), reading(value)) for n, value in enumerate((7.1, "7.2", 7.3), start=1)
    ]
    sender.say(sender.pack(*(each for pair in records for each in pair)), 1, 3)
    eventually(lambda: sender.receipted() == {1, 2, 3})

    assert sender.quarantined() == [(2, 2, "wrong_type")]
    assert sender.stored() == {1: 7.1, 3: 7.3}


def test_what_an_unknown_device_sends_is_shown_and_not_receipted(sender: Sender) -> None:
    topic = topics.readings(Envelope("zz-9999", sender.epoch, 1, 1))
    sender.line.say(topic, sender.pack(seq(1), reading(7.1), bn="zz-9999/"))
    sender.say_good(1)
    eventually(lambda: sender.receipted() == {1})

    assert sender.quarantined() == [(1, 1, "unknown_device")]
    assert not any("zz-9999/receipt" in each.topic for each in sender.line.heard)
    assert sender.stored() == {1: 7.1}


@pytest.mark.parametrize(
    "topic",
    [
        "tskaro/1/{shard}/kk-0001/readings",
        "tskaro/1/{shard}/kk-0001/readings/{epoch}",
        "tskaro/1/{shard}/kk-0001/readings/{epoch}/2-1",
        "tskaro/1/{shard}/kk-0001/readings/{epoch}/0-1",
        "tskaro/1/{shard}/kk-0001/readings/{epoch}/1-1/more",
        "tskaro/1/{other}/kk-0001/readings/{epoch}/1-1",
        "tskaro/1/{shard}/KK-0001/readings/{epoch}/1-1",
        "tskaro/1/{shard}/ვერხვი/readings/{epoch}/1-1",
        "tskaro/1/{shard}/" + "x" * 5_000 + "/readings/{epoch}/1-1",
    ],
)
def test_a_wrong_topic_is_set_aside_and_receipts_nothing(sender: Sender, topic: str) -> None:
    shard = topics.shard(DEVICE)
    other = "0" if shard != "0" else "1"
    before = wrong_topics(sender)
    sender.line.say(
        topic.format(shard=shard, other=other, epoch=sender.epoch), sender.pack(seq(1), reading(7.1))
    )
    sender.say_good(1, ph=7.7)
    eventually(lambda: sender.receipted() == {1})

    assert wrong_topics(sender) > before
    assert sender.stored() == {1: 7.7}


def wrong_topics(sender: Sender) -> int:
    query = select(QuarantineRow.times).where(QuarantineRow.reason == "wrong_topic")
    with sender.world.database.reading() as connection:
        return sum(connection.scalars(query))


def test_a_number_that_comes_again_with_other_content_is_an_alarm_and_changes_nothing(sender: Sender) -> None:
    sender.say_good(1, ph=7.1)
    eventually(lambda: sender.receipted() == {1})
    sender.say_good(1, ph=9.9)
    sender.say_good(2, ph=7.2)
    eventually(lambda: sender.receipted() == {1, 2})

    assert sender.quarantined() == [(1, 1, "sequence_conflict")]
    assert sender.stored() == {1: 7.1, 2: 7.2}


def test_a_number_that_comes_again_as_it_was_is_no_alarm(sender: Sender) -> None:
    payload = sender.pack(seq(1), reading(7.1))
    for _ in range(3):
        sender.say(payload)
    sender.say_good(2)
    eventually(lambda: sender.receipted() == {1, 2})

    assert sender.quarantined() == []
    eventually(lambda: len(sender.stored()) == 2)


def test_a_retained_reading_is_history_stamped_as_new_and_ignored(
    sender: Sender, running: tuple[World, Program]
) -> None:
    world, ingest = running
    ingest.stop()
    sender.say(sender.pack(seq(1), reading(7.1)), retain=True)
    ingest.start()
    Sender(world, sender.line).wait_until_heard()

    assert sender.receipted() == set()
    assert sender.stored() == {}
    assert sender.quarantined() == []
    sender.say(b"", retain=True)  # the broker forgets it


def test_health_and_status_of_any_kind_harm_nobody(sender: Sender) -> None:
    health = {"epoch": sender.epoch, "appended": 1, "held": 1, "in_outbox": 0, "in_gaps": 0, "uptime_s": 1.0}
    health |= {"clock_synchronised": True, "time_ms": 1, "counters": {"\ud800\x00": 10**30}}
    for payload in (
        *(b"", b"[]", b"\xff", b"[" * 70_000, b'{"state": "gone"}', b'{"state": ["online"]}'),
        json.dumps(health | {"time_ms": 10**400}).encode(),
        json.dumps(health).encode(),
        json.dumps(health | {"uptime_s": float("nan")}).encode(),
        json.dumps(health | {"uptime_s": 10**400}).encode(),
    ):
        for channel in ("health", "status"):
            sender.line.say(topics.of_device(DEVICE, channel), payload)
    sender.say_good(1)

    eventually(lambda: sender.receipted() == {1})
    eventually(lambda: health_of(sender.world) is not None)
    json.dumps(health_of(sender.world), allow_nan=False)


def health_of(world: World) -> dict[str, object] | None:
    from server.database.models import Device

    with world.database.reading() as connection:
        return connection.scalar(select(Device.health).where(Device.id == DEVICE))


def test_a_burst_of_noise_is_survived(sender: Sender, running: tuple[World, Program]) -> None:
    noise = random.Random(20_261_120)
    good = json.loads(sender.pack(seq(1), reading(7.1)))
    held = {number: _noise(noise, good) for number in range(1, 301)}

    def come_again() -> bool:  # so much at once is beyond a device's allowance, and part of it is not let in
        left = [number for number in held if number not in sender.receipted()]
        for number in left:
            sender.say(held[number], number)
        return not left

    eventually(come_again, within_s=60, every_s=2.0)
    sender.say_good(301)
    eventually(lambda: set(range(1, 302)) == sender.receipted(), within_s=60)

    set_aside = sum(last - first + 1 for first, last, _ in sender.quarantined())
    assert set_aside + len(sender.stored()) >= 301
    assert sender.stored()[301] == 7.1
    _, ingest = running
    assert ingest.defects() == []


def _noise(noise: random.Random, good: list[dict[str, object]]) -> bytes:
    """Random bytes, or a good message that something has happened to."""
    if noise.random() < 0.3:
        return noise.randbytes(noise.randrange(200))
    payload = json.dumps(_bent(noise, good)).encode()
    if noise.random() < 0.3:
        payload = zlib.compress(payload)
    if noise.random() < 0.3:
        at = noise.randrange(len(payload))
        payload = payload[:at] + noise.randbytes(noise.randrange(4)) + payload[at + noise.randrange(4) :]
    return payload


def _bent(noise: random.Random, good: list[dict[str, object]]) -> list[object]:
    strange = [None, True, -1, 1e308, 10**30, "", "\ud800", "\x00", "ph", [], {}, "NaN", float("nan"), -0.0]
    keys = ["n", "u", "v", "vs", "t", "bn", "bt", "bu", "bv", "bver", "s", "odd_", "\ud800_"]
    bent: list[object] = [dict(record) for record in good]
    for _ in range(noise.randrange(4)):
        record = noise.choice(bent)
        if isinstance(record, dict) and noise.random() < 0.8:
            record[noise.choice(keys)] = noise.choice(strange)
        else:
            bent.insert(noise.randrange(len(bent) + 1), noise.choice(strange))
    return bent


def test_quarantine_is_shown_to_people_and_to_scripts(sender: Sender) -> None:
    sender.say(b"no JSON at all")
    eventually(lambda: sender.receipted() == {1})

    rows = json.loads(sender.world.tskaro("quarantine", "--json"))
    (row,) = (row for row in rows if row["epoch"] == sender.epoch)
    assert (row["device_id"], row["first"], row["last"], row["reason"], row["times"]) == (
        DEVICE,
        1,
        1,
        "not_json",
        1,
    )
    assert "not_json" in sender.world.tskaro("quarantine")
