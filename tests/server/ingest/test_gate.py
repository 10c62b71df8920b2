"""The gate of intake: an honest device never feels it, a flood hurts nobody else, who was revoked is not heard."""

import time
import zlib
from collections.abc import Callable

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from server.ingest import gate as module
from server.ingest.gate import Allowance, Gate
from server.ingest.subscriber import Arrival
from waterquality.topics import Envelope, of_device, parse_readings, readings
from waterquality.wire.decode import decode

DEVICE, OTHER = "kk-0007", "kk-0008"
BATCH_BYTES, BATCHES_AT_ONCE, RECEIPT_EVERY_S = 40_000, 4, 0.2
ALLOWANCE = Allowance()


class Hand:
    """A clock that is wound by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def gate(clock: Hand) -> Gate:
    return Gate(clock=clock, work_clock=clock)


def batch_of(device: str, number: int = 1) -> str:
    return readings(Envelope(device, "9f1c2a7e", 60 * number, 60 * number + 59))


def flood(gate: Gate, device: str = DEVICE, messages: int = 10_000, size: int = 100) -> int:
    return sum(gate.admit(batch_of(device), size) for _ in range(messages))


def test_a_device_that_drains_thirty_days_as_fast_as_it_may_is_never_over(gate: Gate, clock: Hand) -> None:
    batches = 30 * 24 * 60 // 60
    for number in range(0, batches, BATCHES_AT_ONCE):
        assert all(gate.admit(batch_of(DEVICE, number), BATCH_BYTES) for _ in range(BATCHES_AT_ONCE))
        assert gate.admit(batch_of(DEVICE, number), 300)  # and what it has just taken
        clock.now_s += RECEIPT_EVERY_S

    assert gate.counters == {}


def test_a_flooding_device_gets_its_burst_and_then_its_rate_and_the_others_all_they_send(
    gate: Gate, clock: Hand
) -> None:
    burst = ALLOWANCE.messages_per_s * ALLOWANCE.burst_s

    assert flood(gate) == pytest.approx(burst, abs=2)
    assert gate.admit(batch_of(OTHER), 300)
    clock.now_s += 10.0
    assert flood(gate) <= burst + 2
    assert gate.counters["dropped_over_allowance"] >= 20_000 - 2 * (burst + 2)
    assert set(gate.over()) == {DEVICE}


def test_large_messages_cost_more(gate: Gate) -> None:
    assert flood(gate, size=250_000) < flood(gate, OTHER, size=100)


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 300_000)), max_size=300))
def test_whatever_a_device_does_no_more_than_rate_and_burst_comes_in(steps: list[tuple[float, int]]) -> None:
    clock, bytes_in = Hand(), 0
    gate = Gate(clock=clock)
    for wait_s, size in steps:
        clock.now_s += wait_s
        bytes_in += size * gate.admit(batch_of(DEVICE), size)

    lasted_s = clock.now_s - 1000.0
    assert bytes_in <= ALLOWANCE.bytes_per_s * (lasted_s + ALLOWANCE.burst_s) + 300_000


def test_who_is_over_is_told_in_the_log_when_it_begins_and_when_it_ends(gate: Gate, clock: Hand) -> None:
    with structlog.testing.capture_logs() as said:
        for _ in range(3):
            flood(gate)
            gate.report()
            clock.now_s += 1.0
        clock.now_s += 11.0
        gate.report()
        gate.report()

    assert [line["event"] for line in said] == ["device_over_allowance", "device_within_allowance"]
    assert said[1]["dropped"] == gate.counters["dropped_over_allowance"]
    assert gate.over() == {}


def test_names_without_end_cost_no_memory_without_end(
    monkeypatch: pytest.MonkeyPatch, gate: Gate, clock: Hand
) -> None:
    monkeypatch.setattr(module, "_MOST_NAMES", 100)
    for number in range(1_000):
        gate.admit(f"tskaro/1/0/name-{number}/status", 1_000)
    gate.admit(f"tskaro/1/0/{'x' * 60_000}/status", 1_000)

    assert len(gate._full_at_s) <= 101
    assert all(len(name) <= 16 for name in gate._full_at_s)
    clock.now_s += 60.0
    assert gate.admit(batch_of(OTHER), 300)  # who was busy is forgotten: there is room again
    assert len(gate._full_at_s) < 3


def taken(gate: Gate, *devices: str, work_s: Callable[[], None] = lambda: None) -> list[str]:
    """Whose messages intake gets to see when so many wait; `work_s` is what each one takes."""
    seen = []
    waiting = [Arrival(batch_of(device), b"", 0) for device in devices]
    for _, envelope in gate.in_turn((each, parse_readings(each.topic)) for each in waiting):
        assert envelope is not None
        work_s()
        seen.append(envelope.device)
    return seen


def test_what_is_hard_to_take_in_uses_the_allowance_up(gate: Gate, clock: Hand) -> None:
    def labour() -> None:
        clock.now_s += 1.5

    assert taken(gate, DEVICE, DEVICE, DEVICE, OTHER, work_s=labour) == [DEVICE, OTHER]
    assert not gate.admit(batch_of(DEVICE), 5_000)
    assert gate.counters["dropped_over_allowance"] == 3
    clock.now_s += 10.0
    assert gate.admit(batch_of(DEVICE), 5_000)


def test_ordinary_work_is_free(gate: Gate, clock: Hand) -> None:
    def labour() -> None:
        clock.now_s += 0.009

    assert taken(gate, *[DEVICE] * 500, work_s=labour) == [DEVICE] * 500


def test_what_waits_of_a_device_that_is_shut_out_is_not_taken_in(gate: Gate) -> None:
    gate.shut_out(frozenset({DEVICE}))

    assert taken(gate, DEVICE, OTHER) == [OTHER]


def test_of_a_device_that_is_shut_out_nothing_comes_in_until_it_has_a_certificate_again(
    gate: Gate, clock: Hand
) -> None:
    heard: list[str] = []
    take = gate.guard(lambda topic, *_: heard.append(topic))
    take(batch_of(DEVICE), b"before", False)
    gate.shut_out(frozenset({DEVICE}))
    for topic in (batch_of(DEVICE), of_device(DEVICE, "status"), of_device(DEVICE, "reply")):
        take(topic, b"while", False)
    take(batch_of(OTHER), b"while", False)

    assert heard == [batch_of(DEVICE), batch_of(OTHER)]
    assert gate.counters == {"dropped_shut_out": 3}
    assert gate.knocked() == {DEVICE: clock.now_s}
    gate.shut_out(frozenset())
    take(batch_of(DEVICE), b"after", False)
    assert heard[-1] == batch_of(DEVICE)
    assert gate.knocked() == {}


def test_a_small_message_can_hold_much_work(gate: Gate, clock: Hand) -> None:
    """What the charge is there for: a few kilobytes that take longer than many ordinary batches."""
    entry = b'{"n":"ph","v":7},'
    opening = b'[{"bn":"kk-0007/","bt":1763900040,"n":"epoch","vs":"9f1c2a7e"},{"n":"seq","v":1},'
    bomb = zlib.compress(opening + entry * 60_000 + b'{"n":"ph","v":7}]', 9)
    began_s = time.thread_time()
    decode(bomb, Envelope(DEVICE, "9f1c2a7e", 1, 1))
    took_s = time.thread_time() - began_s

    def labour() -> None:
        clock.now_s += took_s

    assert len(bomb) < 10_000
    assert len(taken(gate, *[DEVICE] * 300, work_s=labour)) < 100
