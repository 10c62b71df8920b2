"""The outbox's file in use: one connection, one lock, whole transactions; and a way on when the file is damaged.

**Invariants**
* What is remembered here is what the file says: a transaction that fails takes back both.
* Another process may write to the same file: what is remembered is read anew when one did.
* Damage ends nothing: the file is set aside whole, what can be read of it goes into a new one, and the work that
  met the damage is done there.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import structlog

from edge.outbox import table
from edge.outbox.plate import Plate, hang, read_plate
from edge.outbox.salvage import Salvaged, salvage, set_aside
from edge.outbox.state import State, read_state, text_of
from edge.outbox.table import DamagedFile, scalar

_log = structlog.get_logger()
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many records are held, gaps not counted, and how many of them wait for their time."""

    held: int = 0
    waiting: int = 0


@dataclass(slots=True)
class OutboxFile:
    """An outbox file that is open.

    Attributes:
        path: where it is.
        opened: called within a transaction after it was opened, with what was left of a damaged one, or None.
        mends: whether a damaged file is set aside and replaced here; else the error goes on to the caller.
        db: the connection.
        state: what the file remembers.
        counts: of its records.
    """

    path: Path
    opened: Callable[[Salvaged | None], None]
    mends: bool = True
    db: sqlite3.Connection = field(init=False)
    state: State = field(init=False, default_factory=State)
    counts: Counts = field(init=False, default_factory=Counts)
    _version: int = field(init=False, default=-1)
    _plate: Plate = field(init=False, default_factory=Plate)
    _lock: threading.RLock = field(init=False, default_factory=threading.RLock)

    def open(self, salvaged: Salvaged | None = None) -> None:
        """Open it.

        Raises:
            sqlite3.DatabaseError: it is damaged, or cannot be used now.
        """
        self.db = table.connect(self.path)
        self._version, self._plate = -1, read_plate(self.path)
        try:
            with table.plainly(), self._transaction():
                self.opened(salvaged)
        except BaseException:
            self.db.close()
            raise
        self._say_which()

    def close(self) -> None:
        """Let go of it."""
        with self._lock:
            self.db.close()

    def remember(self, **changes: Any) -> None:
        """Change what is remembered, within a transaction."""
        self.state = replace(self.state, **changes)
        self.db.execute(
            "INSERT INTO meta VALUES ('state', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (text_of(self.state),),
        )

    def count(self, *, held: int = 0, waiting: int = 0) -> None:
        """So many more are held, or wait."""
        self.counts = Counts(self.counts.held + held, self.counts.waiting + waiting)

    def recount(self) -> None:
        """Count what is there."""
        held, waiting = "NOT is_gap", "is_synchronised = 0"
        queries = (f"SELECT count(*) FROM record WHERE {which}" for which in (held, waiting))  # noqa: S608
        self.counts = Counts(*(scalar(self.db, query) for query in queries))

    def reading(self, work: Callable[[], _Found]) -> _Found:
        """Do something that reads."""
        with self._lock:
            try:
                with table.plainly():
                    self._reload()
                    return work()
            except sqlite3.DatabaseError as error:
                if not (self.mends and table.is_damage(error)):
                    raise
                self._start_over(error)
                return work()

    def writing(self, work: Callable[[], _Found]) -> _Found:
        """Do something that writes, as a whole or not at all."""

        def whole() -> _Found:
            with self._transaction():
                found = work()
            self._say_which()
            return found

        return self.reading(whole)

    def _say_which(self) -> None:
        if self._plate.is_behind(self.state.epoch, self.state.head):
            self._plate = Plate(self.state.epoch, self.state.head)
            hang(self.path, self._plate)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.db.execute("BEGIN IMMEDIATE")
        before = self.state, self.counts
        try:
            self._reload()
            before = self.state, self.counts
            yield
            self.db.execute("COMMIT")
        except BaseException:
            self.state, self.counts = before
            with suppress(sqlite3.Error):
                self.db.execute("ROLLBACK")
            raise

    def _reload(self) -> None:
        version = scalar(self.db, "PRAGMA data_version")
        if version == self._version:
            return
        row = self.db.execute("SELECT value FROM meta WHERE key = 'state'").fetchone()
        newest = scalar(self.db, "SELECT coalesce((SELECT last FROM record ORDER BY first DESC LIMIT 1), 0)")
        if row is None and (newest or scalar(self.db, "SELECT count(*) FROM meta")):
            raise DamagedFile("the outbox's own memory is missing")
        state = State() if row is None else read_state(row[0])
        self.state = replace(state, head=max(state.head, newest))
        self.recount()
        self._version = version

    def _start_over(self, error: sqlite3.DatabaseError) -> None:
        with suppress(sqlite3.Error):
            self.db.close()
        aside = set_aside(self.path)
        salvaged = salvage(aside)
        _log.error("outbox_damaged", set_aside=str(aside), salvaged=len(salvaged.rows), detail=str(error))
        self.open(salvaged)
