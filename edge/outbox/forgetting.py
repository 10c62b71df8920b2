"""Forgetting: the server holds it, so the device lets go."""

from edge.outbox.file import OutboxFile
from waterquality.intervals import IntervalSet


def forget_all(file: OutboxFile, settled: IntervalSet) -> int:
    """Delete what the server holds, within a transaction; returns how many records that was.

    Only whole rows go, so that a gap is forgotten as a whole or not at all.

    Args:
        file: within a transaction.
        settled: what the server holds for good.
    """
    return sum(_forget_span(file, *span) for span in settled.spans)


def _forget_span(file: OutboxFile, first: int, last: int) -> int:
    kinds = file.db.execute(
        "DELETE FROM record WHERE first >= ? AND last <= ? RETURNING is_gap, is_synchronised", (first, last)
    ).fetchall()
    held, waiting = sum(not is_gap for is_gap, _ in kinds), sum(not is_dated for _, is_dated in kinds)
    file.count(held=-held, waiting=-waiting)
    return len(kinds)
