"""What is known of the months of water points: kept in the database, read whole once and then what has changed.

Invariant: a month is written only where it has really moved, since each change makes the devices of the water point
be followed anew from the store.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, delete, func, select

from server.database.climate_models import MonthsLook, MonthSpan
from server.database.engine import Database
from server.database.models import Deployment
from server.database.statements import upsert, upsert_all
from waterquality.parameters import Parameter
from waterquality.screening.months import Month, has_moved

_FEW = 500
_KEY = ("water_point_id", "parameter", "month")


@dataclass(frozen=True, slots=True)
class Known:
    """A month as it is kept.

    Attributes:
        month: what it shows.
        computed_ms: when that was worked out, milliseconds since 1970, UTC.
    """

    month: Month
    computed_ms: int


KnownMonths = Mapping[Parameter, Mapping[int, Known]]  # of a water point
_NONE: KnownMonths = {}


class Months:
    """All that is known, remembered from one reading of the registry to the next."""

    def __init__(self) -> None:
        self._changes: dict[str, int] = {}
        self._known: dict[str, KnownMonths] = {}

    def read(self, connection: Connection) -> Mapping[str, KnownMonths]:
        """What is known now, by water point; water points that did not change keep their very objects."""
        look = select(MonthsLook.water_point_id, MonthsLook.changes).where(MonthsLook.changes > 0)
        changes = {row.water_point_id: row.changes for row in connection.execute(look)}
        changed = [point for point, count in changes.items() if self._changes.get(point) != count]
        if changed:
            self._known = {**self._known, **read_months(connection, changed)}
        self._changes = changes
        return self._known


def read_months(connection: Connection, water_points: Sequence[str]) -> dict[str, KnownMonths]:
    """What is known of the months of these water points."""
    found: dict[str, dict[Parameter, dict[int, Known]]] = {point: {} for point in water_points}
    # Of many the whole table is read: a database takes only so many names in a question.
    query = select(MonthSpan.__table__).order_by(MonthSpan.month)
    if len(water_points) <= _FEW:
        query = query.where(MonthSpan.water_point_id.in_(water_points))
    for row in connection.execute(query).mappings():
        if row["water_point_id"] in found:
            of = found[row["water_point_id"]].setdefault(Parameter(row["parameter"]), {})
            of[row["month"]] = _known(row)
    return dict(found)


def due_for_a_look(database: Database, since_ms: int) -> Sequence[str]:
    """Water points that a device serves and that nobody has looked at since an instant."""
    looked = select(MonthsLook.water_point_id).where(MonthsLook.looked_ms >= since_ms)
    query = (
        select(Deployment.water_point_id)
        .where(Deployment.until_ms.is_(None), Deployment.water_point_id.not_in(looked))
        .distinct()
        .order_by(Deployment.water_point_id)
    )
    with database.reading() as connection:
        return list(connection.scalars(query))


def put_months(
    database: Database, water_point: str, months: Mapping[Parameter, Mapping[int, Month]], now_ms: int
) -> int:
    """Keep what was found of a water point; returns how many months have really moved."""
    with database.writing() as connection:
        before = read_months(connection, [water_point]).get(water_point, _NONE)
        moved = [
            (parameter, month)
            for parameter in Parameter
            for month in range(1, 13)
            if has_moved(_was(before, parameter, month), months.get(parameter, {}).get(month))
        ]
        for parameter, month in moved:
            key = {"water_point_id": water_point, "parameter": str(parameter), "month": month}
            connection.execute(delete(MonthSpan).filter_by(**key))
        rows = [
            {"water_point_id": water_point, "parameter": str(parameter), "month": month}
            | _columns(months[parameter][month], now_ms)
            for parameter, month in moved
            if month in months.get(parameter, {})
        ]
        upsert_all(connection, MonthSpan, _KEY, rows)
        _note_look(connection, water_point, now_ms, has_changed=bool(moved))
    return len(moved)


def _note_look(connection: Connection, water_point: str, now_ms: int, *, has_changed: bool) -> None:
    so_far = select(func.coalesce(func.max(MonthsLook.changes), 0)).filter_by(water_point_id=water_point)
    changes = connection.scalar(so_far) or 0
    values = {"looked_ms": now_ms, "changes": changes + has_changed}
    upsert(connection, MonthsLook, {"water_point_id": water_point}, values)


def _was(before: KnownMonths, parameter: Parameter, month: int) -> Month | None:
    known = before.get(parameter, {}).get(month)
    return None if known is None else known.month


def _known(row: RowMapping) -> Known:
    ordinary, widest = (row["ordinary_low"], row["ordinary_high"]), (row["widest_low"], row["widest_high"])
    return Known(Month(ordinary, widest, row["days"], row["years"]), row["computed_ms"])


def _columns(month: Month, now_ms: int) -> dict[str, float]:
    return {
        "ordinary_low": month.ordinary[0],
        "ordinary_high": month.ordinary[1],
        "widest_low": month.widest[0],
        "widest_high": month.widest[1],
        "days": month.days,
        "years": month.years,
        "computed_ms": now_ms,
    }
