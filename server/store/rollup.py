"""Rollups: what an hour or a day of a parameter at a water point came to, and how a chart is put together.

Pure decisions, the same for every store. A rollup is never added to, only worked out anew from what it is made
of: the hours from the readings, the days from the hours. So it may be worked out twice, by two processes, or
after a crash. Which hours must be worked out anew is *due*: a mark that a store keeps with what it writes.

Invariant: an hour that is neither due nor forgotten says the same as its readings. Until it does, a chart takes
the readings themselves.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import reduce
from itertools import pairwise

from server.store.port import ChartPoint
from server.store.span import Span
from waterquality.flags import Flag

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
CLOSES_AFTER_MS = 60_000  # an hour's last readings are given so long to arrive before it is worked out
_MOST_STRETCHES = 4


class Grain(IntEnum):
    """What a part of a chart is read from: readings, or rollups of so many milliseconds."""

    RAW = 0
    HOUR = HOUR_MS
    DAY = DAY_MS


@dataclass(frozen=True, slots=True)
class Part:
    """What the readings of one parameter within an interval came to.

    Attributes:
        at_ms: start of the interval, milliseconds since 1970, UTC.
        count: how many readings.
        good: how many of them are flagged GOOD.
        usable: how many have a value with a usable flag; these alone enter low, total and high.
        low: the lowest value, in the parameter's unit; None when `usable` is 0.
        total: the sum of the values.
        high: the highest value; None when `usable` is 0.
        flag: the worst flag among them.
    """

    at_ms: int
    count: int
    good: int
    usable: int
    low: float | None
    total: float
    high: float | None
    flag: int

    def joined(self, other: "Part") -> "Part":
        """Both together, at the start of the first."""
        lows = [low for low in (self.low, other.low) if low is not None]
        highs = [high for high in (self.high, other.high) if high is not None]
        return Part(
            self.at_ms,
            self.count + other.count,
            self.good + other.good,
            self.usable + other.usable,
            min(lows, default=None),
            self.total + other.total,
            max(highs, default=None),
            max(self.flag, other.flag),
        )

    def point(self) -> ChartPoint:
        """As a point of a chart."""
        mean = self.total / self.usable if self.usable else None
        return ChartPoint(self.at_ms, self.low, mean, self.high, Flag(self.flag), self.count)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a chart, and what it is read from."""

    grain: Grain
    span: Span


def hour_of(at_ms: int) -> int:
    """The start of the hour."""
    return at_ms // HOUR_MS * HOUR_MS


def day_of(at_ms: int) -> int:
    """The start of the day (UTC)."""
    return at_ms // DAY_MS * DAY_MS


def good_among_usable(usable_flags: int, sum_of_flags: int) -> int:
    """How many flags are GOOD among so many usable ones (GOOD and SUSPECT), told by their sum.

    It spares a store a walk over the readings of its own for the GOOD ones.
    """
    return (Flag.SUSPECT * usable_flags - sum_of_flags) // (Flag.SUSPECT - Flag.GOOD)


def points_of(parts: Iterable[Part]) -> list[ChartPoint]:
    """One point for each interval, oldest first, of parts in any order."""
    by_start: dict[int, list[Part]] = {}
    for part in parts:
        by_start.setdefault(part.at_ms, []).append(part)
    return [reduce(Part.joined, by_start[at_ms]).point() for at_ms in sorted(by_start)]


def pieces(span: Span, width_ms: int, *, due: Collection[int], forgotten_ms: int) -> list[Piece]:
    """What a chart in intervals of `width_ms` is read from, in any order, without overlap.

    Args:
        span: the chart's; what of it lies in the forgotten time is taken by whole hours.
        width_ms: an interval's width.
        due: starts of the hours that must be worked out anew.
        forgotten_ms: readings before it are deleted, and only their rollups are left; start of a day.
    """
    if width_ms % HOUR_MS:
        return [Piece(Grain.RAW, span)]
    start = hour_of(span.start_ms) if span.start_ms < forgotten_ms else span.start_ms
    end = _up(span.end_ms) if span.end_ms <= forgotten_ms else span.end_ms
    first, last = _up(start), hour_of(end)
    if first > last:
        return [Piece(Grain.RAW, span)]
    doubtful = [Span(hour, hour + HOUR_MS) for hour in sorted(due) if max(first, forgotten_ms) <= hour < last]
    raw = _few([Span(start, first), *doubtful, Span(last, end)])
    rolled = _between(raw, first, last)
    return [Piece(Grain.RAW, each) for each in raw] + [
        piece for each in rolled for piece in _of_rollups(each, width_ms)
    ]


def _of_rollups(span: Span, width_ms: int) -> Iterator[Piece]:
    """Days where the interval is made of days, hours before and after."""
    first, last = -(-span.start_ms // DAY_MS) * DAY_MS, day_of(span.end_ms)
    if width_ms % DAY_MS or first >= last:
        yield Piece(Grain.HOUR, span)
        return
    yield Piece(Grain.DAY, Span(first, last))
    for rest in (Span(span.start_ms, first), Span(last, span.end_ms)):
        if not rest.is_empty:
            yield Piece(Grain.HOUR, rest)


def _few(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that touch as one; of more than a few, the nearest as one with what is between.

    Each stretch costs a store a question, and readings say the same as the rollups that they take the place of.
    """
    joined: list[Span] = []
    for span in spans:
        if span.is_empty:
            continue
        if joined and joined[-1].end_ms == span.start_ms:
            span = Span(joined.pop().start_ms, span.end_ms)  # noqa: PLW2901 - grows
        joined.append(span)
    while len(joined) > _MOST_STRETCHES:
        gaps = [after.start_ms - before.end_ms for before, after in pairwise(joined)]
        at = gaps.index(min(gaps))
        joined[at : at + 2] = [Span(joined[at].start_ms, joined[at + 1].end_ms)]
    return joined


def _between(taken: Iterable[Span], start_ms: int, end_ms: int) -> Iterator[Span]:
    """What lies in [start, end) outside of the spans, which are in order."""
    for span in taken:
        if start_ms < span.start_ms:
            yield Span(start_ms, span.start_ms)
        start_ms = max(start_ms, span.end_ms)
    if start_ms < end_ms:
        yield Span(start_ms, end_ms)


def _up(at_ms: int) -> int:
    return -(-at_ms // HOUR_MS) * HOUR_MS
