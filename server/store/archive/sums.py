"""Checksums of readings that do not depend on any order: one for each device and day, and one for all.

Each row's 128 bits are added up (modulo 2^128), so whoever has the same rows has the same sum, whichever store they
come from and in whatever order they are read.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from server.store.archive.columns import checksum_of
from server.store.port import Row
from waterquality.readings import from_ms

_MODULUS = 1 << 128
_DAY_MS = 86_400_000


@dataclass(slots=True)
class Sum:
    """So many rows, and what they add up to."""

    rows: int = 0
    total: int = 0

    def add(self, more: "Sum") -> None:
        """Count these too."""
        self.rows += more.rows
        self.total = (self.total + more.total) % _MODULUS

    @property
    def text(self) -> str:
        """32 hex digits."""
        return f"{self.total:032x}"


class DaySums:
    """Sums by device and UTC day."""

    def __init__(self) -> None:
        self._days: dict[tuple[str, int], Sum] = {}

    def take(self, row: Row) -> None:
        """Count a row."""
        observed = row.observation
        name = (observed.device, observed.taken_ms // _DAY_MS)
        self._days.setdefault(name, Sum()).add(Sum(1, checksum_of(row)))

    def counting(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Each of these rows, counted as it passes."""
        for row in rows:
            self.take(row)
            yield row

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Self:
        """The sums of these rows."""
        sums = cls()
        for row in rows:
            sums.take(row)
        return sums

    def total(self) -> Sum:
        """All of them together."""
        total = Sum()
        for one in self._days.values():
            total.add(one)
        return total

    def plain(self) -> Mapping[str, Mapping[str, tuple[int, str]]]:
        """(rows, checksum) by device and ISO date, in order."""
        found: dict[str, dict[str, tuple[int, str]]] = {}
        for (device, day), one in sorted(self._days.items()):
            date = f"{from_ms(day * _DAY_MS):%Y-%m-%d}"
            found.setdefault(device, {})[date] = (one.rows, one.text)
        return found
