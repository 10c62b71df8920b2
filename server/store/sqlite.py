"""Readings in one SQLite file: for the demo and for a box that serves one village.

Invariants: a file of its own, apart from registry and ledger, so that a backlog of readings never keeps an
alert waiting; WAL, so that pages are read while the intake writes; synchronous=FULL, so that what was written
is on the disk before a receipt says so. Connections are lent one to a thread at a time.
"""

# ruff: noqa: S608 - the names put in are those of our own columns

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from queue import Empty, LifoQueue
from threading import Lock

from server.store import sqlite_keeping, sqlite_rolled, sqlite_rollups, sqlite_scan
from server.store.charting import draw
from server.store.port import ChartPoint, Forgotten, Move, PointRejected, Row, StoreUnavailable, Upkeep
from server.store.rolled import RolledHour
from server.store.span import Span
from server.store.sqlite_rollups import SqliteChart
from server.store.sqlite_rows import COLUMNS, CREATE, INSERT, additions, record_of, row_of
from server.store.storable import fault, id_fault
from waterquality.parameters import Parameter
from waterquality.readings import to_ms

_BUSY_TIMEOUT_S = 10.0
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL")
_NEWEST = (
    f"SELECT {COLUMNS} FROM observation WHERE water_point = ? AND taken_ms >= ? AND taken_ms < ? "
    "ORDER BY taken_ms DESC LIMIT 1"
)
_IDENTITIES = (
    "SELECT epoch, seq, taken_ms FROM observation "
    "WHERE water_point = ? AND taken_ms >= ? AND taken_ms < ? AND device = ?"
)
_COUNT = "SELECT count(*) FROM observation WHERE water_point = ? AND taken_ms >= ? AND taken_ms < ?"
_STEP_S = 0.05  # so long may a step of upkeep keep the intake waiting


