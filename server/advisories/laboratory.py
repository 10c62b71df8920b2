"""What laboratories found, in the database. A result is never changed: a wrong one is voided, with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, select, update

from alerts.advisories.lab import LabLimit, LabParameter, LabResult, Measured
from server.advisories.people import must_be_water_point
from server.database.advisory_models import LabResultRow
from server.database.statements import insert_into
from waterquality.errors import ConfigError
from waterquality.readings import from_ms, to_ms


@dataclass(frozen=True, slots=True)
class Kept:
    """A result as it is kept; `void_reason` is "" while it counts."""

    number: int
    water_point: str
    result: LabResult
    voided_by: str = ""
    void_reason: str = ""


def add_result(connection: Connection, water_point: str, result: LabResult, now: datetime) -> bool:
    """Write a result down; returns whether it was new: the same file read again changes nothing.

    Raises:
        ConfigError: there is no such water point, the sample is from the future, or another value of the same
            sample is written down already; mended by the operator.
    """
    must_be_water_point(connection, water_point)
    if result.taken_at > now:
        raise ConfigError(f"{result.taken_at:%Y-%m-%d %H:%M}: a sample from the future; check its time")
    values = _columns(water_point, result, now)
    statement = insert_into(connection, LabResultRow).values(**values).on_conflict_do_nothing()
    if connection.execute(statement.returning(LabResultRow.id)).first() is not None:
        return True
    _must_be_same(connection, values)
    return False


def results(connection: Connection, water_point: str = "", *, with_voided: bool = False) -> Sequence[Kept]:
    """Results of a water point or of all, oldest sample first."""
    query = select(LabResultRow.__table__).order_by(LabResultRow.taken_ms, LabResultRow.id)
    if water_point:
        query = query.where(LabResultRow.water_point_id == water_point)
    if not with_voided:
        query = query.where(LabResultRow.voided_ms == 0)
    return [_kept(row) for row in connection.execute(query)]


def void_result(connection: Connection, number: int, by: str, reason: str, now: datetime) -> None:
    """Let a wrong entry count no more; it stays on record.

    Raises:
        ConfigError: there is none that counts; mended by the operator.
    """
    changed = connection.execute(
        update(LabResultRow)
        .where(LabResultRow.id == number, LabResultRow.voided_ms == 0)
        .values(voided_ms=to_ms(now), voided_by=by, void_reason=reason)
    )
    if not changed.rowcount:
        raise ConfigError(f"result {number}: there is none that counts; `tskaro lab list` has their numbers")


def _must_be_same(connection: Connection, values: dict[str, object]) -> None:
    key = ("water_point_id", "taken_ms", "laboratory", "parameter", "voided_ms")
    said = ("value", "sign", "low", "high", "authority", "certificate")
    table = LabResultRow.__table__
    there = connection.execute(select(table).where(*(table.c[name] == values[name] for name in key))).one()
    if any(getattr(there, name) != values[name] for name in said):
        raise ConfigError(
            f"{values['parameter']} of this sample is written down already (result {there.id}), and differs; "
            f"if that one is wrong: tskaro lab void {there.id}"
        )


def _columns(water_point: str, result: LabResult, now: datetime) -> dict[str, object]:
    return {
        "water_point_id": water_point,
        "taken_ms": to_ms(result.taken_at),
        "laboratory": result.laboratory,
        "parameter": str(result.parameter),
        "value": result.measured.value,
        "sign": result.measured.sign,
        "low": result.limit.low,
        "high": result.limit.high,
        "authority": result.limit.authority,
        "certificate": result.certificate,
        "entered_by": result.entered_by,
        "entered_ms": to_ms(now),
        "voided_ms": 0,
        "voided_by": "",
        "void_reason": "",
    }


def _kept(row: Row[tuple[object, ...]]) -> Kept:
    result = LabResult(
        taken_at=from_ms(row.taken_ms),
        laboratory=row.laboratory,
        parameter=LabParameter(row.parameter),
        measured=Measured(row.value, row.sign),
        limit=LabLimit(row.low, row.high, row.authority),
        certificate=row.certificate,
        entered_by=row.entered_by,
    )
    return Kept(row.id, row.water_point_id, result, row.voided_by, row.void_reason)
