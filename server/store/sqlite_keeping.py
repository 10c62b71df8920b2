"""Forgetting and re-homing in the embedded store: small steps, each one transaction.

What is deleted leaves free pages, which the next readings fill: a store that forgets as much as it takes does not
grow, and needs no vacuum. There is no index by time (it took a fifth of the file), so the water points are
found one after another, by a jump to the next name.
"""

import sqlite3
import time

from server.store import sqlite_rollups, sqlite_scan
from server.store.port import Forgotten, Move
from server.store.rollup import DAY_MS, day_of, hour_of

_OLDEST = "SELECT min(taken_ms) FROM observation WHERE water_point = ?"
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


def forget(connection: sqlite3.Connection, before_ms: int, within_s: float) -> Forgotten | None:
    """Delete readings of the oldest day that is wholly before, for so long."""
    names = sqlite_scan.water_points(connection)
    oldest = sorted((connection.execute(_OLDEST, (name,)).fetchone()[0], name) for name in names)
    if not oldest or oldest[0][0] >= day_of(before_ms):
        return None
    end_ms = day_of(oldest[0][0]) + DAY_MS
    if sqlite_rollups.has_due_before(connection, end_ms):
        return None
    sqlite_rollups.forget_through(connection, end_ms)
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
