"""From a folder into a store: restore and import; and whether a store holds what a folder says.

Everything goes through a comparison, month by month, so that what is there already is neither written again nor
changed unless that is asked for; so one that broke off is simply done again. Every file is held against its
checksum before the first row of it is believed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from server.store.archive.comparing import Comparison, Fate, compare
from server.store.archive.hours import HoursUnpacked, check_hours, compare_hours, unpack_hours
from server.store.archive.months import months_from, span_of
from server.store.archive.package import Package, Resource
from server.store.archive.packing import Told
from server.store.archive.reading import check_file, check_sums, rows_of
from server.store.port import PointRejected, ReadingStore, Row

_ROWS_AT_ONCE = 5_000
_TELL_EVERY = 1_000
_REASON_LENGTH = 200


@dataclass(slots=True)
class Unpacked:
    """What came of it.

    Attributes:
        before: how the store stood to the package, row by row, before anything was written.
        written: rows that are stored now.
        refused: rows that the store will never take, by its reason.
        hours: what came of the hours whose readings had been deleted.
    """

    before: Comparison = field(default_factory=Comparison)
    written: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    hours: HoursUnpacked = field(default_factory=HoursUnpacked)


def check_package(folder: Path, package: Package, *, told: Told = lambda _: None) -> None:
    """See that every file is as described, and that its rows add up to what is said of them.

    Raises:
        PackageBroken: one is not; mended by the operator.
    """
    for resource in package.resources:
        check_file(folder, resource)
    for hours in package.hours:
        check_hours(folder, hours)
    for readings in package.readings:
        check_sums(folder, readings)
        told(readings.facts.rows)


def compare_with(
    folder: Path, package: Package, store: ReadingStore, *, told: Told = lambda _: None
) -> Comparison:
    """How a store stands to a package, row by row.

    Raises:
        PackageBroken: a file cannot be read; mended by the operator.
        StoreUnavailable: mended by time.
    """
    compared = Comparison()
    for fate, row in _joined(folder, package, store):
        compared.take(row, fate)
        _tell(compared.counts.total(), told)
    compared.hours = compare_hours(folder, package, store)
    return compared


def compare_stores(wanted: ReadingStore, found: ReadingStore, *, told: Told = lambda _: None) -> Comparison:
    """How a store stands to another, row by row.

    Raises:
        StoreUnavailable: mended by time.
    """
    compared = Comparison()
    extents = [extent for store in (wanted, found) if (extent := store.extent()) is not None]
    if not extents:
        return compared
    oldest, newest = min(start for start, _ in extents), max(end for _, end in extents)
    for month in months_from(oldest, newest + 1):
        since_ms, until_ms = span_of(month)
        walks = (store.rows(since_ms=since_ms, until_ms=until_ms) for store in (wanted, found))
        for fate, row in compare(*walks):
            compared.take(row, fate)
            _tell(compared.counts.total(), told)
    return compared


def unpack_readings(
    folder: Path,
    package: Package,
    store: ReadingStore,
    *,
    replace: bool = False,
    told: Told = lambda _: None,
) -> Unpacked:
    """Write into a store what it does not hold yet.

    Args:
        folder: the package.
        package: its description.
        store: prepared.
        replace: whether a row that the store has otherwise is replaced too.
        told: progress.

    Raises:
        PackageBroken: a file is not as described; what came before it is stored; mended by the operator.
        StoreUnavailable: what came before is stored; do it again; mended by time.
    """
    for resource in package.resources:
        check_file(folder, resource)
    done, waiting = Unpacked(hours=unpack_hours(folder, package, store, replace=replace)), list[Row]()
    wanted = {Fate.MISSING, Fate.CHANGED} if replace else {Fate.MISSING}
    for fate, row in _joined(folder, package, store):
        done.before.take(row, fate)
        _tell(done.before.counts.total(), told)
        if fate in wanted:
            waiting.append(row)
        if len(waiting) >= _ROWS_AT_ONCE:
            _write(store, waiting, done)
            waiting = []
    _write(store, waiting, done)
    return done


def _joined(folder: Path, package: Package, store: ReadingStore) -> Iterator[tuple[Fate, Row]]:
    """Every row of the package, and those that the store has besides in the months of the package."""
    for month, resources in package.by_month():
        since_ms, until_ms = span_of(month)
        yield from compare(_of_files(folder, resources), store.rows(since_ms=since_ms, until_ms=until_ms))


def _of_files(folder: Path, resources: Sequence[Resource]) -> Iterator[Row]:
    for resource in resources:
        yield from rows_of(folder, resource)


def _write(store: ReadingStore, rows: Sequence[Row], done: Unpacked) -> None:
    refused = 0
    try:
        if rows:
            store.write(rows)
    except PointRejected as rejected:
        refused = len(rejected.reasons)
        done.refused.update(reason[:_REASON_LENGTH] for reason in rejected.reasons.values())
    done.written += len(rows) - refused


def _tell(rows: int, told: Told) -> None:
    if rows % _TELL_EVERY == 0:
        told(_TELL_EVERY)
