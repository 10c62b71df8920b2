"""Forgetting and re-homing in InfluxDB, by DELETE of a bounded time: 1.x and 2.x; 3 Core cannot delete a row.

A day is deleted only some time after it was noted that it will be (`forgotten`, field `through`): by then nobody
draws a chart from its readings any more. Re-homing writes first and deletes afterwards: a crash between leaves the
readings in both places, and the next attempt does it all again.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby

from server.store import influx_answer, influx_scan
from server.store import influxql_rollups as ask
from server.store.influx_answer import records
from server.store.influx_marks import Ask, Marks
from server.store.influx_rollups import Rollups
from server.store.line_protocol import MEASUREMENT
from server.store.port import Forgotten, Move, Row
from server.store.rolled import RolledHour
from server.store.rollup import DAY_MS, day_of, hour_of
from server.store.span import LATEST_MS, Span

_NOTED_BEFORE_MS = 60_000
_ROWS_AT_ONCE = 2_000
_KEPT_LOG_MS = DAY_MS


class Keeping:
    """Deletes what is forgotten, and moves what belongs elsewhere.

    Args:
        ask: puts a question.
        marks: which hours are due.
        rollups: how far they have come.
        write: stores rows.
    """

    def __init__(
        self, ask: Ask, marks: Marks, rollups: Rollups, write: Callable[[Sequence[Row]], None]
    ) -> None:
        self._ask, self._marks, self._rollups, self._write = ask, marks, rollups, write
        self._tidied_ms = 0
        self._noted_ms = 0

    def forget(self, before_ms: int, now_ms: int) -> Forgotten | None:
        """Delete the oldest day that is wholly before; None when there is none or it must wait."""
        self._tidy(now_ms)
        end_ms = day_of(before_ms)
        oldest = next((each["time"] for each in records(self._ask(ask.oldest_row(end_ms)))), None)
        if oldest is None or self._rollups.has_due_before(end_ms, now_ms):
            return None
        if self._rollups.forgotten_ms() < end_ms:
            self._rollups.forgets(end_ms, now_ms)
            self._noted_ms = now_ms
        if now_ms < self._noted_ms + _NOTED_BEFORE_MS:
            return None
        day = Span(day_of(oldest), day_of(oldest) + DAY_MS)
        rows = sum(each["count"] for each in records(self._ask(ask.hours_with_rows(day))))
        self._ask(ask.delete(MEASUREMENT, day))
        return Forgotten(day.end_ms, rows)

    def move(self, what: Move) -> int:
        """Move some of the readings; returns how many, 0 when none is left."""
        question = ask.rows_of(what.source, what.device, what.span, limit=_ROWS_AT_ONCE)
        rows = list(influx_answer.rows(self._ask(question)))
        if not rows:
            return 0
        taken = [row.observation.taken_ms for row in rows]
        self._marks.mark_hours({what.source: {hour_of(at_ms) for at_ms in taken}})
        self._write([replace(row, water_point=what.target) for row in rows])
        self._ask(ask.delete_rows_of(what.source, what.device, Span(min(taken), max(taken) + 1)))
        return len(rows)

    def adopt(self, hours: Sequence[RolledHour], through_ms: int, now_ms: int) -> int:
        """Take over rollups of what another store has forgotten; returns how many. See the port."""
        reached_ms = self._rollups.forgotten_ms()
        if through_ms > reached_ms:
            reached_ms = max(reached_ms, min(through_ms, self._own_from_ms()))
            self._rollups.forgets(reached_ms, now_ms)
        taken = [hour for hour in hours if hour.part.at_ms < reached_ms]
        for _, of_point in groupby(taken, key=lambda hour: hour.water_point):
            self._rollups.adopt({hour.name: hour.part for hour in of_point})
        return len(taken)

    def _own_from_ms(self) -> int:
        """From which day on there are, or may come to be, rollups of the store's own readings."""
        ends = influx_scan.extent(self._ask)
        oldest = [LATEST_MS if ends is None else ends[0], self._rollups.oldest_due_ms()]
        return day_of(min(at_ms for at_ms in oldest if at_ms is not None))

    def _tidy(self, now_ms: int) -> None:
        """Once a day, delete marks that have been worked out."""
        through_ms = self._rollups.through_ms()
        if through_ms is None or now_ms < self._tidied_ms + DAY_MS:
            return
        for measurement in (ask.TOUCHED, ask.ROLLED):
            self._ask(ask.delete(measurement, Span(0, through_ms - _KEPT_LOG_MS)))
        self._tidied_ms = now_ms
