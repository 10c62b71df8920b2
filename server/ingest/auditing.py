"""Looks over the books, once a minute: does the record of every device add up?

Only whole numbers that stand beside the sets are read, so that ten thousand devices cost little. What is booked as
missing is looked for in the store first: after a restore of the database most of it is there. Nothing here changes
a book: what is found is left to the loop that holds them.

A water point is judged by one worker, whoever has its first device; its other devices are read along.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select

from alerts.rules import Flaw, Imbalance
from server.database.engine import Database
from server.database.models import CustodyRow, Device
from server.ingest.books import Books, Key
from server.ingest.reconciling import Check, look_for, write_check
from server.registry.reserved import is_real
from server.registry.snapshot import Registry
from server.store.port import ReadingStore, StoreUnavailable
from waterquality.readings import from_ms, to_ms

_log = structlog.get_logger()
_EVERY = timedelta(minutes=1)
_RINGS_FOR = timedelta(days=1)  # what is lost or was given out twice is never mended: it rings for so long


@dataclass(frozen=True, slots=True)
class Told:
    """What a device said of its outbox, and when that was heard (ms since 1970)."""

    epoch: str
    head: int
    held: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Marks:
    """What stands beside the sets of a book; see `Book`."""

    device: str
    epoch: str
    through: int
    head: int
    updated_ms: int
    awaited_ms: int | None
    missing_ms: int | None
    conflict_ms: int | None

    @property
    def key(self) -> Key:
        """Device and epoch."""
        return self.device, self.epoch


class Auditor:
    """Finds what does not add up.

    Args:
        database: where the books are.
        store: where what is missing is looked for.
        registry: asked for the registry as it stands.
        owns: whether this worker judges the water point of a device.
    """

    def __init__(
        self,
        database: Database,
        store: ReadingStore,
        registry: Callable[[], Registry],
        owns: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._database, self._store, self._registry, self._owns = database, store, registry, owns
        self._looked_at: datetime | None = None
        self._looked_for: dict[Key, int] = {}
        self._disagrees: dict[Key, datetime] = {}

    def look(self, now: datetime) -> Mapping[str, Sequence[Imbalance]] | None:
        """What does not add up, by water point, with nothing for those whose record does; None before its time.

        Raises:
            DatabaseUnavailable: mended by time.
        """
        if self._looked_at is not None and now - self._looked_at < _EVERY:
            return None
        self._looked_at = now
        serving = self._registry().devices_by_water_point()
        ours = {point: devices for point, devices in serving.items() if self._owns(min(devices))}
        by_device: dict[str, list[Imbalance]] = {}
        for marks, told in self._rows():
            by_device.setdefault(marks.device, []).extend(self._flaws(marks, told, now))
        return {
            point: [each for device in devices for each in by_device.get(device, ())]
            for point, devices in ours.items()
        }

    def _rows(self) -> list[tuple[Marks, Told | None]]:
        row = CustodyRow
        numbers = (row.device_id, row.epoch, row.through, row.head, row.updated_ms)
        instants = (row.awaited_ms, row.missing_ms, row.conflict_ms)
        query = select(*numbers, *instants, Device.health, Device.health_ms)
        with self._database.reading() as connection:
            found = connection.execute(
                query.join(Device, Device.id == row.device_id).where(is_real(row.device_id))
            ).all()
        return [(Marks(*each[:8]), told_by(each[8], each[9])) for each in found]

    def _flaws(self, marks: Marks, told: Told | None, now: datetime) -> Iterator[Imbalance]:
        where = f"{marks.device} epoch {marks.epoch}"
        if marks.awaited_ms is not None:
            detail = f"{where}: number {marks.through + 1} has no fate, though {marks.head} has"
            yield Imbalance(Flaw.AWAITED, from_ms(marks.awaited_ms), detail)
        if _rings(marks.conflict_ms, now):
            yield Imbalance(Flaw.CONFLICT, from_ms(marks.conflict_ms or 0), f"{where}: a number came twice")
        if _rings(marks.missing_ms, now) and self._is_lost(marks):
            yield Imbalance(Flaw.MISSING, from_ms(marks.missing_ms or 0), f"{where}: numbers never came")
        said = _disagreement(marks, told)
        if not said:
            self._disagrees.pop(marks.key, None)
            return
        since = self._disagrees.setdefault(marks.key, now)
        yield Imbalance(Flaw.DISAGREES, since, f"{where}: {said}")

    def _is_lost(self, marks: Marks) -> bool:
        """Whether what is missing was looked for in the store before; if not, look now."""
        if self._looked_for.get(marks.key) == marks.missing_ms:
            return True
        missing = Books(self._database).of(marks.key).missing
        points = [stay.water_point for stay in self._registry().stays.get(marks.device, ())]
        try:
            found = (
                look_for(self._store, Books(self._database), marks.key, missing, points)
                if missing
                else missing
            )
        except StoreUnavailable as trouble:
            _log.warning("store_unavailable", detail=str(trouble), again_in_s=_EVERY.total_seconds())
            return False
        if found:
            with self._database.writing() as connection:
                write_check(connection, marks.key, Check(found=found))
        self._looked_for[marks.key] = marks.missing_ms or 0
        return False


def told_by(health: Mapping[str, object] | None, health_ms: int | None) -> Told | None:
    """What a health message said of the outbox; None where none has come."""
    if not health or health_ms is None:
        return None
    return Told(str(health["epoch"]), int(str(health["appended"])), int(str(health["held"])), health_ms)


def _rings(at_ms: int | None, now: datetime) -> bool:
    return at_ms is not None and at_ms > to_ms(now - _RINGS_FOR)


def _disagreement(marks: Marks, told: Told | None) -> str:
    """What a device says that its books do not; "" where they agree, or where something came since it spoke."""
    if told is None or told.epoch != marks.epoch or told.at_ms < marks.updated_ms:
        return ""
    if told.head < marks.head:
        return f"the device has given out {told.head} numbers, and {marks.head} has come"
    if told.held > marks.through + 1:
        return f"the device holds nothing below {told.held}, and {marks.through + 1} never came"
    return ""