class SqliteReadingStore:
    """Keeps readings in a file. May be used by several threads.

    Args:
        path: the file; it and its folder are made by `prepare`.
        busy_timeout_s: how long to wait for another process that writes.
    """

    def __init__(self, path: Path, *, busy_timeout_s: float = _BUSY_TIMEOUT_S) -> None:
        self._path = path
        self._busy_timeout_s = busy_timeout_s
        self._idle: LifoQueue[sqlite3.Connection] = LifoQueue()
        self._writing = Lock()  # our own threads wait in a queue; the file's lock is polled, and not fair

    def prepare(self) -> None:
        """Make the file and its table, and the columns of parameters that came since.

        Raises:
            StoreUnavailable: the file cannot be made or is locked; mended by time.
        """
        with self._connection(create=True) as connection:
            connection.execute("BEGIN IMMEDIATE")
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            for statement in (*CREATE, *sqlite_rollups.CREATE):
                connection.execute(statement)
            present = [column[1] for column in connection.execute("PRAGMA table_info(observation)")]
            for statement in additions(present):
                connection.execute(statement)
            if "due" not in tables:  # a file from before there were rollups
                connection.execute(sqlite_rollups.MARK_ALL)
            connection.execute("COMMIT")

    def write(self, rows: Sequence[Row]) -> None:
        """Store rows; see the port."""
        reasons = {index: reason for index, row in enumerate(rows) if (reason := fault(row))}
        sound = [row for index, row in enumerate(rows) if index not in reasons] if reasons else rows
        with self._transaction() as connection:
            connection.executemany(INSERT, map(record_of, sound))
            sqlite_rollups.mark(connection, sound)
        if reasons:
            raise PointRejected(reasons)

    def latest(self, water_points: Sequence[str], *, since: datetime, until: datetime) -> Mapping[str, Row]:
        """The newest row of each water point taken within [since, until]."""
        span = Span.through(since, until)
        names = [name for name in dict.fromkeys(water_points) if not id_fault(name)]
        with self._connection() as connection:
            newest = (
                connection.execute(_NEWEST, (name, span.start_ms, span.end_ms)).fetchone() for name in names
            )
            return {record[0]: row_of(record) for record in newest if record is not None}

    def chart(
        self, water_point: str, parameter: Parameter, *, since: datetime, until: datetime, pixels: int
    ) -> Sequence[ChartPoint]:
        """A parameter over [since, until), at most `pixels` points."""
        span = Span.between(since, until)
        if span.is_empty or id_fault(water_point):
            return []
        with self._connection() as connection:
            connection.execute("BEGIN")  # all of it sees the store at one instant
            drawn = draw(SqliteChart(connection, water_point, parameter), span, pixels)
            connection.execute("COMMIT")
        return drawn

    def identities(
        self, water_point: str, device: str, *, since_ms: int, until_ms: int
    ) -> frozenset[tuple[str, int, int]]:
        """The (epoch, seq, taken_ms) of what is stored of a device within [since_ms, until_ms]."""
        span = Span(since_ms, until_ms + 1)
        if id_fault(water_point) or id_fault(device):
            return frozenset()
        with self._connection() as connection:
            found = connection.execute(_IDENTITIES, (water_point, span.start_ms, span.end_ms, device))
            return frozenset(found)

    def neighbours(
        self, water_point: str, device: str, *, since_ms: int, until_ms: int, at_most: int, newest: bool
    ) -> Sequence[Row]:
        """Rows of a device at a water point taken within [since_ms, until_ms), oldest first; see the port."""
        span = Span(since_ms, until_ms)
        if span.is_empty or id_fault(water_point) or id_fault(device):
            return []
        with self._connection() as connection:
            return sqlite_scan.neighbours(connection, (water_point, device), span, at_most, newest=newest)

    def count(self, *, since: datetime, until: datetime) -> int:
        """How many observations taken within [since, until] are stored."""
        span = Span.through(since, until)
        with self._connection() as connection:
            return sum(
                connection.execute(_COUNT, (name, span.start_ms, span.end_ms)).fetchone()[0]
                for name in sqlite_scan.water_points(connection)
            )

    def roll_up(self, now: datetime) -> int:
        """Work out rollups that are due, for a moment; see the port."""
        with self._transaction() as connection:
            return sqlite_rollups.work_out(connection, to_ms(now), _STEP_S)

    def forget(self, before: datetime, now: datetime) -> Forgotten | None:  # noqa: ARG002 - the port's form
        """Delete some of the oldest readings; see the port."""
        with self._transaction() as connection:
            return sqlite_keeping.forget(connection, to_ms(before), _STEP_S)

    def move(self, what: Move) -> int:
        """Move some of the readings to where they belong; see the port."""
        with self._transaction() as connection:
            return sqlite_keeping.move(connection, what)

    def upkeep(self) -> Upkeep:
        """How far rollups and forgetting have come."""
        with self._connection() as connection:
            due: int = connection.execute("SELECT count(*) FROM due").fetchone()[0]
            return Upkeep(due, sqlite_rollups.forgotten_ms(connection))

    def extent(self) -> tuple[int, int] | None:
        """When the oldest and the newest observation were taken, in ms since 1970; None when there is none."""
        with self._connection() as connection:
            return sqlite_scan.extent(connection)

    def rows(self, *, since_ms: int, until_ms: int) -> Iterator[Row]:
        """Every row taken within [since_ms, until_ms), by water point, then by time, then by device."""
        return sqlite_scan.rows(self._connection, Span(since_ms, until_ms))

    def rolled_hours(self) -> Iterator[RolledHour]:
        """Every rollup of an hour whose readings are forgotten, by water point, then parameter, then time."""
        return sqlite_rolled.hours(self._connection)

    def adopt(self, hours: Sequence[RolledHour], forgotten_ms: int) -> int:
        """Take over rollups of what another store has forgotten; see the port."""
        with self._transaction() as connection:
            return sqlite_rolled.adopt(connection, hours, forgotten_ms)

    def close(self) -> None:
        """Let go of the connections that nobody is using."""
        while (connection := self._take_idle()) is not None:
            connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._writing, self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def _connection(self, *, create: bool = False) -> Iterator[sqlite3.Connection]:
        connection: sqlite3.Connection | None = None
        try:
            connection = self._take_idle() or self._open(create=create)
            yield connection
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(f"{self._path}: {error}") from error
        else:
            self._idle.put(connection)
            connection = None
        finally:
            if connection is not None:
                connection.close()  # which undoes what it had not committed

    def _take_idle(self) -> sqlite3.Connection | None:
        try:
            return self._idle.get_nowait()
        except Empty:
            return None

    def _open(self, *, create: bool) -> sqlite3.Connection:
        if create:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}",
            uri=True,
            timeout=self._busy_timeout_s,
            isolation_level=None,  # transactions are ours to begin
            check_same_thread=False,  # lent to one thread at a time
        )
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        return connection
