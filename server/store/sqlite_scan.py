"""A walk through everything the embedded store holds, page by page: what backup, export and verification read.

Pages follow the key (water point, time, device), so each is one run of the file, and no read is open for so long
that it would keep the write-ahead log from being taken back.
"""

# ruff: noqa: S608 - the names put in are those of our own columns

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from server.store.port import Row
from server.store.span import Span
from server.store.sqlite_rows import COLUMNS, row_of

ROWS_AT_ONCE = 5_000
Lend = Callable[[], AbstractContextManager[sqlite3.Connection]]
_FIRST_POINT = "SELECT min(water_point) FROM observation"
_NEXT_POINT = "SELECT min(water_point) FROM observation WHERE water_point > ?"
_END = (
    "SELECT (SELECT min(taken_ms) FROM observation WHERE water_point = ?), "
    "(SELECT max(taken_ms) FROM observation WHERE water_point = ?)"
)
_PAGE = (
    f"SELECT {COLUMNS} FROM observation WHERE water_point = ? AND (taken_ms, device) > (?, ?) AND taken_ms < ? "
    "ORDER BY taken_ms, device LIMIT ?"
)
_NEIGHBOURS = (
    f"SELECT {COLUMNS} FROM observation WHERE water_point = ? AND taken_ms >= ? AND taken_ms < ? "
    "AND device = ? ORDER BY taken_ms"
)


def neighbours(
    connection: sqlite3.Connection, whose: tuple[str, str], span: Span, at_most: int, *, newest: bool
) -> list[Row]:
    """Rows of a (water point, device) within a span, oldest first; where there are more, one end of them."""
    question = f"{_NEIGHBOURS} DESC LIMIT ?" if newest else f"{_NEIGHBOURS} LIMIT ?"
    asked = (whose[0], span.start_ms, span.end_ms, whose[1], at_most)
    found = [row_of(record) for record in connection.execute(question, asked)]
    return found[::-1] if newest else found


def extent(connection: sqlite3.Connection) -> tuple[int, int] | None:
    """When the oldest and the newest row were taken, in ms since 1970; None when there is none."""
    ends = [
        connection.execute(_END, (name, name)).fetchone() for name in water_points(connection)
    ]  # no index leads by time alone
    return (min(first for first, _ in ends), max(last for _, last in ends)) if ends else None


def water_points(connection: sqlite3.Connection) -> list[str]:
    """The water points that have any row, in order; found by leaps from one to the next."""
    found = []
    name = connection.execute(_FIRST_POINT).fetchone()[0]
    while name is not None:
        found.append(name)
        name = connection.execute(_NEXT_POINT, (name,)).fetchone()[0]
    return found


def rows(lend: Lend, span: Span) -> Iterator[Row]:
    """Every row of a span, by water point, then by time, then by device.

    Args:
        lend: lends a connection for one page.
        span: when the rows were taken.
    """
    with lend() as connection:
        points = [] if span.is_empty else water_points(connection)
    for water_point in points:
        yield from _of_point(lend, water_point, span)


def _of_point(lend: Lend, water_point: str, span: Span) -> Iterator[Row]:
    start_ms, after = span.start_ms, ""  # no device has an empty name, so all of the first instant come
    while True:
        with lend() as connection:
            page = connection.execute(
                _PAGE, (water_point, start_ms, after, span.end_ms, ROWS_AT_ONCE)
            ).fetchall()
        found = [row_of(record) for record in page]
        yield from found
        if len(found) < ROWS_AT_ONCE:
            return
        start_ms, after = found[-1].observation.taken_ms, found[-1].observation.device
