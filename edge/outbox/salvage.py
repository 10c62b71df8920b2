"""Damage: the file is set aside whole, and what can still be read of it is read out of a copy.

A page of SQLite that went wrong takes the records on it along and no others; so each record is asked for by its
number where reading in order fails. What makes no sense is left behind.
"""

import secrets
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from edge.outbox.dating import Known
from edge.outbox.plate import Plate, read_plate
from edge.outbox.state import State, read_state
from edge.outbox.table import PARTS, Row, checksum, readable
from waterquality.intervals import IntervalSet
from waterquality.wire.epochs import EpochEnded, EpochWhy

_KEPT_ASIDE = 3
_MOST_ASKED = 200_000
_NUMBERS = 4  # of a row: first, last, taken_ms, boottime_ms
_QUERY = (
    "SELECT first, last, taken_ms, body, is_gap, clock_uncertainty_s, boottime_ms, boot_id, is_synchronised,"
    " checksum FROM record"
)


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What a damaged file still showed.

    Attributes:
        ended: the epoch that ended with it.
        rows: its records, by number.
        volume_m3: what the meter stood at.
        known: the newest time that was known.
        untold: epochs that had ended before and were not told of yet, as the text of their note.
    """

    ended: EpochEnded
    rows: tuple[Row, ...] = ()
    volume_m3: float = 0.0
    known: Known = field(default_factory=Known)
    untold: tuple[str, ...] = ()


def set_aside(path: Path) -> Path:
    """Rename a damaged file and what belongs to it; of earlier ones the newest few are kept.

    Returns:
        Where it is now.
    """
    aside = path.with_name(f"{path.name}.damaged-{secrets.token_hex(3)}")
    for suffix in PARTS:
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    earlier = [
        each for each in path.parent.glob(f"{path.name}.damaged-*") if not each.name.endswith(PARTS[1:])
    ]
    for old in sorted(earlier, key=lambda each: each.stat().st_mtime)[:-_KEPT_ASIDE]:
        for suffix in PARTS:
            old.with_name(old.name + suffix).unlink(missing_ok=True)
    return aside


def salvage(aside: Path) -> Salvaged:
    """Read what can be read. The file itself is not touched."""
    copy, plate = aside.with_name(f"{aside.name}.copy"), read_plate(aside)
    try:
        for suffix in PARTS[:2]:
            with suppress(FileNotFoundError):
                shutil.copyfile(aside.with_name(aside.name + suffix), copy.with_name(copy.name + suffix))
        return _read(copy, plate)
    except OSError:  # no room for a copy: the file is still there for a person to look into
        return Salvaged(plate.ended())
    finally:
        for suffix in PARTS:
            copy.with_name(copy.name + suffix).unlink(missing_ok=True)


def _read(copy: Path, plate: Plate) -> Salvaged:
    with closing(sqlite3.connect(f"file:{copy}?mode=rw", uri=True, isolation_level=None)) as db:
        db.text_factory = readable
        state = _state(db)
        rows = {row.first: row for row in _rows(db)}
    held = [rows[first] for first in sorted(rows)]
    head = state.head if state.epoch else plate.head
    ended = EpochEnded(
        state.epoch or plate.epoch,
        max([head, *(row.last for row in held)]),
        EpochWhy.DAMAGED,
        moved=IntervalSet.of((row.first, row.last) for row in held if not row.is_gap),
        gaps=IntervalSet.of((row.first, row.last) for row in held if row.is_gap),
    )
    records = tuple(row for row in held if not row.is_gap)
    return Salvaged(ended, records, state.volume_m3, state.known, state.ended)


def _state(db: sqlite3.Connection) -> State:
    """What the file remembers; nothing where that cannot be read."""
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        for (text,) in db.execute("SELECT value FROM meta WHERE key = 'state'"):
            return read_state(text)
    return State()


def _rows(db: sqlite3.Connection) -> Iterator[Row]:
    """Upwards until it fails, downwards until it fails, and what lies between number by number."""
    lowest = highest = None
    for row in _until_it_fails(db, f"{_QUERY} ORDER BY first"):
        lowest = row.first
        yield row
    for row in _until_it_fails(db, f"{_QUERY} ORDER BY first DESC"):
        highest = row.first
        yield row
    if lowest is None and highest is None:
        return
    between = range((lowest or 0) + 1, highest or (lowest or 0) + _MOST_ASKED)
    for first in between[:_MOST_ASKED]:
        yield from _until_it_fails(db, f"{_QUERY} WHERE first = ?", first)


def _until_it_fails(db: sqlite3.Connection, query: str, *values: int) -> Iterator[Row]:
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        yield from filter(None, map(_sound, db.execute(query, values)))


def _sound(columns: Iterable[object]) -> Row | None:
    """A row that makes sense; None where it does not."""
    first, last, taken_ms, body, is_gap, doubt_s, boottime_ms, boot_id, is_synchronised, summed = columns
    numbers = [each for each in (first, last, taken_ms, boottime_ms) if isinstance(each, int)]
    if not (len(numbers) == _NUMBERS and isinstance(body, str) and isinstance(boot_id, str)):
        return None
    if checksum(body, numbers[2]) != summed or not 1 <= numbers[0] <= numbers[1]:
        return None
    return Row(
        first=numbers[0],
        last=numbers[1],
        taken_ms=numbers[2],
        boottime_ms=numbers[3],
        body=body,
        is_gap=bool(is_gap),
        clock_uncertainty_s=float(doubt_s) if isinstance(doubt_s, int | float) else 0.0,
        boot_id=boot_id,
        is_synchronised=bool(is_synchronised),
    )
