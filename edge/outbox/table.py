"""The outbox's SQLite file: its tables, how it is opened, and which of its errors mean that it is damaged."""

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Final

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS record (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    taken_ms INTEGER NOT NULL,
    body TEXT NOT NULL,
    is_gap INTEGER NOT NULL,
    clock_uncertainty_s REAL NOT NULL,
    boottime_ms INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    is_synchronised INTEGER NOT NULL,
    is_exposed INTEGER NOT NULL DEFAULT 0,
    checksum INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS unsynchronised ON record (first) WHERE is_synchronised = 0;
"""
# One record of a few hundred bytes changes a page; with pages of 4 KiB it would wear the card three times as much.
_PAGE_BYTES = 1024
_PRIMARY = 0xFF  # the part of an error code of SQLite that names its kind
_DAMAGE = frozenset(
    {
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_ERROR,  # no such table or column: not our file
        sqlite3.SQLITE_FORMAT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_IOERR_CORRUPTFS,
        sqlite3.SQLITE_IOERR_READ,
        sqlite3.SQLITE_IOERR_SHORT_READ,
    }
)
PLATE: Final = "-epoch"
PARTS: Final = ("", "-wal", "-shm", PLATE)  # three that SQLite keeps for one database, and the plate


class DamagedFile(sqlite3.DatabaseError):
    """What the file holds makes no sense."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


@contextmanager
def plainly() -> Iterator[None]:
    """Damage is said as damage: where SQLite quotes a damaged schema that is no text, Python raises another error.

    Raises:
        DamagedFile: SQLite had to say what is no text; the file is set aside.
    """
    try:
        yield
    except UnicodeDecodeError as error:
        raise DamagedFile(f"what SQLite says of it is no text: {error}") from error


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table of records; see `Outbox` for what the columns mean."""

    first: int
    last: int
    taken_ms: int
    body: str
    is_gap: bool
    clock_uncertainty_s: float
    boottime_ms: int
    boot_id: str
    is_synchronised: bool
    is_exposed: bool = False


COLUMNS: Final = tuple(field.name for field in fields(Row))
_INSERT = f"INSERT INTO record ({', '.join(COLUMNS)}, checksum) VALUES ({', '.join('?' * len(COLUMNS))}, ?)"  # noqa: S608


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, and make in it what is not there yet.

    Raises:
        sqlite3.DatabaseError: it cannot be opened, or is damaged: `is_damage` tells which.
    """
    db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    db.text_factory = readable
    db.create_function("checksum", 2, checksum, deterministic=True)
    try:
        with plainly():
            db.execute(f"PRAGMA page_size={_PAGE_BYTES}")  # heard only by a file that is new
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            db.executescript(_SCHEMA)
    except BaseException:
        db.close()
        raise
    return db


def readable(raw: bytes) -> str:
    """Text as it is, or marked where it is damaged; a checksum tells which."""
    return raw.decode(errors="replace")


def insert(db: sqlite3.Connection, row: Row) -> None:
    """Add a row."""
    db.execute(_INSERT, (*astuple(row), checksum(row.body, row.taken_ms)))


def checksum(text: str, number: int = 0) -> int:
    """What shows that a text and a number are still what they were: SQLite does not see a bit that has turned."""
    return zlib.crc32(f"{number} {text}".encode(errors="replace"))


def scalar(db: sqlite3.Connection, query: str, *values: object) -> int:
    """The one whole number that a query gives."""
    (value,) = db.execute(query, values).fetchone()
    return int(value)


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether an error says that the file is damaged, and not merely locked, full or out of reach."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code in _DAMAGE or code & _PRIMARY in _DAMAGE)


def check(path: Path) -> None:
    """Look through the whole file.

    Raises:
        sqlite3.DatabaseError: it cannot be opened, or is damaged: `is_damage` tells which.
    """
    db = sqlite3.connect(path)
    db.text_factory = readable
    try:
        with plainly():
            (word,) = db.execute("PRAGMA quick_check(1)").fetchone()
    finally:
        db.close()
    if word != "ok":
        raise DamagedFile(word)
