"""A set of whole numbers kept as closed intervals: what custody counts with.

A device appends millions of observations; which of them are stored, quarantined or missing is a handful of
intervals. Immutable: an operation returns a new set, so a half-done booking cannot be seen.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class IntervalSet:
    """Sorted, disjoint, non-adjacent closed intervals.

    Attributes:
        spans: `(first, last)` pairs, both inside the set.
    """

    spans: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, spans: Iterable[tuple[int, int]]) -> IntervalSet:
        """The set that covers all the spans, which may overlap and come in any order."""
        merged: list[tuple[int, int]] = []
        for first, last in sorted(spans):
            if first > last:
                message = f"{first}-{last} runs backwards"
                raise ValueError(message)
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(merged[-1][1], last))
            else:
                merged.append((first, last))
        return cls(tuple(merged))

    @classmethod
    def of_numbers(cls, numbers: Iterable[int]) -> IntervalSet:
        """The set of these numbers."""
        held = list(numbers)
        if held and held == list(range(held[0], held[0] + len(held))):  # nearly always: a batch in order
            return cls(((held[0], held[-1]),))
        return cls.of((number, number) for number in held)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self.spans, (number, float("inf"))) - 1
        return at >= 0 and self.spans[at][0] <= number <= self.spans[at][1]

    def __len__(self) -> int:
        """How many numbers it holds."""
        return sum(last - first + 1 for first, last in self.spans)

    def __iter__(self) -> Iterator[int]:
        for first, last in self.spans:
            yield from range(first, last + 1)

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __or__(self, other: IntervalSet) -> IntervalSet:
        """Union."""
        if not other.spans or not self.spans:
            return self if self.spans else other
        if len(other.spans) == 1:  # nearly always: what came goes on where the last ended
            (first, last), (at, end) = other.spans[0], self.spans[-1]
            if at <= first <= end + 1:
                return IntervalSet((*self.spans[:-1], (at, max(end, last))))
        return IntervalSet.of((*self.spans, *other.spans))

    def __sub__(self, other: IntervalSet) -> IntervalSet:
        """What is here and not in the other."""
        left: list[tuple[int, int]] = []
        for first, last in self.spans:
            start = first
            for taken_first, taken_last in other.spans:
                if taken_last < start or taken_first > last:
                    continue
                if taken_first > start:
                    left.append((start, taken_first - 1))
                start = taken_last + 1
            if start <= last:
                left.append((start, last))
        return IntervalSet(tuple(left))

    def covers(self, first: int, last: int) -> bool:
        """Whether every number from first to last is here."""
        at = bisect_right(self.spans, (first, float("inf"))) - 1
        return at >= 0 and self.spans[at][0] <= first and last <= self.spans[at][1]

    def through(self, start: int = 1) -> int:
        """The last number of the unbroken run that begins at `start`; `start - 1` when it is not here."""
        at = bisect_right(self.spans, (start, float("inf"))) - 1
        return self.spans[at][1] if at >= 0 and self.spans[at][1] >= start else start - 1

    def above(self, mark: int) -> IntervalSet:
        """What lies above the mark."""
        return IntervalSet(tuple((max(first, mark + 1), last) for first, last in self.spans if last > mark))

    def within(self, first: int, last: int) -> IntervalSet:
        """What lies from first to last, both included."""
        begin = max(0, bisect_right(self.spans, (first, float("inf"))) - 1)
        cut = ((max(low, first), min(high, last)) for low, high in self.spans[begin:])
        return IntervalSet(tuple((low, high) for low, high in cut if low <= high))
