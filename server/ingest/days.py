"""On which day a number was taken: what is known of it, and how the rest is estimated.

Times rise with the numbers of an epoch. So for each (device, epoch, day) only the first and the last number
that is known to be of it has to be kept, with their instants: two *anchors* a day. A number between two anchors
of one day is of that day. One between two days, or one that never came, gets its instant by the straight line
between its neighbours. What lies beyond the last anchor is of that day, unless the device told later how far it
has come.

Days are those of Tbilisi. What is booked is never counted here: only sets of numbers are cut at midnight.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

from waterquality.intervals import IntervalSet

DayKey = tuple[str, str, int]
_DAY_MS = 86_400_000
_TBILISI_MS = 4 * 3_600_000  # all the year round since 2005
_WRITE_EVERY_MS = 15 * 60_000
_LONGEST_BEFORE_MS = 31 * _DAY_MS
_DAY_0 = date(1970, 1, 1)


def day_of(at_ms: int) -> int:
    """The day in Tbilisi of an instant, counted from 1970-01-01."""
    return (at_ms + _TBILISI_MS) // _DAY_MS


def date_of(day: int) -> date:
    """The date of a day."""
    return _DAY_0 + timedelta(days=day)


def day_on(on: date) -> int:
    """The day of a date."""
    return (on - _DAY_0).days


@dataclass(frozen=True, slots=True)
class Extent:
    """The first and the last number that is known to be of a day, and when each was taken (ms since 1970)."""

    first_seq: int
    first_ms: int
    last_seq: int
    last_ms: int

    def __or__(self, other: "Extent") -> "Extent":
        """Of both."""
        first = self if self.first_seq <= other.first_seq else other
        last = self if self.last_seq >= other.last_seq else other
        return Extent(first.first_seq, first.first_ms, last.last_seq, last.last_ms)


def extents_of(timed: Mapping[tuple[str, str], Sequence[tuple[int, int]]]) -> dict[DayKey, Extent]:
    """The extent of each day.

    Args:
        timed: (number, taken_ms) of what has its instant, by (device, epoch).
    """
    extents: dict[DayKey, Extent] = {}
    for key, pairs in timed.items():
        first, last = min(pairs), max(pairs)
        days = {day_of(first[1]), day_of(last[1])}
        parts = [pairs] if len(days) == 1 else _by_day(pairs)
        for part in parts:
            first, last = min(part), max(part)
            extents[*key, day_of(first[1])] = Extent(*first, *last)
    return extents


def _by_day(pairs: Iterable[tuple[int, int]]) -> Iterable[Sequence[tuple[int, int]]]:
    days: dict[int, list[tuple[int, int]]] = {}
    for pair in pairs:
        days.setdefault(day_of(pair[1]), []).append(pair)
    return days.values()


def instants_of(numbers: IntervalSet, days: Sequence[Extent]) -> tuple[int, int]:
    """Between which instants some numbers were taken (ms since 1970), by the days that hold them and those beside.

    What lies before the first day that is known may have lain in an outbox for a month, what lies after the last
    one was taken in the last hours.
    """
    since_ms, until_ms = days[0].first_ms, days[-1].last_ms
    if numbers.spans[0][0] < days[0].first_seq:
        since_ms -= _LONGEST_BEFORE_MS
    return since_ms, until_ms + (_DAY_MS if numbers.spans[-1][1] > days[-1].last_seq else 0)


class Unwritten:
    """Extents on their way into the database: each day's first one at once, later ones a few times an hour.

    What is lost of them with the process only makes the edge of a day an estimate.
    """

    def __init__(self) -> None:
        self._newest: dict[
            tuple[str, str], tuple[int, Extent, Extent | None]
        ] = {}  # day, as known, as written

    def due(self, extents: Mapping[DayKey, Extent]) -> dict[DayKey, Extent]:
        """What of it is to be written now; the same again until `wrote` says that it was."""
        due: dict[DayKey, Extent] = {}
        for (device, epoch, day), extent in extents.items():
            key = (device, epoch)
            newest, known, written = self._newest.get(key, (day, extent, None))
            if day < newest:
                due[*key, day] = extent
                continue
            if day > newest:
                due[*key, newest] = known
                known, written = extent, None
            known |= extent
            self._newest[key] = (day, known, written)
            if written is None or _has_grown(written, known):
                due[*key, day] = known
        return due

    def wrote(self, due: Mapping[DayKey, Extent]) -> None:
        """This is in the database now."""
        for (device, epoch, day), extent in due.items():
            newest = self._newest.get((device, epoch))
            if newest is not None and newest[0] == day:
                self._newest[device, epoch] = (day, newest[1], extent)


def _has_grown(written: Extent, known: Extent) -> bool:
    return known.first_seq < written.first_seq or known.last_ms - written.last_ms >= _WRITE_EVERY_MS


@dataclass(frozen=True, slots=True)
class DaySpan:
    """The numbers of one (device, epoch) that were taken on a day, as far as is known or estimated.

    Attributes:
        day: counted from 1970-01-01; None where no instant of the epoch is known at all.
        first: lowest number.
        last: highest number.
    """

    day: int | None
    first: int
    last: int

    def of(self, numbers: IntervalSet) -> IntervalSet:
        """Those of the numbers that are of this day."""
        return numbers.within(self.first, self.last)


def day_spans(extents: Sequence[Extent], head: int, told: tuple[int, int] | None = None) -> Sequence[DaySpan]:
    """Cut 1 to `head` at every midnight.

    Args:
        extents: of the days that are known.
        head: the highest number given out.
        told: how far the device said that it had come, and when (ms since 1970); None where it did not.

    Returns:
        Spans that cover 1 to `head` once each, oldest first; days without any number are left out.
    """
    anchors = _rising(extents, told)
    if head < 1:
        return ()
    if not anchors:
        return (DaySpan(None, 1, head),)
    spans = [DaySpan(day_of(anchors[0][1]), 1, head)]
    for one, other in pairwise(anchors):
        for day in range(day_of(one[1]) + 1, day_of(other[1]) + 1):
            edge = _first_of(day, one, other)
            if spans[-1].first < edge <= head:
                spans[-1] = replace(spans[-1], last=edge - 1)
                spans.append(DaySpan(day, edge, head))
            elif spans[-1].first == edge:
                spans[-1] = replace(spans[-1], day=day)
    return spans


def _rising(extents: Sequence[Extent], told: tuple[int, int] | None) -> list[tuple[int, int]]:
    """The anchors by number; one whose instant does not rise with it is passed over: no sound device sends it."""
    ends = {
        pair for each in extents for pair in ((each.first_seq, each.first_ms), (each.last_seq, each.last_ms))
    }
    rising: list[tuple[int, int]] = []
    for seq, at_ms in sorted(ends | ({told} if told is not None else set())):
        if not rising or (seq > rising[-1][0] and at_ms > rising[-1][1]):
            rising.append((seq, at_ms))
    return rising


def _first_of(day: int, one: tuple[int, int], other: tuple[int, int]) -> int:
    """The first number of a day whose midnight lies between two anchors, by the straight line between them."""
    midnight_ms = day * _DAY_MS - _TBILISI_MS
    numbers, span_ms = other[0] - one[0], other[1] - one[1]
    ahead = -(-(midnight_ms - one[1]) * numbers // span_ms)
    return one[0] + max(1, min(ahead, numbers))
