"""A walk through everything InfluxDB holds, piece by piece: what backup, export and verification read.

A page ends where its last instant begins, since two devices may share an instant and a page may end between
them; the next page begins with that instant.
"""

from collections.abc import Callable, Iterator, Sequence

from server.store import influx_answer, influxql
from server.store.influx_answer import ROWS_AT_ONCE, Series, UnexpectedAnswer
from server.store.port import Row
from server.store.span import LATEST_MS, Span

_EVER = Span(0, LATEST_MS + 1)
Ask = Callable[[str], Sequence[Series]]


def extent(ask: Ask) -> tuple[int, int] | None:
    """When the oldest and the newest row were taken, in ms since 1970; None when there is none."""
    ends = [
        record["time"]
        for which in ("first", "last")
        for record in influx_answer.records(ask(influxql.end_of_all(which, _EVER)))
    ]
    return (ends[0], ends[1]) if ends else None


def rows(ask: Ask, span: Span, *, page: int = ROWS_AT_ONCE) -> Iterator[Row]:
    """Every row of a span, by water point, then by time, then by device.

    Raises:
        UnexpectedAnswer: more rows share one instant than a page holds.
    """
    if span.is_empty:
        return
    counted = influx_answer.records(ask(influxql.water_points(span)))
    for water_point in sorted(record["water_point"] for record in counted if record["count"]):
        yield from _of_point(ask, water_point, span, page)


def _of_point(ask: Ask, water_point: str, span: Span, page: int) -> Iterator[Row]:
    while not span.is_empty:
        series = ask(influxql.everything(water_point, span, limit=page))
        times = [record["time"] for record in influx_answer.records(series)]
        next_ms = times[-1] if len(times) == page else span.end_ms
        if next_ms == span.start_ms:
            raise UnexpectedAnswer(f"more than {page} rows share the instant {next_ms} ms at {water_point}")
        found = [row for row in influx_answer.rows(series) if row.observation.taken_ms < next_ms]
        yield from sorted(found, key=lambda row: (row.observation.taken_ms, row.observation.device))
        span = Span(next_ms, span.end_ms)
