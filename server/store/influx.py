"""Readings in InfluxDB: 1.6 to 1.12, 2.5 and later, 3 Core for the last days. `influx_door` speaks to it.

Invariants: no connection before the first question; nothing is retried here (the intake's own loop does
that); what is written is sent whole, as one body of lines in order of time. A refusal names no line that can
be relied on, and some versions keep the good lines while others keep none: so a refused batch is halved and
both halves are sent again, which is harmless since a line overwrites itself, until the bad line stands alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from server.store import influx_answer, influx_rolled, influx_scan, influxql
from server.store.charting import draw
from server.store.influx_answer import ROWS_AT_ONCE
from server.store.influx_chart import InfluxChart
from server.store.influx_door import Basic, InfluxDoor, InfluxSettings, Refused, Token
from server.store.influx_keeping import Keeping
from server.store.influx_marks import Marks, now_ms
from server.store.influx_rollups import Rollups
from server.store.line_protocol import line_of
from server.store.port import ChartPoint, Forgotten, Move, PointRejected, Row, StoreUnavailable, Upkeep
from server.store.rolled import RolledHour
from server.store.span import Span
from server.store.storable import fault, id_fault
from waterquality.parameters import Parameter
from waterquality.readings import to_ms

__all__ = ["Basic", "InfluxReadingStore", "InfluxSettings", "Token"]
_T = TypeVar("_T")
_LINES_PER_REQUEST = 5_000
_WITHOUT_ROLLUPS = 3  # the major version that cannot delete, and answers for the last days only
_WITHOUT_DATABASES = 2  # the first major version whose databases are made elsewhere


@dataclass(frozen=True, slots=True)
class _Line:
    index: int
    body: bytes


class InfluxReadingStore:
    """Keeps readings in InfluxDB. May be used by several threads.

    Args:
        settings: where the store is.
        clock_ms: the time by which marks of due hours are made, milliseconds since 1970; that of `roll_up`.
    """

    def __init__(self, settings: InfluxSettings, clock_ms: Callable[[], int] = now_ms) -> None:
        self._settings = settings
        self._door = InfluxDoor(settings)
        self._clock_ms = clock_ms
        self._marks = Marks(self._ask, partial(self._tell, precision=""), clock_ms)
        self._rollups = Rollups(self._ask, self._tell, self._marks, clock_ms)
        self._keeping = Keeping(self._ask, self._marks, self._rollups, self.write)

    def prepare(self) -> None:
        """Create the database on 1.x, where it is not there yet; other versions have theirs made elsewhere.

        Raises:
            StoreUnavailable: not reached, or we may not; mended by time or, as the message says, by hand.
        """
        if self._door.major() >= _WITHOUT_DATABASES:
            return
        series = self._door.query(influxql.show_databases())
        if all(record["name"] != self._settings.database for record in influx_answer.records(series)):
            self._door.query(influxql.create_database(self._settings.database))

    def write(self, rows: Sequence[Row]) -> None:
        """Store rows; see the port."""
        faults = [fault(row) for row in rows]
        reasons = {index: reason for index, reason in enumerate(faults) if reason}
        sound = (index for index, reason in enumerate(faults) if not reason)
        in_time = sorted(sound, key=lambda index: rows[index].observation.taken_ms)
        for part in _parts(in_time, _LINES_PER_REQUEST):
            with self._doubting():
                if self._has_rollups():
                    self._marks.mark(rows[index] for index in part)
                reasons |= self._store([_Line(index, line_of(rows[index])) for index in part])
        if reasons:
            raise PointRejected(reasons)

    def latest(self, water_points: Sequence[str], *, since: datetime, until: datetime) -> Mapping[str, Row]:
        """The newest row of each water point taken within [since, until]."""
        names = [name for name in dict.fromkeys(water_points) if not id_fault(name)]
        span = Span.through(since, until)
        if not names or span.is_empty:
            return {}
        newest: dict[str, Row] = {}
        for part in _parts(names, ROWS_AT_ONCE):
            found = influx_answer.rows(self._door.query(influxql.newest_of_each(part, span)))
            newest.update((row.water_point, row) for row in found)
        return newest

    def chart(
        self, water_point: str, parameter: Parameter, *, since: datetime, until: datetime, pixels: int
    ) -> Sequence[ChartPoint]:
        """A parameter over [since, until), at most `pixels` points."""
        span = Span.between(since, until)
        if span.is_empty or id_fault(water_point):
            return []
        rollups = self._rollups if self._has_rollups() else None
        return draw(
            InfluxChart(self._ask, rollups, water_point, parameter), span, min(pixels, ROWS_AT_ONCE - 1)
        )

    def identities(
        self, water_point: str, device: str, *, since_ms: int, until_ms: int
    ) -> frozenset[tuple[str, int, int]]:
        """The (epoch, seq, taken_ms) of what is stored of a device within [since_ms, until_ms]."""
        span = Span(since_ms, until_ms + 1)
        found: set[tuple[str, int, int]] = set()
        while not (span.is_empty or id_fault(water_point) or id_fault(device)):
            page = self._door.query(influxql.identities(water_point, device, span, limit=ROWS_AT_ONCE))
            found.update(influx_answer.identities(page))
            span = Span(influx_answer.end_of(page, limit=ROWS_AT_ONCE) or span.end_ms, span.end_ms)
        return frozenset(found)

    def neighbours(
        self, water_point: str, device: str, *, since_ms: int, until_ms: int, at_most: int, newest: bool
    ) -> Sequence[Row]:
        """Rows of a device at a water point taken within [since_ms, until_ms), oldest first; see the port."""
        span = Span(since_ms, until_ms)
        if span.is_empty or id_fault(water_point) or id_fault(device):
            return []
        question = influxql.neighbours(water_point, device, span, limit=at_most, newest=newest)
        found = list(influx_answer.rows(self._door.query(question)))
        return found[::-1] if newest else found

    def count(self, *, since: datetime, until: datetime) -> int:
        """How many observations taken within [since, until] are stored."""
        span = Span.through(since, until)
        if span.is_empty:
            return 0
        return sum(each["count"] for each in influx_answer.records(self._door.query(influxql.count(span))))

    def roll_up(self, now: datetime) -> int:
        """Work out some of the rollups that are due; see the port."""
        at_ms = min(
            to_ms(now), self._clock_ms()
        )  # marks are made by our own clock; a demo's runs ahead of it
        return self._rollups.work_out(at_ms) if self._has_rollups() else 0

    def forget(self, before: datetime, now: datetime) -> Forgotten | None:
        """Delete the oldest day that is wholly before; see the port."""
        return self._keeping.forget(to_ms(before), to_ms(now)) if self._has_rollups() else None

    def move(self, what: Move) -> int:
        """Move some of the readings to where they belong; see the port."""
        if not self._has_rollups():
            raise PointRejected({0: "InfluxDB 3 Core cannot delete a row, so none can be moved"})
        return self._keeping.move(what)

    def upkeep(self) -> Upkeep:
        """How far rollups and forgetting have come."""
        if not self._has_rollups():
            return Upkeep(due=0, forgotten_ms=0)
        return Upkeep(self._rollups.due_count(), self._rollups.forgotten_ms())

    def extent(self) -> tuple[int, int] | None:
        """When the oldest and the newest observation were taken, in ms since 1970; None when there is none."""
        return influx_scan.extent(self._door.query)

    def rows(self, *, since_ms: int, until_ms: int) -> Iterator[Row]:
        """Every row taken within [since_ms, until_ms), by water point, then by time, then by device."""
        try:
            yield from influx_scan.rows(self._door.query, Span(since_ms, until_ms))
        except influx_answer.UnexpectedAnswer as error:
            raise self._door.unavailable(str(error)) from error

    def rolled_hours(self) -> Iterator[RolledHour]:
        """Every rollup of an hour whose readings are forgotten, by water point, then parameter, then time."""
        if self._has_rollups():
            yield from influx_rolled.hours(self._ask, self._rollups.forgotten_ms())

    def adopt(self, hours: Sequence[RolledHour], forgotten_ms: int) -> int:
        """Take over rollups of what another store has forgotten; none where there are no rollups. See the port."""
        return self._keeping.adopt(hours, forgotten_ms, self._clock_ms()) if self._has_rollups() else 0

    def close(self) -> None:
        """Let go of the connection."""
        self._door.close()

    def _has_rollups(self) -> bool:
        return self._door.major() < _WITHOUT_ROLLUPS

    def _ask(self, question: str) -> Sequence[influx_answer.Series]:
        with self._doubting():
            return self._door.query(question)

    def _tell(self, body: bytes, *, precision: str = "ms") -> None:
        """Write lines of our own, of which none can be bad."""
        with self._doubting():
            try:
                self._door.write(body, precision=precision)
            except Refused as refusal:
                raise self._door.unavailable(str(refusal)) from refusal

    @contextmanager
    def _doubting(self) -> Iterator[None]:
        """After a failure, believe nothing of marks and rollups: it may come back as it was last night."""
        try:
            yield
        except StoreUnavailable:
            self._marks.doubt()
            self._rollups.doubt()
            raise

    def _store(self, lines: Sequence[_Line]) -> dict[int, str]:
        try:
            self._door.write(b"\n".join(line.body for line in lines) + b"\n")
        except Refused as refusal:
            if len(lines) == 1:
                return {lines[0].index: str(refusal)}
            middle = len(lines) // 2
            return self._store(lines[:middle]) | self._store(lines[middle:])
        return {}


def _parts(whole: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    return (whole[start : start + size] for start in range(0, len(whole), size))
