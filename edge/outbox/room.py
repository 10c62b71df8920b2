"""Room: what gives way when the outbox is full. What is dropped becomes a gap, which is itself a record."""

import sqlite3
from enum import StrEnum

from edge.outbox.table import Row, insert, scalar
from waterquality.errors import CustodyError
from waterquality.intervals import IntervalSet
from waterquality.wire.encode import body_of
from waterquality.wire.records import Gap, GapWhy

_TENTH = 10
_IS_OBSERVATION = """(NOT is_gap AND body NOT LIKE '{"n":"note"%' AND body NOT LIKE '{"n":"certificate"%')"""
_PRIMARY = 0xFF  # the part of an error code of SQLite that names its kind


class WhenFull(StrEnum):
    """What a full outbox gives up."""

    DROP_OLDEST = "drop_oldest"
    KEEP_OLDEST = "keep_oldest"


class OutboxFull(CustodyError):
    """This record is not kept: its number is part of a gap, or will be; mended by the operator."""


def is_full(error: sqlite3.OperationalError) -> bool:
    """Whether the disk took nothing more; a full disk may also look like a write that failed."""
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def make_room(db: sqlite3.Connection, max_records: int, at_ms: int) -> int:
    """Turn the oldest tenth into a gap, together with gaps that touch it.

    Observations go; notes and certificates stay as long as there are observations. They are few, and tell how an
    earlier epoch ended or what the readings mean.

    Args:
        db: within a transaction.
        max_records: how many records there may be.
        at_ms: the time that the gaps bear.

    Returns:
        How many records were dropped.
    """
    count = scalar(db, "SELECT count(*) FROM record WHERE NOT is_gap")
    at_most = max(1, min(count, max_records) // _TENTH)
    victims = _oldest(db, at_most, _IS_OBSERVATION) or _oldest(db, at_most, "NOT is_gap")
    for first, last in IntervalSet.of(row[:2] for row in victims).spans:
        db.execute("DELETE FROM record WHERE first >= ? AND last <= ?", (first, last))
        insert(db, _gap(first, last, at_ms))
    return sum(not is_gap for _, _, is_gap in victims)


def _oldest(db: sqlite3.Connection, at_most: int, which: str) -> list[tuple[int, int, int]]:
    """The oldest records of a kind, and the gaps among them; none where there is no such record."""
    query = f"SELECT first FROM record WHERE {which} ORDER BY first LIMIT ?"  # noqa: S608
    firsts = db.execute(query, (at_most,)).fetchall()
    if not firsts:
        return []
    query = f"SELECT first, last, is_gap FROM record WHERE (is_gap OR {which}) AND first <= ?"  # noqa: S608
    return db.execute(query, firsts[-1]).fetchall()


def widen_gap(db: sqlite3.Connection, head: int, count: int, at_ms: int) -> None:
    """Let a gap at the head cover so many numbers more; a new one where there is none."""
    last = head + count
    row = db.execute("SELECT first FROM record WHERE last = ? AND is_gap", (head,)).fetchone()
    first = head + 1 if row is None else int(row[0])
    db.execute("DELETE FROM record WHERE first = ?", (first,))
    insert(db, _gap(first, last, at_ms))


def _gap(first: int, last: int, at_ms: int) -> Row:
    return Row(
        first,
        last,
        at_ms,
        body_of(Gap(first, last, GapWhy.OUTBOX_FULL)),
        is_gap=True,
        clock_uncertainty_s=0.0,
        boottime_ms=0,
        boot_id="",
        is_synchronised=True,
    )
