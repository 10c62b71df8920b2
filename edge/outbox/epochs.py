"""Epochs: where numbers could be given out twice, a new one begins, and takes along what is held.

Each function works within a transaction of the file. How the old epoch ended is remembered, and told with the next
record; so the server can close its books.
"""

import secrets

from edge.clock import EXACT_WITHIN_S
from edge.outbox import dating, table
from edge.outbox.dating import Known
from edge.outbox.file import OutboxFile
from edge.outbox.plate import read_plate
from edge.outbox.salvage import Salvaged
from waterquality.intervals import IntervalSet
from waterquality.wire.epochs import EpochEnded, EpochWhy, text_of


def first_epoch(file: OutboxFile, serial: str) -> None:
    """The file is new; where a plate still tells of another, that one was emptied or taken away."""
    before = read_plate(file.path)
    ended = (text_of(before.ended()),) if before.epoch else ()
    file.remember(epoch=secrets.token_hex(4), serial=serial, ended=ended)


def start_epoch(file: OutboxFile, why: EpochWhy, serial: str) -> None:
    """Number what is held anew, from 1. Gaps stay behind; the server is told of them."""
    state = file.state
    spans = file.db.execute("SELECT first, last, is_gap FROM record ORDER BY first").fetchall()
    moved, gaps = (IntervalSet.of(row[:2] for row in spans if row[2] == is_gap) for is_gap in (0, 1))
    file.db.execute("DELETE FROM record WHERE is_gap")
    for seq, first in enumerate(moved, start=1):
        file.db.execute(
            "UPDATE record SET first = ?, last = ?, is_exposed = 0 WHERE first = ?", (seq, seq, first)
        )
    told = text_of(EpochEnded(state.epoch, state.head, why, moved, gaps))
    file.remember(
        epoch=secrets.token_hex(4),
        serial=serial,
        head=len(moved),
        in_gaps=0,
        exposed=0,
        ended=(*state.ended, told),
    )


def fall_back(file: OutboxFile, latest_ms: int) -> None:
    """The clock had been trusted and was ahead: what is held from ahead waits for its time again.

    Args:
        file: within a transaction.
        latest_ms: what is later than this lies ahead, milliseconds since 1970, UTC.
    """
    start_epoch(file, EpochWhy.CLOCK_WAS_AHEAD, file.state.serial)
    file.db.execute("UPDATE record SET is_synchronised = 0 WHERE taken_ms > ?", (latest_ms,))
    file.remember(known=_newest_known(file))
    file.recount()


def take_in(file: OutboxFile, salvaged: Salvaged, serial: str) -> None:
    """Take over what was left of a damaged file; this one is new."""
    for seq, row in enumerate(salvaged.rows, start=1):
        values = (
            seq,
            seq,
            row.taken_ms,
            row.body,
            False,
            row.clock_uncertainty_s,
            row.boottime_ms,
            row.boot_id,
        )
        table.insert(file.db, table.Row(*values, is_synchronised=row.is_synchronised))
    file.recount()
    known = max(salvaged.known, _newest_known(file), key=lambda each: each.ms)
    file.remember(
        epoch=secrets.token_hex(4),
        serial=serial,
        head=len(salvaged.rows),
        volume_m3=salvaged.volume_m3,
        known=known,
        ended=(*salvaged.untold, text_of(salvaged.ended)),
    )


def _newest_known(file: OutboxFile) -> Known:
    """What the records that are held show of the time; it may have been a guess, so no clock is set by it."""
    row = file.db.execute(
        "SELECT taken_ms, clock_uncertainty_s, boot_id, boottime_ms FROM record"
        " WHERE is_synchronised AND NOT is_gap ORDER BY taken_ms DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return Known()
    taken_ms, uncertainty_s, boot_id, boottime_ms = row
    doubt_ms = round((uncertainty_s + EXACT_WITHIN_S) * 1000)
    return Known(
        ms=taken_ms,
        earliest_ms=max(dating.EARLIEST_MS, taken_ms - doubt_ms),
        uncertainty_s=dating.UNBOUNDED_S,
        boot_id=boot_id,
        boottime_ms=boottime_ms,
    )
