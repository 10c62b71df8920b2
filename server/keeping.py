"""What is to be moved and what was forgotten, as the database has it: asked for here, done by `server.keeper`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from server.database.engine import Database
from server.database.keeping_models import ForgottenDay, Rehoming
from server.database.statements import insert_into
from server.store.port import Forgotten, Move

_SETTLES_MS = (
    120_000  # until then every ingest has read the corrected registry, and ended what it was writing
)


@dataclass(frozen=True, slots=True)
class Moving:
    """A move that waits, and its number."""

    id: int
    what: Move


def ask_for(connection: Connection, moves: Iterable[Move], *, who: str, now_ms: int) -> None:
    """Have readings moved; in the transaction that corrects where the device stood."""
    for move in moves:
        connection.execute(
            insert(Rehoming).values(
                device_id=move.device,
                source=move.source,
                target=move.target,
                since_ms=move.since_ms,
                until_ms=move.until_ms,
                who=who,
                asked_ms=now_ms,
                moved=0,
                refused="",
            )
        )


def waiting_moves(database: Database, now_ms: int) -> Sequence[Moving]:
    """Moves that may begin, in the order they were asked for, so that a later correction has the last word."""
    query = (
        select(Rehoming.__table__)
        .where(Rehoming.done_ms.is_(None), Rehoming.refused == "", Rehoming.asked_ms <= now_ms - _SETTLES_MS)
        .order_by(Rehoming.id)
    )
    with database.reading() as connection:
        return [Moving(row["id"], _move(row)) for row in connection.execute(query).mappings()]


def note_moved(database: Database, number: int, rows: int, now_ms: int) -> None:
    """So many readings were moved; none means that all are."""
    done = {"done_ms": now_ms} if not rows else {"moved": Rehoming.moved + rows}
    with database.writing() as connection:
        connection.execute(update(Rehoming).where(Rehoming.id == number).values(**done))


def note_refused(database: Database, number: int, why: str) -> None:
    """The store will not have it; nobody tries again."""
    with database.writing() as connection:
        connection.execute(update(Rehoming).where(Rehoming.id == number).values(refused=why))


def note_forgotten(database: Database, step: Forgotten, now_ms: int) -> None:
    """Some readings of a day were deleted."""
    with database.writing() as connection:
        statement = insert_into(connection, ForgottenDay).values(
            through_ms=step.through_ms, rows=step.rows, at_ms=now_ms
        )
        table = ForgottenDay.__table__
        added = {"rows": table.c.rows + step.rows, "at_ms": now_ms}
        connection.execute(statement.on_conflict_do_update(index_elements=["through_ms"], set_=added))


def all_moves(database: Database) -> Sequence[dict[str, Any]]:
    """Every move that was ever asked for, newest first."""
    query = select(Rehoming.__table__).order_by(Rehoming.id.desc())
    with database.reading() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def forgotten_days(database: Database, limit: int = 10) -> Sequence[dict[str, Any]]:
    """The days that were deleted last, newest first."""
    query = select(ForgottenDay.__table__).order_by(ForgottenDay.through_ms.desc()).limit(limit)
    with database.reading() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def _move(row: RowMapping) -> Move:
    return Move(row["device_id"], row["source"], row["target"], row["since_ms"], row["until_ms"])
