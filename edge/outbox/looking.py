"""Looking: what is asked of the records of an outbox file, and nothing that changes them."""

from edge.outbox.file import OutboxFile
from edge.outbox.table import DamagedFile, checksum
from waterquality.intervals import IntervalSet
from waterquality.wire.encode import Packed


def sendable(file: OutboxFile, seq: int, at_most: int) -> list[Packed]:
    """Records above `seq` that have their time, oldest first.

    Raises:
        DamagedFile: one of them is not what it was; the file is set aside.
    """
    query = (
        "SELECT first, last, taken_ms, body, clock_uncertainty_s, checksum FROM record"
        " WHERE first > ? AND is_synchronised = 1 ORDER BY first LIMIT ?"
    )
    rows = file.db.execute(query, (seq, at_most)).fetchall()
    if any(checksum(row[3], row[2]) != row[5] for row in rows):
        raise DamagedFile("a record is not what it was")
    return [Packed(*row[:5]) for row in rows]


def newest_within(file: OutboxFile, settled: IntervalSet) -> tuple[str, int] | None:
    """Boot and time since boot (ms) of the newest record among these; None where there is none."""
    query = (
        "SELECT boot_id, boottime_ms FROM record WHERE first BETWEEN ? AND ? AND NOT is_gap"
        " ORDER BY first DESC LIMIT 1"
    )
    found = (file.db.execute(query, span).fetchone() for span in reversed(settled.spans))
    return next(filter(None, found), None)


def unsent(file: OutboxFile, among: IntervalSet) -> list[int]:
    """Records among these that were recorded while nothing was sent."""
    query = "SELECT first FROM record WHERE first BETWEEN ? AND ? AND NOT is_exposed AND NOT is_gap"
    return [first for span in among.spans for (first,) in file.db.execute(query, span)]
