"""Rollups of the embedded store: their tables, working them out, and a chart's view of them.

An hour is marked due in the transaction that writes into it, and the mark goes in the transaction that works the
hour out. SQLite lets one writer in at a time, so nothing can come between: a crash undoes both or neither.
"""

# ruff: noqa: S608 - the names put in are those of our own columns

import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Sequence

from server.store.port import ChartPoint, Row
from server.store.rollup import CLOSES_AFTER_MS, DAY_MS, HOUR_MS, Grain, Part, Piece, day_of, hour_of
from server.store.span import Span
from waterquality.flags import Flag
from waterquality.parameters import Parameter

CREATE = (
    """CREATE TABLE IF NOT EXISTS rollup (
        water_point TEXT NOT NULL,
        parameter TEXT NOT NULL,
        grain INTEGER NOT NULL,
        start_ms INTEGER NOT NULL,
        count INTEGER NOT NULL,
        good INTEGER NOT NULL,
        usable INTEGER NOT NULL,
        low REAL,
        total REAL NOT NULL,
        high REAL,
        flag INTEGER NOT NULL,
        PRIMARY KEY (water_point, parameter, grain, start_ms)
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS due (
        water_point TEXT NOT NULL,
        hour_ms INTEGER NOT NULL,
        PRIMARY KEY (water_point, hour_ms)
    ) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS upkeep (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
)
MARK_ALL = (
    f"INSERT OR IGNORE INTO due SELECT DISTINCT water_point, taken_ms / {HOUR_MS} * {HOUR_MS} "
    "FROM observation"
)
_MARK = "INSERT OR IGNORE INTO due VALUES (?, ?)"
_FORGOTTEN = "SELECT value FROM upkeep WHERE name = 'forgotten_ms'"
_SET_FORGOTTEN = "INSERT OR REPLACE INTO upkeep VALUES ('forgotten_ms', ?)"
_USABLE = ", ".join(str(flag.value) for flag in Flag if flag.is_usable)
_HOURS_AT_ONCE = 500
PUT = "INSERT OR REPLACE INTO rollup VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_REMOVE = "DELETE FROM rollup WHERE water_point = ? AND parameter = ? AND grain = ? AND start_ms = ?"
_SUMMED = "sum(count), sum(good), sum(usable), min(low), sum(total), max(high), max(flag)"


def mark(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """These rows' hours are due."""
    mark_hours(connection, {(row.water_point, hour_of(row.observation.taken_ms)) for row in rows})


def mark_hours(connection: sqlite3.Connection, hours: Iterable[tuple[str, int]]) -> None:
    """These hours, by water point and start, are due."""
    connection.executemany(_MARK, hours)


def forgotten_ms(connection: sqlite3.Connection) -> int:
    """Readings before it are deleted."""
    found = connection.execute(_FORGOTTEN).fetchone()
    return 0 if found is None else int(found[0])


def forget_through(connection: sqlite3.Connection, through_ms: int) -> int:
    """Note that readings before it are deleted; returns how far that is by now."""
    reached_ms = max(through_ms, forgotten_ms(connection))
    connection.execute(_SET_FORGOTTEN, (reached_ms,))
    return reached_ms


def has_due_before(connection: sqlite3.Connection, end_ms: int) -> bool:
    """Whether an hour before it must still be worked out."""
    after = forgotten_ms(connection)
    query = "SELECT 1 FROM due WHERE hour_ms >= ? AND hour_ms < ? LIMIT 1"
    return connection.execute(query, (after, end_ms)).fetchone() is not None


def work_out(connection: sqlite3.Connection, now_ms: int, within_s: float) -> int:
    """Work out hours that are due and over, for so long; returns how many."""
    closed_ms = now_ms - CLOSES_AFTER_MS - HOUR_MS
    final_ms = forgotten_ms(connection)
    query = "SELECT water_point, hour_ms FROM due WHERE hour_ms <= ? LIMIT ?"
    until_s, done, days = time.monotonic() + within_s, 0, set()
    for water_point, hour_ms in connection.execute(query, (closed_ms, _HOURS_AT_ONCE)).fetchall():
        if hour_ms >= final_ms:  # what is older has lost its readings: its rollup stays as it is
            _put(
                connection, water_point, Grain.HOUR, hour_ms, _from_readings(connection, water_point, hour_ms)
            )
            days.add((water_point, day_of(hour_ms)))
        connection.execute("DELETE FROM due WHERE water_point = ? AND hour_ms = ?", (water_point, hour_ms))
        done += 1
        if time.monotonic() >= until_s:
            break
    work_out_days(connection, days)
    return done


def work_out_days(connection: sqlite3.Connection, days: Iterable[tuple[str, int]]) -> None:
    """Work these days out from their hours."""
    for water_point, day_ms in days:
        _put(connection, water_point, Grain.DAY, day_ms, _from_hours(connection, water_point, day_ms))


class SqliteChart:
    """One parameter at one water point, within a transaction that sees everything at one instant."""

    def __init__(self, connection: sqlite3.Connection, water_point: str, parameter: Parameter) -> None:
        self._connection, self._point, self._parameter = connection, water_point, parameter

    def forgotten_ms(self) -> int:
        """See `ChartSource`."""
        return forgotten_ms(self._connection)

    def due(self) -> Collection[int]:
        """See `ChartSource`."""
        query = "SELECT hour_ms FROM due WHERE water_point = ?"
        return {hour_ms for (hour_ms,) in self._connection.execute(query, (self._point,))}

    def readings(self, span: Span, limit: int) -> Sequence[ChartPoint]:
        """See `ChartSource`."""
        value, flag = _usable(self._parameter), f"{self._parameter.value}_flag"
        query = f"SELECT taken_ms, {value}, {flag} {_of_readings(flag)} ORDER BY taken_ms LIMIT :limit"
        found = self._connection.execute(query, self._where(span) | {"limit": limit})
        return [ChartPoint(at_ms, each, each, each, Flag(of), 1) for at_ms, each, of in found]

    def parts(self, piece: Piece, width_ms: int) -> Iterator[Part]:
        """See `ChartSource`."""
        if piece.grain is Grain.RAW:
            flag = f"{self._parameter.value}_flag"
            query = f"SELECT taken_ms / :width * :width, {_worked_out(self._parameter)} {_of_readings(flag)}"
        else:
            query = (
                f"SELECT start_ms / :width * :width, {_SUMMED} FROM rollup WHERE water_point = :point "
                "AND parameter = :parameter AND grain = :grain AND start_ms >= :start AND start_ms < :end"
            )
        given = {"width": width_ms, "parameter": self._parameter.value, "grain": piece.grain.value}
        found = self._connection.execute(f"{query} GROUP BY 1", self._where(piece.span) | given)
        return (Part(*record) for record in found)

    def _where(self, span: Span) -> dict[str, str | int]:
        return {"point": self._point, "start": span.start_ms, "end": span.end_ms}


def _from_readings(
    connection: sqlite3.Connection, water_point: str, hour_ms: int
) -> Iterator[tuple[Parameter, Sequence[float | None]]]:
    """What an hour of each parameter came to: all of them in one walk over its observations."""
    found = connection.execute(_HOUR, (water_point, hour_ms, hour_ms + HOUR_MS)).fetchone()
    width = len(found) // len(Parameter)
    return ((each, found[at * width : (at + 1) * width]) for at, each in enumerate(Parameter))


def _from_hours(
    connection: sqlite3.Connection, water_point: str, day_ms: int
) -> Iterator[tuple[Parameter, Sequence[float | None]]]:
    query = (
        f"SELECT {_SUMMED} FROM rollup WHERE water_point = ? AND parameter = ? AND grain = {HOUR_MS} "
        "AND start_ms >= ? AND start_ms < ?"
    )
    for parameter in Parameter:
        given = (water_point, parameter.value, day_ms, day_ms + DAY_MS)
        yield parameter, connection.execute(query, given).fetchone()


def _put(
    connection: sqlite3.Connection,
    water_point: str,
    grain: Grain,
    start_ms: int,
    facts: Iterable[tuple[Parameter, Sequence[float | None]]],
) -> None:
    for parameter, of_parameter in facts:
        key = (water_point, parameter.value, grain.value, start_ms)
        if of_parameter[0]:
            connection.execute(PUT, (*key, *of_parameter))
        else:
            connection.execute(_REMOVE, key)


def _usable(parameter: Parameter) -> str:
    return f"CASE WHEN {parameter.value}_flag IN ({_USABLE}) THEN {parameter.value} END"


def _worked_out(parameter: Parameter) -> str:
    """The facts of a `Part` after its start."""
    value, flag = _usable(parameter), f"{parameter.value}_flag"
    return (
        f"count({flag}), total({flag} = {Flag.GOOD.value}), count({value}), min({value}), total({value}), "
        f"max({value}), max({flag})"
    )


def _of_readings(flag: str) -> str:
    return (
        f"FROM observation WHERE water_point = :point AND taken_ms >= :start AND taken_ms < :end "
        f"AND {flag} IS NOT NULL"
    )


_HOUR = (
    f"SELECT {', '.join(map(_worked_out, Parameter))} FROM observation "
    "WHERE water_point = ? AND taken_ms >= ? AND taken_ms < ?"
)
