"""Forgetting and re-homing in the embedded store: small steps, each one transaction.

What is deleted leaves free pages, which the next readings fill: a store that forgets as much as it takes does not
grow, and needs no vacuum. There is no index by time (it took a fifth of the file), so the water points are
found one after another, by a jump to the next name.
"""

import sqlite3
import time
from collections.abc import Iterator

from server.store import sqlite_rollups
from server.store.port import Forgotten, Move
from server.store.rollup import DAY_MS, day_of, hour_of

_FIRST_POINT = "SELECT water_point, taken_ms FROM observation ORDER BY water_point, taken_ms LIMIT 1"
_NEXT_POINT = (
    "SELECT water_point, taken_ms FROM observation WHERE water_point > ? "
    "ORDER BY water_point, taken_ms LIMIT 1"
)
_SET = "INSERT OR REPLACE INTO upkeep VALUES ('forgotten_ms', ?)"
_DELETE = "DELETE FROM observation WHERE water_point = ? AND taken_ms < ?"
_HERE = (
    "SELECT taken_ms FROM observation WHERE water_point = ? AND taken_ms >= ? AND taken_ms < ? AND device = ? "
    "ORDER BY taken_ms LIMIT ?"
)
_MOVE = (
    "UPDATE OR REPLACE observation SET water_point = ? "
    "WHERE water_point = ? AND taken_ms >= ? AND taken_ms <= ? AND device = ?"
)
_ROWS_AT_ONCE = 1_000


def points(connection: sqlite3.Connection) -> Iterator[tuple[str, int]]:
    """Every water point that has readings, and the instant of its oldest."""
    found = connection.execute(_FIRST_POINT).fetchone()
    while found is not None:
        yield found
        found = connection.execute(_NEXT_POINT, (found[0],)).fetchone()


def forget(connection: sqlite3.Connection, before_ms: int, within_s: float) -> Forgotten | None:
    """Delete readings of the oldest day that is wholly before, for so long."""
    oldest = sorted((taken_ms, water_point) for water_point, taken_ms in points(connection))
    if not oldest or oldest[0][0] >= day_of(before_ms):
        return None
    end_ms = day_of(oldest[0][0]) + DAY_MS
    if sqlite_rollups.has_due_before(connection, end_ms):
        return None
    connection.execute(_SET, (max(end_ms, sqlite_rollups.forgotten_ms(connection)),))
    until_s, rows = time.monotonic() + within_s, 0
    for taken_ms, water_point in oldest:
        if taken_ms >= end_ms or time.monotonic() >= until_s:
            break
        rows += connection.execute(_DELETE, (water_point, end_ms)).rowcount
    return Forgotten(end_ms, rows)


def move(connection: sqlite3.Connection, what: Move) -> int:
    """Move some of the readings; returns how many, 0 when none is left."""
    span = what.span
    given = (what.source, span.start_ms, span.end_ms, what.device, _ROWS_AT_ONCE)
    taken = [taken_ms for (taken_ms,) in connection.execute(_HERE, given)]
    if taken:
        hours = {hour_of(taken_ms) for taken_ms in taken}
        both = ((point, hour) for point in (what.source, what.target) for hour in hours)
        sqlite_rollups.mark_hours(connection, both)
        connection.execute(_MOVE, (what.target, what.source, taken[0], taken[-1], what.device))
    return len(taken)
