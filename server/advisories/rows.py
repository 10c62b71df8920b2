"""Advisories to and from the rows of the database."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, RowMapping, select

from alerts.advisories.record import (
    Advisory,
    Authority,
    Cause,
    Change,
    Evidence,
    Issue,
    Lift,
    Order,
    Phase,
    Signed,
)
from server.database.advisory_models import AdvisoryRow, EvidenceRow
from waterquality.readings import from_ms, to_ms

_AUTHORITY, _EVIDENCE, _ORDER = TypeAdapter(Authority), TypeAdapter(Evidence), TypeAdapter(Order)
_ACTS: Mapping[str, TypeAdapter[Any]] = {
    each.__name__.lower(): TypeAdapter(each) for each in (Issue, Change, Lift)
}
_ISSUABLE = (str(Phase.PROPOSED), str(Phase.IN_FORCE))


def columns_of(advisory: Advisory) -> dict[str, Any]:
    """An advisory as the columns of its row; its evidence has rows of its own."""
    return {
        "water_point_id": advisory.water_point,
        "phase": str(advisory.phase),
        "cause": str(advisory.cause),
        "proposed_ms": to_ms(advisory.proposed_at),
        "proposer": advisory.proposer,
        "reason": advisory.reason,
        "orders": advisory.order and order_json(advisory.order),
        "issued_by": advisory.issued_by and authority_json(advisory.issued_by),
        "confirmed_by": advisory.confirmed_by and authority_json(advisory.confirmed_by),
        "issued_ms": _ms(advisory.issued_at),
        "changed_ms": _ms(advisory.changed_at),
        "pending": advisory.pending and _signed_json(advisory.pending),
        "ended_ms": _ms(advisory.ended_at),
    }


def all_advisories(
    connection: Connection, *, open_only: bool = False, water_point: str = ""
) -> Mapping[int, Advisory]:
    """Advisories by number, newest first: all, or those that are proposed, in force or expired."""
    query = select(AdvisoryRow.__table__).order_by(AdvisoryRow.id.desc())
    if open_only:
        query = query.where(AdvisoryRow.phase.in_(_ISSUABLE))
    if water_point:
        query = query.where(AdvisoryRow.water_point_id == water_point)
    rows = connection.execute(query).mappings().all()
    evidence = _evidence_of(connection, [row["id"] for row in rows])
    return {row["id"]: replace(_advisory(row), evidence=evidence.get(row["id"], ())) for row in rows}


def one_advisory(connection: Connection, number: int) -> Advisory | None:
    """An advisory by its number; None where there is none."""
    query = select(AdvisoryRow.__table__).where(AdvisoryRow.id == number)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    return replace(_advisory(row), evidence=_evidence_of(connection, [number]).get(number, ()))


def evidence_json(evidence: Evidence) -> dict[str, Any]:
    """Evidence as it is kept."""
    return dict(_EVIDENCE.dump_python(evidence, mode="json"))


def authority_json(authority: Authority) -> dict[str, Any]:
    """A person as they were when they acted."""
    return dict(_AUTHORITY.dump_python(authority, mode="json"))


def order_json(order: Order) -> dict[str, Any]:
    """What people are told, as it is kept."""
    return dict(_ORDER.dump_python(order, mode="json"))


def _signed_json(act: Signed) -> dict[str, Any]:
    name = type(act).__name__.lower()
    return {"act": name, "body": _ACTS[name].dump_python(act, mode="json")}


def _advisory(row: RowMapping) -> Advisory:
    return Advisory(
        water_point=row["water_point_id"],
        phase=Phase(row["phase"]),
        cause=Cause(row["cause"]),
        proposed_at=from_ms(row["proposed_ms"]),
        proposer=row["proposer"],
        reason=row["reason"],
        order=row["orders"] and _ORDER.validate_python(row["orders"]),
        issued_by=row["issued_by"] and _AUTHORITY.validate_python(row["issued_by"]),
        confirmed_by=row["confirmed_by"] and _AUTHORITY.validate_python(row["confirmed_by"]),
        issued_at=_instant(row["issued_ms"]),
        changed_at=_instant(row["changed_ms"]),
        pending=row["pending"] and _ACTS[row["pending"]["act"]].validate_python(row["pending"]["body"]),
        ended_at=_instant(row["ended_ms"]),
    )


def _evidence_of(connection: Connection, numbers: Sequence[int]) -> Mapping[int, tuple[Evidence, ...]]:
    query = (
        select(EvidenceRow.advisory_id, EvidenceRow.body)
        .where(EvidenceRow.advisory_id.in_(numbers))
        .order_by(EvidenceRow.added_ms, EvidenceRow.rule_id, EvidenceRow.episode)
    )
    found: dict[int, tuple[Evidence, ...]] = {}
    for number, body in connection.execute(query):
        found[number] = (*found.get(number, ()), _EVIDENCE.validate_python(body))
    return found


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)


def _instant(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else from_ms(milliseconds)
