"""Which hours are due in InfluxDB: a log of marks, written and acknowledged before the rows themselves.

Measurement `touched`, tag water_point, field `hours`: starts of hours in seconds, a comma between. It is only added
to, since a condition cannot be deleted by, and read from a checkpoint on. A writer that has marked an hour relies
on the mark for a while and needs no other: for an hour under way until a minute after its end, for an older one a
minute. Whoever works hours out lets a mark settle for longer than that and than a write can take, so that no row
comes in behind his back. Both sides reckon by `relied_on_until` alone.

Invariant: a row is never in the store without a mark that is at most as old as it is, unless that mark was worked
out after the row came. A mark without its row costs an hour worked out in vain.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from server.store import influxql_rollups as ask
from server.store.influx_answer import ROWS_AT_ONCE, Series, records
from server.store.line_protocol import tag
from server.store.port import Row
from server.store.rollup import HOUR_MS
from server.store.span import Span

Ask = Callable[[str], Sequence[Series]]
RELIED_ON_MS = 60_000
SETTLES_MS = (
    150_000  # after a mark is relied on no more, a write under way may take so long, clocks differ so far
)
_REMEMBERED = 100_000
_SECOND_MS = 1_000
_APART_NS = 1_000


@dataclass(frozen=True, slots=True)
class Mark:
    """That rows of some hours of a water point were about to be written."""

    at_ms: int
    water_point: str
    hours: tuple[int, ...]


def relied_on_until(mark_ms: int, hour_ms: int) -> int:
    """Until when a writer relies on a mark of an hour, ms since 1970."""
    return max(mark_ms, hour_ms + HOUR_MS) + RELIED_ON_MS


def now_ms() -> int:
    """The time of this machine, milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Marks:
    """Writes marks, and reads them. May be used by several threads.

    Args:
        ask: puts a question.
        tell: writes lines with times in nanoseconds, durably.
        clock_ms: the store's time.
    """

    def __init__(self, ask: Ask, tell: Callable[[bytes], None], clock_ms: Callable[[], int]) -> None:
        self._ask, self._tell, self._clock_ms = ask, tell, clock_ms
        self._relied: dict[tuple[str, int], int] = {}
        self._offset_ns = secrets.randbelow(1_000_000)  # so that two processes do not meet
        self._last_ns = 0

    def mark(self, rows: Iterable[Row]) -> None:
        """Mark the hours of these rows, as far as they are not marked yet.

        Raises:
            StoreUnavailable: the rows must not be written; mended by time.
        """
        now_ms, relied = self._clock_ms(), self._relied
        fresh: dict[str, set[int]] = {}
        for row in rows:
            hour = row.observation.taken_ms // HOUR_MS
            if relied.get((row.water_point, hour), 0) <= now_ms:
                fresh.setdefault(row.water_point, set()).add(hour * HOUR_MS)
        if fresh:
            self.mark_hours(fresh)

    def mark_hours(self, hours: Mapping[str, Iterable[int]]) -> None:
        """Mark hours, given by their starts, of water points."""
        now_ms = self._clock_ms()
        start_ns = max(now_ms * 1_000_000 + self._offset_ns, self._last_ns + _APART_NS)
        self._last_ns = start_ns + len(hours) * _APART_NS
        lines = (
            _line(point, of_point, start_ns + n * _APART_NS)
            for n, (point, of_point) in enumerate(hours.items())
        )
        self._tell("\n".join(lines).encode() + b"\n")
        self._forget(now_ms)
        for point, of_point in hours.items():
            for hour_ms in of_point:
                self._relied[point, hour_ms // HOUR_MS] = relied_on_until(now_ms, hour_ms)

    def doubt(self) -> None:
        """Rely on no mark any more: the store may have lost them."""
        self._relied = {}

    def since(self, start_ms: int, water_point: str | None = None) -> Iterator[Mark]:
        """The marks made since; those at the ends of a page come twice."""
        span = Span(start_ms, 1 << 62)
        while True:
            page = list(records(self._ask(ask.marks(span, limit=ROWS_AT_ONCE, water_point=water_point))))
            for found in page:
                hours = tuple(int(hour) * _SECOND_MS for hour in found["hours"].split(","))
                yield Mark(found["time"], found["water_point"], hours)
            if len(page) < ROWS_AT_ONCE:
                return
            span = Span(max(page[-1]["time"], span.start_ms + 1), span.end_ms)

    def _forget(self, now_ms: int) -> None:
        if len(self._relied) > _REMEMBERED:
            self._relied = {pair: until for pair, until in self._relied.items() if until > now_ms}


def _line(water_point: str, hours: Iterable[int], at_ns: int) -> str:
    seconds = ",".join(str(hour // _SECOND_MS) for hour in sorted(hours))
    return f'{ask.TOUCHED},water_point={tag(water_point)} hours="{seconds}" {at_ns}'
