"""Rollups of the forgotten time in the embedded store: a walk through them, and another store's taken over."""

# ruff: noqa: S608 - the names put in are those of our own columns

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import astuple

from server.store import sqlite_rollups, sqlite_scan
from server.store.rolled import RolledHour
from server.store.rollup import HOUR_MS, Part, day_of
from server.store.span import LATEST_MS
from waterquality.parameters import Parameter

Lend = Callable[[], AbstractContextManager[sqlite3.Connection]]
_ROWS_AT_ONCE = 5_000
_PAGE = (
    "SELECT water_point, parameter, start_ms, count, good, usable, low, total, high, flag FROM rollup "
    f"WHERE (water_point, parameter, start_ms) > (?, ?, ?) AND grain = {HOUR_MS} AND start_ms < ? "
    "ORDER BY water_point, parameter, start_ms LIMIT ?"
)
_DUE = "SELECT min(hour_ms) FROM due WHERE hour_ms >= ?"


def hours(lend: Lend) -> Iterator[RolledHour]:
    """Every rollup of an hour whose readings are forgotten, by water point, then parameter, then time.

    Args:
        lend: lends a connection for one page.
    """
    with lend() as connection:
        end_ms = sqlite_rollups.forgotten_ms(connection)
    after, known = ("", "", -1), {parameter.value for parameter in Parameter}
    while True:
        with lend() as connection:
            page = connection.execute(_PAGE, (*after, end_ms, _ROWS_AT_ONCE)).fetchall()
        for water_point, name, *facts in page:
            if name in known:
                yield RolledHour(water_point, Parameter(name), Part(*facts))
        if len(page) < _ROWS_AT_ONCE:
            return
        after = page[-1][:3]


def adopt(connection: sqlite3.Connection, given: Sequence[RolledHour], through_ms: int) -> int:
    """Take over rollups of what another store has forgotten; returns how many. See the port."""
    reached_ms = sqlite_rollups.forgotten_ms(connection)
    if through_ms > reached_ms:
        own_from_ms = _own_from_ms(connection, reached_ms)
        reached_ms = sqlite_rollups.forget_through(connection, min(through_ms, own_from_ms))
    taken = [hour for hour in given if hour.part.at_ms < reached_ms]
    connection.executemany(sqlite_rollups.PUT, map(_record_of, taken))
    sqlite_rollups.work_out_days(connection, {(hour.water_point, day_of(hour.part.at_ms)) for hour in taken})
    return len(taken)


def _own_from_ms(connection: sqlite3.Connection, forgotten_ms: int) -> int:
    """From which day on there are, or may come to be, rollups of the store's own readings."""
    ends = sqlite_scan.extent(connection)
    due = connection.execute(_DUE, (forgotten_ms,)).fetchone()[0]
    oldest = [LATEST_MS if ends is None else ends[0], due]
    return day_of(min(at_ms for at_ms in oldest if at_ms is not None))


def _record_of(hour: RolledHour) -> tuple[object, ...]:
    start_ms, *facts = astuple(hour.part)
    return hour.water_point, hour.parameter.value, HOUR_MS, start_ms, *facts
