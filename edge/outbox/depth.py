"""Depth: how an outbox stands, asked from inside or by another process."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edge.outbox.file import OutboxFile
from edge.outbox.state import read_state
from edge.outbox.table import DamagedFile, plainly, readable


@dataclass(frozen=True, slots=True)
class Depth:
    """How the outbox stands.

    Attributes:
        head: the highest sequence number given out; 0 before the first.
        held: the lowest sequence number still held; `head + 1` when nothing is.
        records: sequence numbers still held, gaps not counted.
        in_gaps: sequence numbers turned into gaps since the epoch began.
        oldest_ms: when the oldest held record was taken; None when nothing is held.
        receipt_ms: the server's time in the newest receipt, milliseconds since 1970, UTC; None before the first.
    """

    head: int
    held: int
    records: int
    in_gaps: int
    oldest_ms: int | None
    receipt_ms: int | None = None


def depth_of(file: OutboxFile) -> Depth:
    """How an outbox stands that is open."""
    state = file.state
    held, oldest = file.db.execute(
        "SELECT first, taken_ms FROM record ORDER BY first LIMIT 1"
    ).fetchone() or (state.head + 1, None)
    return Depth(state.head, held, file.counts.held, state.in_gaps, oldest, state.receipt_ms)


def look_into(path: Path) -> tuple[str, Depth]:
    """Epoch and depth of an outbox that another process may be using; changes nothing.

    Raises:
        sqlite3.DatabaseError: there is no sound outbox there.
    """
    with plainly(), closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        db.text_factory = readable
        row = db.execute("SELECT value FROM meta WHERE key = 'state'").fetchone()
        records, held, oldest = db.execute(
            "SELECT count(*) FILTER (WHERE is_gap = 0), min(first), min(taken_ms) FROM record"
        ).fetchone()
    if row is None:
        raise DamagedFile("it holds no epoch")
    state = read_state(row[0])
    depth = Depth(state.head, held or state.head + 1, records, state.in_gaps, oldest, state.receipt_ms)
    return state.epoch, depth
