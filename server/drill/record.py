"""What drills brought, in the database; and what they leave in the books, forgotten after a while."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from server.database.drill_models import DrillRow
from server.database.engine import Database
from server.database.models import CustodyDayRow, CustodyRow, JudgedRow
from server.drill.stations import Outcome
from server.registry.reserved import DRILL_DEVICE
from waterquality.readings import from_ms, to_ms

_KEPT = timedelta(days=90)


def keep(database: Database, outcome: Outcome) -> None:
    """Write down what a drill brought, and forget drills of long ago.

    Raises:
        DatabaseUnavailable: nothing was written; mended by time.
    """
    values = {
        "epoch": outcome.epoch,
        "began_ms": to_ms(outcome.began_at),
        "ended_ms": to_ms(outcome.ended_at),
        "failed_at": str(outcome.failed_at or ""),
        "detail": outcome.detail[:300],
        "took_s": {str(station): seconds for station, seconds in outcome.took_s.items()},
    }
    with database.writing() as connection:
        connection.execute(insert(DrillRow).values(**values))
        _forget(connection, to_ms(outcome.ended_at - _KEPT))


def last_good(database: Database) -> datetime | None:
    """When the last good drill ended; None where there was none.

    Raises:
        DatabaseUnavailable: mended by time.
    """
    with database.reading() as connection:
        ended_ms = connection.scalar(select(func.max(DrillRow.ended_ms)).where(DrillRow.failed_at == ""))
    return None if ended_ms is None else from_ms(ended_ms)


def last_failure(database: Database, since: datetime | None) -> str:
    """What the newest drill that failed since then said; "" where none did."""
    query = select(DrillRow.detail).where(DrillRow.failed_at != "").order_by(DrillRow.ended_ms.desc())
    if since is not None:
        query = query.where(DrillRow.ended_ms > to_ms(since))
    with database.reading() as connection:
        return connection.scalar(query.limit(1)) or ""


def _forget(connection: Connection, before_ms: int) -> None:
    old = list(connection.scalars(select(DrillRow.epoch).where(DrillRow.ended_ms < before_ms)))
    for table in (CustodyRow, CustodyDayRow, JudgedRow):
        connection.execute(delete(table).where(table.device_id == DRILL_DEVICE, table.epoch.in_(old)))
    connection.execute(delete(DrillRow).where(DrillRow.epoch.in_(old)))
