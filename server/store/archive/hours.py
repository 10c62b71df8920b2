"""The part of a package that holds what hours came to whose readings are deleted: packed, compared, brought back.

Only those hours: every other follows from readings, which are in the package themselves. They are packed after the
readings, so that a day which is forgotten meanwhile is in one of the two, and are brought back before them, so
that readings left over of a forgotten day are not taken for all that it had.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from server.store.archive.comparing import Fate, side_by_side
from server.store.archive.csv_file import read_csv, write_csv
from server.store.archive.hour_columns import HOUR_HEADER, HourReader, cells_of_hour, checksum_of_hour
from server.store.archive.package import (
    HOURS_FOLDER,
    HourFacts,
    HourResource,
    Package,
    PackageBroken,
    file_name,
)
from server.store.archive.sums import Sum
from server.store.port import ReadingStore
from server.store.rolled import RolledHour
from server.store.rollup import DAY_MS, HOUR_MS, day_of

if TYPE_CHECKING:
    from server.store.archive.packing import Choice

_HOURS_AT_ONCE = 5_000


@dataclass(slots=True)
class HoursUnpacked:
    """What came of bringing hours back.

    Attributes:
        before: how the store stood to the package before anything was written.
        written: hours that the store has taken.
        left_out: hours that it has not: it has readings of its own of that time.
    """

    before: Counter[Fate] = field(default_factory=Counter)
    written: int = 0
    left_out: int = 0


def pack_hours(store: ReadingStore, folder: Path, choice: "Choice") -> tuple[list[HourResource], int]:
    """Write the rollups of what the store has forgotten; returns the files, and how far that is.

    Raises:
        StoreUnavailable, OSError: as `pack_readings`.
    """
    through_ms = store.upkeep().forgotten_ms if choice.is_whole else 0
    resources = []
    chosen = (hour for hour in store.rolled_hours() if choice.takes_hour(hour))
    for water_point, of_point in groupby(chosen, key=lambda hour: hour.water_point):
        tally = _Tally()
        name = file_name(water_point)
        written = write_csv(folder / HOURS_FOLDER, name, HOUR_HEADER, map(cells_of_hour, tally.of(of_point)))
        through_ms = max(through_ms, day_of(tally.last_ms) + DAY_MS)
        resources.append(
            HourResource(
                name=f"hours-{name}".replace("%", "."),
                path=written.path.relative_to(folder).as_posix(),
                size=written.path.stat().st_size,
                hash=written.digest,
                facts=HourFacts(water_point=water_point, hours=tally.sum.rows, checksum=tally.sum.text),
            )
        )
    return resources, through_ms


def check_hours(folder: Path, resource: HourResource) -> None:
    """See that the hours of a file add up to what the package says of them.

    Raises:
        PackageBroken: they do not; mended by the operator.
    """
    tally = _Tally()
    for _ in tally.of(hours_of(folder, resource)):
        pass
    if (tally.sum.rows, tally.sum.text) != (resource.facts.hours, resource.facts.checksum):
        raise PackageBroken(f"{folder / resource.path}: its hours do not add up to what the description says")


def hours_of(folder: Path, resource: HourResource) -> Iterator[RolledHour]:
    """The hours of a file, in its order.

    Raises:
        PackageBroken: it cannot be read; mended by the operator.
    """
    return read_csv(folder / resource.path, lambda header: HourReader(header).hour_of)


def compare_hours(folder: Path, package: Package, store: ReadingStore) -> Counter[Fate]:
    """How a store stands to the hours of a package.

    Raises:
        PackageBroken: a file cannot be read; mended by the operator.
        StoreUnavailable: mended by time.
    """
    return Counter(fate for fate, _ in _joined(folder, package, store))


def unpack_hours(
    folder: Path, package: Package, store: ReadingStore, *, replace: bool = False
) -> HoursUnpacked:
    """Have a store take over the hours that it does not hold, and how far the package's store had forgotten.

    Args:
        folder: the package, its files checked.
        package: its description.
        store: prepared.
        replace: whether an hour that the store has otherwise is replaced too.

    Raises:
        PackageBroken: a file cannot be read; mended by the operator.
        StoreUnavailable: what came before is stored; do it again; mended by time.
    """
    done, waiting = HoursUnpacked(), list[RolledHour]()
    wanted = {Fate.MISSING, Fate.CHANGED} if replace else {Fate.MISSING}
    through_ms = package.whole.forgotten_ms
    if through_ms:
        store.adopt((), through_ms)
    for fate, hour in _joined(folder, package, store):
        done.before[fate] += 1
        if fate in wanted:
            waiting.append(hour)
        if len(waiting) >= _HOURS_AT_ONCE:
            _adopt(store, waiting, through_ms, done)
            waiting = []
    _adopt(store, waiting, through_ms, done)
    return done


def _adopt(store: ReadingStore, hours: Sequence[RolledHour], through_ms: int, done: HoursUnpacked) -> None:
    taken = store.adopt(hours, through_ms) if hours else 0
    done.written += taken
    done.left_out += len(hours) - taken


def _joined(folder: Path, package: Package, store: ReadingStore) -> Iterator[tuple[Fate, RolledHour]]:
    if not package.whole.forgotten_ms:  # an older package, or one of what is not forgotten
        return iter(())
    files = sorted(package.hours, key=lambda one: one.facts.water_point)
    wanted = (hour for file in files for hour in hours_of(folder, file))
    return side_by_side(wanted, store.rolled_hours(), lambda hour: hour.name)


class _Tally:
    """Counts hours as they pass."""

    def __init__(self) -> None:
        self.sum, self.last_ms = Sum(), -HOUR_MS

    def of(self, hours: Iterable[RolledHour]) -> Iterator[RolledHour]:
        """Each of them."""
        for hour in hours:
            self.sum.add(Sum(1, checksum_of_hour(hour)))
            self.last_ms = max(self.last_ms, hour.part.at_ms)
            yield hour
