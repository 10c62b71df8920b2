"""The edge against what goes wrong between two of its parts."""

import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from edge import clock as clock_module
from edge.agent import Agent, AgentParts
from edge.clock import Instant, SystemClock
from edge.heartbeat import Heartbeat
from edge.lanes import SendingPolicy
from edge.outbox import Outbox, OutboxFull
from edge.sampler import Sampler
from edge.schedule import Every
from edge.uplink import Broker, Uplink
from waterquality.intervals import IntervalSet
from waterquality.parameters import Parameter
from waterquality.readings import Reading
from waterquality.wire.encode import Packed
from waterquality.wire.messages import Health, Receipt, encode_receipt

START_MS = 1_763_900_040_000
NOWHERE = Broker("127.0.0.1", 1)


class PhProbe:
    """A probe that always reads 7, calibrated."""

    name = "ph"
    parameters = (Parameter.PH,)

    def measure(self, _now: object) -> list[Reading]:
        return [Reading(Parameter.PH, 7.0, certificate="cal-1")]


class FullOnce(Outbox):
    """An outbox whose disk is full for the first observation."""

    was_full = False

    def append(self, *args: object) -> Packed:
        if not self.was_full:
            self.was_full = True
            raise OutboxFull("full")
        return super().append(*args)  # type: ignore[arg-type]


class StillClock:
    """A clock that stands still."""

    def __init__(self, instant: Instant) -> None:
        self.instant = instant

    def read(self) -> Instant:
        return self.instant

    def pause(self, _seconds: float, wake: threading.Event) -> None:
        wake.wait(0.01)


def test_a_certificate_is_named_again_when_the_observation_that_named_it_was_not_kept(tmp_path: Path) -> None:
    outbox = FullOnce(tmp_path / "o.db", device="kk-0001", serial="pi-1")
    sampler = Sampler([PhProbe()], outbox)  # type: ignore[list-item]

    for second in range(2):
        sampler.observe(Instant(START_MS + 1000 * second, 0, "boot-1", is_synchronised=True))

    (kept,) = outbox.after(0, 10)
    assert "cal-1" in kept.body


def test_what_waits_for_its_time_gets_it_before_the_agent_notes_its_start(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db", device="kk-0001", serial="pi-1")
    outbox.append(Instant(5_000, 5_000, "boot-1", is_synchronised=False), PhProbe().measure(None))
    clock = StillClock(Instant(START_MS + 600_000, 600_000, "boot-1", is_synchronised=True))

    agent = Agent(
        AgentParts(
            device="kk-0001",
            probes=(),
            outbox=outbox,
            broker=NOWHERE,
            clock=clock,
            schedule=Every(3600),
        )
    )
    agent.start()
    waited, _note = outbox.after(0, 10)
    agent.stop()

    assert waited.taken_ms == START_MS + 5_000


def test_a_word_to_stop_is_heard_whenever_it_comes(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db", device="kk-0001", serial="pi-1")
    uplink = Uplink(NOWHERE, device="kk-0001", outbox=outbox, policy=SendingPolicy())
    stop = threading.Event()

    class StopsMeanwhile(threading.Event):
        """The word comes just before the loop clears what woke it."""

        def clear(self) -> None:
            stop.set()
            self.set()
            super().clear()

    uplink._wake = StopsMeanwhile()
    uplink._is_up.set()
    uplink._client = object()  # type: ignore[assignment]
    loop = threading.Thread(target=uplink._send_until_down, args=(stop,), daemon=True)
    loop.start()
    loop.join(5)

    assert not loop.is_alive()


def test_a_backlog_that_drains_for_minutes_keeps_nobody_from_stopping(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db", device="kk-0001", serial="pi-1")
    for second in range(300):
        instant = Instant(START_MS + 1000 * second, 1000 * second, "boot-1", is_synchronised=True)
        outbox.append(instant, PhProbe().measure(None))
    stop, sent, works = threading.Event(), [], set()
    uplink = Uplink(NOWHERE, device="kk-0001", outbox=outbox, policy=SendingPolicy(batch_records=1))

    def send(batch: Sequence[Packed]) -> None:
        """A server so near that its receipt is there before the next batch."""
        sent.append(batch[0].first)
        works.add(uplink.work._begun_s)
        settled = IntervalSet.of([(batch[0].first, batch[-1].last)])
        receipt = encode_receipt(Receipt(outbox.epoch, 0, settled, START_MS))
        uplink._receiving.put(receipt, is_retained=False)
        if len(works) > 1 or len(sent) == 299:
            stop.set()
            uplink.nudge()

    uplink._send = send  # type: ignore[method-assign]
    uplink._is_up.set()
    uplink._send_until_down(stop)

    assert len(sent) < 299


def test_a_clock_that_was_right_stays_right_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_module, "_SYNCHRONISED", tmp_path / "never")
    told = iter((False, True))
    monkeypatch.setattr(clock_module, "_kernel_is_synchronised", lambda: next(told, False))
    clock = SystemClock()

    assert [clock.read().is_synchronised for _ in range(4)] == [False, True, True, True]


@pytest.fixture
def busy() -> Iterator[Counter[str]]:
    """A counter to which another thread adds names without end."""
    counter, stop, interval = (
        Counter[str]({"start": 1, **dict.fromkeys("abcdefghijklmnopqrst", 1)}),
        threading.Event(),
        sys.getswitchinterval(),
    )

    def count() -> None:
        while not stop.is_set():
            for number in range(50):
                counter[str(number)] += 1
            for number in range(50):
                del counter[str(number)]

    sys.setswitchinterval(1e-5)
    thread = threading.Thread(target=count)
    thread.start()
    yield counter
    stop.set()
    thread.join()
    sys.setswitchinterval(interval)


def test_a_heartbeat_is_told_while_the_other_loops_count(tmp_path: Path, busy: Counter[str]) -> None:
    outbox = Outbox(tmp_path / "o.db", device="kk-0001", serial="pi-1")
    heartbeat = Heartbeat(outbox, [busy], lambda _: True)
    now = Instant(START_MS, 0, "boot-1", is_synchronised=True)

    assert all(heartbeat.health(now).counters["start"] == 1 for _ in range(10_000))


def test_the_heart_tells_when_it_is_time_or_when_nobody_heard_it(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db", device="kk-0001", serial="pi-1")
    told: list[Health] = []
    heard = iter([False, True, True])

    def publish(health: Health) -> bool:
        told.append(health)
        return next(heard)

    heartbeat = Heartbeat(outbox, [Counter()], publish, used_bytes=lambda: 1234)
    for minute in range(17):
        heartbeat.beat(Instant(START_MS, minute * 60_000, "boot-1", is_synchronised=True), 900.0)

    assert [health.uptime_s for health in told] == [0.0, 60.0, 960.0]
    assert {health.bytes_this_month for health in told} == {1234}
