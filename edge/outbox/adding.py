"""Adding a record: its number, its time or its wait for one, and what comes before it.

Each function works within a transaction of the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.clock import Instant
from edge.outbox import dating, table, timing
from edge.outbox.file import OutboxFile
from edge.outbox.room import WhenFull, make_room, widen_gap
from edge.outbox.table import Row
from waterquality.wire.encode import Packed, body_of
from waterquality.wire.records import Note, NoteKind


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be kept.

    Attributes:
        instant: when it was taken.
        body: its SenML records, as JSON text without the brackets.
        facts: what the outbox remembers with it, by the names of `State`: what the meter stood at, for one.
        waits: whether it waits for its time where nobody knows that.
    """

    instant: Instant
    body: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    waits: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """How many records are held, and what gives way then."""

    max_records: int
    when_full: WhenFull


def add(file: OutboxFile, entry: Entry, limits: Limits, *, untold: int, is_exposed: bool) -> Packed | None:
    """Add a record.

    Args:
        file: within a transaction.
        entry: what is to be kept.
        limits: of the outbox.
        untold: numbers that were lost before and are a gap that nobody was told of.
        is_exposed: whether it may be sent at once.

    Returns:
        The record as it is kept; None where the outbox is full and keeps what it holds.
    """
    if untold:
        lose(file, untold)
    if entry.instant.is_synchronised:
        timing.synchronise(file, entry.instant)
    for ended in file.state.ended:
        told = Entry(entry.instant, body_of(Note(0, 0, NoteKind.EPOCH_BEGUN, ended)))
        _insert(file, told, is_exposed=is_exposed, ended=())
    if file.counts.held >= limits.max_records:
        if limits.when_full is WhenFull.KEEP_OLDEST:
            lose(file, 1)
            return None
        drop_oldest(file, limits)
    return _insert(file, entry, is_exposed=is_exposed, **entry.facts)


def drop_oldest(file: OutboxFile, limits: Limits) -> None:
    """Turn the oldest tenth into a gap."""
    state = file.state
    dropped = make_room(file.db, limits.max_records, state.known.earliest_ms)
    file.remember(in_gaps=state.in_gaps + dropped)
    file.recount()


def lose(file: OutboxFile, count: int) -> None:
    """Give so many numbers to what is not kept: a gap at the head."""
    state = file.state
    widen_gap(file.db, state.head, count, state.known.earliest_ms)
    file.remember(head=state.head + count, in_gaps=state.in_gaps + count)


def _insert(file: OutboxFile, entry: Entry, *, is_exposed: bool, **changes: Any) -> Packed:
    known, taken_ms, uncertainty_s = _time_of(file, entry)
    is_dated = entry.instant.is_synchronised or not entry.waits
    seq = file.state.head + 1
    row = Row(
        first=seq,
        last=seq,
        taken_ms=taken_ms,
        body=entry.body,
        is_gap=False,
        clock_uncertainty_s=uncertainty_s,
        boottime_ms=entry.instant.boottime_ms,
        boot_id=entry.instant.boot_id,
        is_synchronised=is_dated,
        is_exposed=is_exposed,
    )
    table.insert(file.db, row)
    file.count(held=1, waiting=0 if is_dated else 1)
    file.remember(head=seq, known=known, **changes)
    return Packed(seq, seq, taken_ms, entry.body, uncertainty_s)


def _time_of(file: OutboxFile, entry: Entry) -> tuple[dating.Known, int, float]:
    """What is known then, the record's time (one to be replaced, where it waits), and its uncertainty (s)."""
    known = file.state.known
    if entry.instant.is_synchronised:
        given = dating.right_now(known, entry.instant)
        return given.known, given.taken_ms, given.uncertainty_s
    return known, entry.instant.wall_ms if entry.waits else timing.reckoned_ms(file, entry.instant), 0.0
