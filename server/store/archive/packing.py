"""From a store into a folder: backup and export.

Month by month, one file for each water point, so that memory is bounded by nothing but one row. A file is written
beside, flushed, and renamed; the description comes last. What runs meanwhile runs on: an intake that writes is not
stopped. What was stored before the walk began is in the package, whole; of what comes during it, some is.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path

from server.registry.reserved import DRILL_POINT
from server.store.archive.columns import HEADER, cells_of
from server.store.archive.csv_file import write_csv
from server.store.archive.hours import pack_hours
from server.store.archive.months import months_from, span_of
from server.store.archive.package import (
    FOLDER,
    FORMAT,
    Facts,
    Package,
    Resource,
    Whole,
    file_name,
    sweep,
    write_description,
)
from server.store.archive.sums import DaySums, Sum
from server.store.port import ReadingStore, Row
from server.store.rolled import RolledHour
from server.store.rollup import HOUR_MS

Told = Callable[[int], None]  # called with a number of rows that are done
_TELL_EVERY = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What goes into a package.

    Attributes:
        since_ms: taken from then on; None from the beginning.
        until_ms: taken before then; None to the end.
        water_points: of these alone; empty for all.
    """

    since_ms: int | None = None
    until_ms: int | None = None
    water_points: frozenset[str] = field(default=frozenset())

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return self == Choice()

    def span(self, extent: tuple[int, int] | None) -> tuple[int, int]:
        """[since, until) of what there is."""
        if extent is None:
            return 0, 0
        since_ms = extent[0] if self.since_ms is None else max(extent[0], self.since_ms)
        until_ms = extent[1] + 1 if self.until_ms is None else min(extent[1] + 1, self.until_ms)
        return since_ms, until_ms

    def takes(self, row: Row) -> bool:
        """Whether this row is among them."""
        return self._has(row.water_point)

    def _has(self, water_point: str) -> bool:
        """Whether a water point is among them; the drill's never is."""
        return water_point != DRILL_POINT and (not self.water_points or water_point in self.water_points)

    def takes_hour(self, hour: RolledHour) -> bool:
        """Whether this hour is among them, whole."""
        if not self._has(hour.water_point):
            return False
        start_ms = hour.part.at_ms
        ends_in_time = self.until_ms is None or start_ms + HOUR_MS <= self.until_ms
        return ends_in_time and (self.since_ms is None or self.since_ms <= start_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What is written on a package.

    Attributes:
        store: the kind of store it comes from.
        title: in words.
        licence: e.g. `CC-BY-4.0`; "" where none is stated.
    """

    store: str
    title: str
    licence: str = ""


def pack_readings(
    store: ReadingStore,
    folder: Path,
    *,
    choice: Choice,
    label: Label,
    now: datetime,
    told: Told = lambda _: None,
) -> Package:
    """Write readings into a folder; one that holds an older package is brought to the new state.

    Args:
        store: where they are.
        folder: made when missing.
        choice: which of them.
        label: what to write on it.
        now: the time that the package says it was begun.
        told: progress.

    Raises:
        StoreUnavailable: the folder is as it was, but for files that it does not name; do it again.
        OSError: likewise: the disk is full, or may not be written.
    """
    resources = list[Resource]()
    since_ms, until_ms = choice.span(store.extent())
    for month in months_from(since_ms, until_ms):
        start_ms, end_ms = span_of(month)
        rows = store.rows(since_ms=max(since_ms, start_ms), until_ms=min(until_ms, end_ms))
        chosen = _telling(filter(choice.takes, rows), told)
        for water_point, of_point in groupby(chosen, key=lambda row: row.water_point):
            resources.append(_write_file(folder, month, water_point, of_point))
    hours, forgotten_ms = pack_hours(store, folder, choice)
    whole = _whole(resources, label, is_whole=choice.is_whole, forgotten_ms=forgotten_ms)
    package = Package(created=now, resources=[*resources, *hours], whole=whole)
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    write_description(folder, package, licence=label.licence, title=label.title)
    sweep(folder, package)
    return package


def _whole(resources: Iterable[Resource], label: Label, *, is_whole: bool, forgotten_ms: int) -> Whole:
    total = Sum()
    for resource in resources:
        total.add(Sum(resource.facts.rows, int(resource.facts.checksum, 16)))
    return Whole(
        format=FORMAT,
        is_whole=is_whole,
        rows=total.rows,
        checksum=total.text,
        store=label.store,
        forgotten_ms=forgotten_ms,
    )


def _telling(rows: Iterable[Row], told: Told) -> Iterator[Row]:
    done = 0
    for done, row in enumerate(rows, start=1):
        yield row
        if done % _TELL_EVERY == 0:
            told(_TELL_EVERY)
    told(done % _TELL_EVERY)


def _write_file(folder: Path, month: str, water_point: str, rows: Iterable[Row]) -> Resource:
    sums = DaySums()
    cells = map(cells_of, sums.counting(rows))
    written = write_csv(folder / FOLDER / month, file_name(water_point), HEADER, cells)
    total = sums.total()
    return Resource(
        name=f"{month}-{file_name(water_point)}".replace("%", "."),
        path=written.path.relative_to(folder).as_posix(),
        size=written.path.stat().st_size,
        hash=written.digest,
        facts=Facts(
            water_point=water_point, month=month, rows=total.rows, checksum=total.text, days=sums.plain()
        ),
    )
