"""Two lanes out of one outbox: which records to publish next. Pure but for the outbox it reads.

New observations go at once, whatever is still unreceipted; the backlog follows in order beside them, at most a
few batches at a time. What gets no receipt in time is backlog again, after a wait that grows with each silence.

**Invariant**: nothing is in flight twice, and nothing held is in no lane.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from edge.outbox import Outbox
from waterquality.intervals import IntervalSet
from waterquality.wire.encode import Packed

_MAX_DOUBLINGS = 6


@dataclass(frozen=True, slots=True)
class SendingPolicy:
    """How the uplink sends.

    Attributes:
        batch_records: records in one batch at most.
        window_batches: backlog batches that may be unreceipted at a time.
        repeat_after_s: seconds without a receipt after which a batch is sent again.
        deaf_after_s: seconds in which a broker on a good line, however busy, acknowledges something; never less
            than the above.
    """

    batch_records: int = 60
    window_batches: int = 4
    repeat_after_s: float = 30.0
    deaf_after_s: float = 10.0


@dataclass(slots=True)
class _Flight:
    span: tuple[int, int]
    overdue_at_s: float
    soonest_s: float  # overdue then, were it not for the silences before it
    is_backlog: bool


class Lanes:
    """What is on its way, and what goes next.

    Attributes:
        sent: every number that went out over this connection.
        repeated: batches that got no receipt in time.

    Args:
        outbox: where the records are.
        policy: sizes and waits.
        jitter: a random number in [0, 1), asked once for each connection: it keeps devices apart, and must not
            change the order of one device's batches.
    """

    def __init__(self, outbox: Outbox, policy: SendingPolicy, jitter: Callable[[], float]) -> None:
        self._outbox, self._policy, self._jitter = outbox, policy, jitter
        self._flights: list[_Flight] = []
        self._live_from = 0
        self._silences = 0
        self._spread = 1.0
        self.sent = IntervalSet()
        self.repeated = 0

    def reconnect(self) -> None:
        """A new connection: nothing is in flight, and only the newest record is news."""
        self._flights.clear()
        self.sent = IntervalSet()
        self._live_from = max(0, self._outbox.head - 1)
        self._spread = 1 + self._jitter() / 4

    def settle(self, settled: IntervalSet) -> None:
        """A receipt came: what it covers is not in flight any more, and the line is good.

        So nothing waits longer than it would on a good line: what went into a long silence is lost by now.
        """
        self._silences = 0
        self._flights = [flight for flight in self._flights if not settled.covers(*flight.span)]
        for flight in self._flights:
            flight.overdue_at_s = min(flight.overdue_at_s, flight.soonest_s)

    def has_news(self) -> bool:
        """Whether there is a record that was never sent on this connection and is no backlog."""
        return bool(self._outbox.after(self._live_from, 1))

    def next_batch(self, now_s: float, *, with_news: bool = True) -> Sequence[Packed]:
        """The batch to publish now; empty when there is nothing to do before `next_due`.

        Args:
            now_s: monotonic seconds.
            with_news: whether new observations may go; the backlog goes in any case.
        """
        self._expire(now_s)
        if self._outbox.head - self._live_from > self._policy.batch_records:
            # So many at once are no news: they were waiting for their time.
            self._live_from = self._outbox.head - 1
        live = _run(self._outbox.after(self._live_from, self._policy.batch_records)) if with_news else ()
        if live:
            self._live_from = live[-1].last
            return self._take_off(live, now_s, is_backlog=False)
        if sum(flight.is_backlog for flight in self._flights) >= self._policy.window_batches:
            return ()
        backlog = self._waiting()
        return self._take_off(backlog, now_s, is_backlog=True) if backlog else ()

    def next_due(self) -> float | None:
        """When the first batch in flight becomes overdue, in monotonic seconds; None when none flies."""
        return min((flight.overdue_at_s for flight in self._flights), default=None)

    def _expire(self, now_s: float) -> None:
        overdue = [flight for flight in self._flights if flight.overdue_at_s <= now_s]
        if overdue:
            self._silences += 1
            self.repeated += len(overdue)
            self._flights = [flight for flight in self._flights if flight.overdue_at_s > now_s]

    def _waiting(self) -> Sequence[Packed]:
        """The oldest records that are not in flight and not the live lane's, as one unbroken run."""
        flying = IntervalSet.of(flight.span for flight in self._flights)
        after = 0
        while after < self._live_from:
            rows = self._outbox.after(after, self._policy.batch_records)
            free = [row for row in rows if row.first not in flying and row.last <= self._live_from]
            if free or not rows:
                return _run(free)
            after = max(flying.through(rows[0].first), rows[-1].last)
        return ()

    def _take_off(self, batch: Sequence[Packed], now_s: float, *, is_backlog: bool) -> Sequence[Packed]:
        wait_s = self._policy.repeat_after_s * self._spread
        longer_s = wait_s * 2 ** min(self._silences, _MAX_DOUBLINGS)
        span = (batch[0].first, batch[-1].last)
        self.sent |= IntervalSet((span,))
        self._flights.append(_Flight(span, now_s + longer_s, now_s + wait_s, is_backlog))
        return batch


def _run(rows: Sequence[Packed]) -> Sequence[Packed]:
    """The records up to the first hole: an envelope names every number between its ends."""
    for place, (one, other) in enumerate(pairwise(rows), start=1):
        if other.first != one.last + 1:
            return rows[:place]
    return rows
