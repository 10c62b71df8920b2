"""Who may issue advisories, and where boiling is no advice whatever a probe says."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from alerts.advisories.record import Authority
from server.database.advisory_models import AuthorityRow, HazardRow
from server.database.models import WaterPoint
from server.database.statements import upsert
from waterquality.errors import ConfigError
from waterquality.readings import to_ms


def add_authority(connection: Connection, who: Authority, now: datetime) -> None:
    """Name a person who may issue advisories, or correct an entry; what they did before keeps the old words."""
    values = {"name": who.name, "office": who.office, "contact": who.contact}
    upsert(
        connection,
        AuthorityRow,
        {"id": who.id},
        values | {"added_ms": to_ms(now), "ended_ms": None},
    )


def end_authority(connection: Connection, name: str, now: datetime) -> None:
    """Let a person issue no more.

    Raises:
        ConfigError: nobody of this id may; mended by the operator.
    """
    authority(connection, name)
    connection.execute(update(AuthorityRow).where(AuthorityRow.id == name).values(ended_ms=to_ms(now)))


def authorities(connection: Connection) -> Mapping[str, Authority]:
    """Who may issue advisories now, by id."""
    table = AuthorityRow.__table__
    rows = connection.execute(select(table).where(AuthorityRow.ended_ms.is_(None)).order_by(AuthorityRow.id))
    return {row.id: Authority(row.id, row.name, row.office, row.contact) for row in rows}


def authority(connection: Connection, name: str) -> Authority:
    """A person who may issue advisories.

    Raises:
        ConfigError: nobody of this id may; mended by the operator.
    """
    known = authorities(connection)
    if name not in known:
        those = f"these may: {', '.join(known)}" if known else "nobody may yet"
        raise ConfigError(
            f"{name!r} may not act on advisories; {those}. Name a person with `tskaro advisory authority add`"
        )
    return known[name]


def must_be_water_point(connection: Connection, water_point: str) -> None:
    """See that a water point is registered.

    Raises:
        ConfigError: it is not; mended by the operator.
    """
    if connection.scalar(select(WaterPoint.id).where(WaterPoint.id == water_point)) is None:
        raise ConfigError(f"{water_point}: no water point of this id is registered")


def set_hazard(connection: Connection, water_point: str, why: str, by: str, now: datetime) -> None:
    """Say what in the catchment boiling would not remove; "" takes it back.

    Raises:
        ConfigError: there is no such water point; mended by the operator.
    """
    must_be_water_point(connection, water_point)
    if not why:
        connection.execute(delete(HazardRow).where(HazardRow.water_point_id == water_point))
        return
    upsert(
        connection,
        HazardRow,
        {"water_point_id": water_point},
        {"why": why, "said_by": by, "since_ms": to_ms(now)},
    )


def hazard(connection: Connection, water_point: str) -> str:
    """What in the catchment boiling would not remove, and who says so; "" where nobody said anything."""
    row = connection.execute(
        select(HazardRow.why, HazardRow.said_by).where(HazardRow.water_point_id == water_point)
    ).one_or_none()
    return "" if row is None else f"{row.why}, says {row.said_by}"
