"""Two walks side by side: which rows are the same, which one lacks, and which it has otherwise.

Both walks go by water point, then time, then device, so that they are compared row by row without holding either.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from server.store.port import Row
from waterquality.readings import from_ms

_Name = tuple[str, int, str] | tuple[str, str, int]
_T = TypeVar("_T")


class Fate(StrEnum):
    """How a row stands in one place, seen from another."""

    SAME = "same"
    MISSING = "missing"
    CHANGED = "changed"
    ADDED = "added"


@dataclass(slots=True)
class Comparison:
    """What came of comparing.

    Attributes:
        counts: rows by fate.
        days: rows that are not the same, by (device, ISO date, fate).
        hours: rollups of hours whose readings had been deleted, by fate.
    """

    counts: Counter[Fate] = field(default_factory=Counter)
    days: Counter[tuple[str, str, Fate]] = field(default_factory=Counter)
    hours: Counter[Fate] = field(default_factory=Counter)

    def take(self, row: Row, fate: Fate) -> None:
        """Count a row."""
        self.counts[fate] += 1
        if fate is not Fate.SAME:
            observed = row.observation
            self.days[observed.device, f"{from_ms(observed.taken_ms):%Y-%m-%d}", fate] += 1

    @property
    def holds_all(self) -> bool:
        """Whether nothing is missing and nothing changed."""
        amiss = (Fate.MISSING, Fate.CHANGED)
        return not any(counts[fate] for counts in (self.counts, self.hours) for fate in amiss)


def compare(wanted: Iterator[Row], found: Iterator[Row]) -> Iterator[tuple[Fate, Row]]:
    """Each row of both with its fate in `found`: the wanted one, or the one that was added."""
    return side_by_side(wanted, found, _name)


def side_by_side(
    wanted: Iterator[_T], found: Iterator[_T], name: Callable[[_T], _Name]
) -> Iterator[tuple[Fate, _T]]:
    """Each of both, which go by their names, with its fate in `found`."""
    want, have = next(wanted, None), next(found, None)
    while want is not None or have is not None:
        if have is None or (want is not None and name(want) < name(have)):
            assert want is not None
            yield Fate.MISSING, want
            want = next(wanted, None)
        elif want is None or name(have) < name(want):
            yield Fate.ADDED, have
            have = next(found, None)
        else:
            yield (Fate.SAME if want == have else Fate.CHANGED), want
            want, have = next(wanted, None), next(found, None)


def _name(row: Row) -> tuple[str, int, str]:
    return row.water_point, row.observation.taken_ms, row.observation.device
