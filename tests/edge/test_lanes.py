"""The lanes with a real outbox: new before backlog, nothing twice in flight, in the end everything is settled."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.clock import Instant
from edge.lanes import Lanes, SendingPolicy
from edge.outbox import Outbox
from waterquality.intervals import IntervalSet
from waterquality.parameters import Parameter
from waterquality.readings import Reading
from waterquality.wire.encode import Packed

START_MS = 1_763_900_040_000
POLICY = SendingPolicy(batch_records=4, window_batches=2, repeat_after_s=10.0)
Span = tuple[int, int]


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "outbox.db", device="kk-0001", serial="pi-1", max_records=200)
    yield box
    box.close()


@pytest.fixture
def lanes(outbox: Outbox) -> Lanes:
    return Lanes(outbox, POLICY, lambda: 0.0)


def append(outbox: Outbox, count: int = 1, *, synchronised: bool = True) -> None:
    for _ in range(count):
        instant = Instant(START_MS + outbox.head, outbox.head, "boot-1", synchronised)
        outbox.append(instant, [Reading(Parameter.PH, 7.4)])


def sent(lanes: Lanes, now_s: float = 0.0) -> list[Span]:
    """Everything that is due now, as envelopes."""
    spans = []
    while batch := lanes.next_batch(now_s):
        spans.append((batch[0].first, batch[-1].last))
    return spans


def receipt(lanes: Lanes, outbox: Outbox, *spans: Span) -> None:
    settled = IntervalSet.of(spans)
    outbox.discard(settled)
    lanes.settle(settled)


def test_an_empty_outbox_sends_nothing_and_waits_for_nothing(lanes: Lanes) -> None:
    lanes.reconnect()

    assert sent(lanes) == []
    assert lanes.next_due() is None


def test_the_newest_observation_goes_before_the_backlog(lanes: Lanes, outbox: Outbox) -> None:
    append(outbox, 20)
    lanes.reconnect()

    assert sent(lanes)[:2] == [(20, 20), (1, 4)]


def test_what_is_appended_meanwhile_goes_before_the_rest_of_the_backlog(lanes: Lanes, outbox: Outbox) -> None:
    append(outbox, 20)
    lanes.reconnect()
    sent(lanes)
    append(outbox, 2)
    receipt(lanes, outbox, (1, 4), (20, 20))

    assert sent(lanes) == [(21, 22), (9, 12)]


def test_only_so_many_batches_of_backlog_are_unreceipted_at_a_time(lanes: Lanes, outbox: Outbox) -> None:
    append(outbox, 40)
    lanes.reconnect()

    assert sent(lanes) == [(40, 40), (1, 4), (5, 8)]
    receipt(lanes, outbox, (5, 8))
    assert sent(lanes) == [(9, 12)]


def test_new_observations_go_at_once_though_the_window_is_full(lanes: Lanes, outbox: Outbox) -> None:
    append(outbox, 40)
    lanes.reconnect()
    sent(lanes)

    for seq in (41, 42, 43):
        append(outbox)
        assert sent(lanes) == [(seq, seq)]


def test_a_batch_without_receipt_is_sent_again_and_not_before_its_time(lanes: Lanes, outbox: Outbox) -> None:
    append(outbox, 3)
    lanes.reconnect()
    first = sent(lanes, now_s=0.0)

    assert lanes.next_due() == 10.0
    assert sent(lanes, now_s=9.9) == []
    assert sorted(sent(lanes, now_s=10.0)) == [(1, 3)]
    assert sorted(first) == [(1, 2), (3, 3)]
    assert lanes.repeated == 2


def test_each_silence_doubles_the_wait_and_a_receipt_ends_that(lanes: Lanes, outbox: Outbox) -> None:
    append(outbox)
    lanes.reconnect()
    waits = []
    now_s = 0.0
    for _ in range(9):
        sent(lanes, now_s)
        waits.append(lanes.next_due() - now_s)
        now_s = lanes.next_due()
    assert waits == [10, 20, 40, 80, 160, 320, 640, 640, 640]

    receipt(lanes, outbox, (1, 1))
    append(outbox)
    sent(lanes, now_s)
    assert lanes.next_due() == now_s + 10


def test_the_first_receipt_after_a_long_silence_frees_the_backlog_that_waits(
    lanes: Lanes, outbox: Outbox
) -> None:
    append(outbox, 9)
    lanes.reconnect()
    now_s = 0.0
    for _ in range(8):
        sent(lanes, now_s)
        now_s = lanes.next_due()
    sent(lanes, now_s)

    append(outbox)
    assert sent(lanes, now_s + 60) == [(10, 10)]
    receipt(lanes, outbox, (10, 10))  # the server is back; what was sent into the void is overdue by now

    assert sent(lanes, now_s + 60) == [(1, 4), (5, 8)]


def test_waits_are_spread_by_the_jitter(outbox: Outbox) -> None:
    append(outbox)
    dues = []
    for jitter in (0.0, 0.5, 0.96):
        lanes = Lanes(outbox, POLICY, lambda jitter=jitter: jitter)
        lanes.reconnect()
        sent(lanes)
        dues.append(lanes.next_due())

    assert dues == pytest.approx([10.0, 11.25, 12.4])


def test_a_backlog_that_got_no_receipt_is_repeated_in_order(outbox: Outbox) -> None:
    numbers = iter([0.9, 0.7, 0.1, 0.5])
    lanes = Lanes(outbox, POLICY, lambda: next(numbers))
    append(outbox, 20)
    lanes.reconnect()
    sent(lanes)
    again = []
    while len(again) < 2:
        again += sent(lanes, lanes.next_due())

    assert again == [(1, 4), (5, 8)]


def test_a_new_connection_forgets_what_was_in_flight(lanes: Lanes, outbox: Outbox) -> None:
    append(outbox, 5)
    lanes.reconnect()
    sent(lanes)
    assert sent(lanes) == []

    lanes.reconnect()

    assert sent(lanes) == [(5, 5), (1, 4)]


def test_a_hole_never_lies_inside_an_envelope(lanes: Lanes, outbox: Outbox) -> None:
    append(outbox, 12)
    receipt(lanes, outbox, (2, 2), (5, 7))
    lanes.reconnect()

    spans = sent(lanes)
    receipt(lanes, outbox, *spans)
    spans += sent(lanes)

    assert spans == [(12, 12), (1, 1), (3, 4), (8, 11)]


def test_a_gap_travels_whole_and_once(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "small.db", device="kk-0001", serial="pi-1", max_records=20)
    lanes = Lanes(outbox, POLICY, lambda: 0.0)
    append(outbox, 25)
    lanes.reconnect()

    spans = sent(lanes)
    receipt(lanes, outbox, *spans)
    spans += sent(lanes)

    assert spans[:2] == [(25, 25), (1, 9)]  # (1, 6) is the gap, and three observations fill the batch
    assert outbox.depth().in_gaps == 6


def test_what_has_no_time_yet_is_not_sent(lanes: Lanes, outbox: Outbox) -> None:
    append(outbox, 2)
    append(outbox, 3, synchronised=False)
    lanes.reconnect()

    assert sent(lanes) == [(1, 2)]
    outbox.synchronise(Instant(START_MS + 900_000, 900_000, "boot-1", is_synchronised=True))
    receipt(lanes, outbox, (1, 2))
    assert [first for first, _ in sent(lanes)]
    assert sent(lanes) == []


@dataclass
class LossyLine:
    """A line and a server at its end: what it takes and what it brings back is up to the script.

    Attributes:
        outbox: of the device.
        lanes: of the device.
        settled: what the server holds.
        flying: what was sent and is neither receipted nor overdue, with the instant it becomes overdue.
    """

    outbox: Outbox
    lanes: Lanes
    settled: IntervalSet = field(default_factory=IntervalSet)
    now_s: float = 0.0
    flying: list[tuple[Span, float]] = field(default_factory=list)

    def turn(self, *, arrives: bool, returns: bool) -> None:
        """Send all that is due; the batches arrive or not, and so does the receipt."""
        self.flying = [flight for flight in self.flying if flight[1] > self.now_s]
        while batch := self.lanes.next_batch(self.now_s):
            self._check(batch)
            if arrives:
                self.settled |= IntervalSet(((batch[0].first, batch[-1].last),))
        if returns:
            self._receipt()

    def cut(self) -> None:
        """The connection breaks and comes back."""
        self.lanes.reconnect()
        self.flying.clear()

    def _check(self, batch: Sequence[Packed]) -> None:
        assert all(one.last + 1 == other.first for one, other in pairwise(batch)), "a hole in an envelope"
        span = (batch[0].first, batch[-1].last)
        others = IntervalSet.of(flight for flight, _ in self.flying)
        assert not any(number in others for number in range(span[0], span[1] + 1)), (
            f"{span} is in flight already"
        )
        assert len(batch) <= POLICY.batch_records
        self.flying.append((span, self.now_s + POLICY.repeat_after_s))

    def _receipt(self) -> None:
        self.outbox.discard(self.settled)
        self.lanes.settle(self.settled)
        self.flying = [flight for flight in self.flying if not self.settled.covers(*flight[0])]


Step = Callable[[LossyLine], None]
_steps: st.SearchStrategy[Step] = st.one_of(
    st.integers(1, 12).map(lambda count: lambda line: append(line.outbox, count)),
    st.tuples(st.booleans(), st.booleans()).map(
        lambda luck: lambda line: line.turn(arrives=luck[0], returns=luck[1])
    ),
    st.floats(0.1, 200).map(lambda seconds: lambda line: setattr(line, "now_s", line.now_s + seconds)),
    st.just(LossyLine.cut),
)


@settings(max_examples=150)
@given(st.lists(_steps, max_size=40))
def test_over_a_lossy_line_everything_is_settled_in_the_end(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        outbox = Outbox(Path(folder, "o.db"), device="kk-0001", serial="pi-1", max_records=10_000)
        line = LossyLine(outbox, Lanes(outbox, POLICY, lambda: 0.5))
        for step in steps:
            step(line)
        for _ in range(outbox.head + 3):  # from now on the line is good
            line.now_s = max(line.now_s, line.lanes.next_due() or 0.0)
            line.turn(arrives=True, returns=True)

        assert outbox.depth().records == 0
        assert len(line.settled) == outbox.head
        outbox.close()
