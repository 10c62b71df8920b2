"""Readings in InfluxDB: 1.6 to 1.12, 2.5 and later, 3 Core for the last days. `influx_door` speaks to it.

Invariants: no connection before the first question; nothing is retried here (the intake's own loop does
that); what is written is sent whole, as one body of lines in order of time. A refusal names no line that can
be relied on, and some versions keep the good lines while others keep none: so a refused batch is halved and
both halves are sent again, which is harmless since a line overwrites itself, until the bad line stands alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from server.store import influx_answer, influx_scan, influxql
from server.store.influx_answer import ROWS_AT_ONCE
from server.store.influx_door import Basic, InfluxDoor, InfluxSettings, Refused, Token
from server.store.line_protocol import line_of
from server.store.port import ChartPoint, PointRejected, Row
from server.store.span import Span
from server.store.storable import fault, id_fault
from waterquality.parameters import Parameter

__all__ = ["Basic", "InfluxReadingStore", "InfluxSettings", "Token"]
_T = TypeVar("_T")
_LINES_PER_REQUEST = 5_000
_WITHOUT_DATABASES = 2  # the first major version whose databases are made elsewhere


@dataclass(frozen=True, slots=True)
class _Line:
    index: int
    body: bytes


class InfluxReadingStore:
    """Keeps readings in InfluxDB. May be used by several threads.

    Args:
        settings: where the store is.
    """

    def __init__(self, settings: InfluxSettings) -> None:
        self._settings = settings
        self._door = InfluxDoor(settings)

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
        pixels = min(pixels, ROWS_AT_ONCE - 1)
        width_ms = span.width_for(pixels)
        ask = influxql.ChartQuestions(water_point, parameter, span)
        flags = self._door.query(ask.flags(width_ms))
        if influx_answer.readings_in(flags) <= pixels:
            return influx_answer.raw_points(self._door.query(ask.readings(ROWS_AT_ONCE)), parameter)[:pixels]
        return influx_answer.merged_points(self._door.query(ask.usable(width_ms)), flags)

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

    def extent(self) -> tuple[int, int] | None:
        """When the oldest and the newest observation were taken, in ms since 1970; None when there is none."""
        return influx_scan.extent(self._door.query)

    def rows(self, *, since_ms: int, until_ms: int) -> Iterator[Row]:
        """Every row taken within [since_ms, until_ms), by water point, then by time, then by device."""
        try:
            yield from influx_scan.rows(self._door.query, Span(since_ms, until_ms))
        except influx_answer.UnexpectedAnswer as error:
            raise self._door.unavailable(str(error)) from error

    def close(self) -> None:
        """Let go of the connection."""
        self._door.close()

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
