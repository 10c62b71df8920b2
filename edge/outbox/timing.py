"""Timing: the records of an outbox file get their times. `dating` decides which; this reads and writes the rows.

Each function works within a transaction of the file.
"""

from collections.abc import Sequence

from edge.clock import Instant
from edge.outbox import dating
from edge.outbox.dating import Dated, Moment
from edge.outbox.epochs import fall_back
from edge.outbox.file import OutboxFile
from edge.outbox.table import DamagedFile

_AHEAD_MS = 5 * 60_000  # what lies farther ahead of the server is refused by it, so it cannot hold it


def moments(file: OutboxFile) -> list[Moment]:
    """The records that wait for their time, in order."""
    if not file.counts.waiting:
        return []
    query = "SELECT first, boot_id, boottime_ms FROM record WHERE is_synchronised = 0 ORDER BY first"
    return [Moment(*row) for row in file.db.execute(query)]


def reckoned_ms(file: OutboxFile, instant: Instant) -> int:
    """The earliest that it can be now, milliseconds since 1970, UTC."""
    return dating.reckoned_ms(file.state.known, moments(file), instant)


def synchronise(file: OutboxFile, instant: Instant) -> int:
    """The time is known: give those that wait for it theirs; returns how many."""
    if file.state.known.ms > instant.wall_ms + _AHEAD_MS:
        fall_back(file, instant.wall_ms + _AHEAD_MS)
    return _date(file, dating.dated(file.state.known, moments(file), instant))


def release_overdue(file: OutboxFile, instant: Instant) -> int:
    """The time is not known: let those go that have waited long enough; returns how many."""
    return _date(file, dating.overdue(file.state.known, moments(file), instant))


def _date(file: OutboxFile, given: Sequence[Dated]) -> int:
    for each in given:
        dated = file.db.execute(
            "UPDATE record SET taken_ms = ?1, clock_uncertainty_s = ?2, is_synchronised = 1,"
            " checksum = checksum(body, ?1) WHERE first = ?3 AND checksum = checksum(body, taken_ms)",
            (each.taken_ms, each.uncertainty_s, each.first),
        )
        if not dated.rowcount:  # with its new time it would get a checksum that says that all is well
            raise DamagedFile("a record that waits for its time is not what it was")
    if given:
        file.count(waiting=-len(given))
        file.remember(known=given[-1].known)
    return len(given)
