"""What is known at a water point when somebody acts on an advisory: open alerts, the catchment, the laboratory."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from pydantic import ValidationError
from sqlalchemy import Connection, Row, select

from alerts.advisories.lab import LabResult, chemical_findings
from alerts.advisories.life import Circumstances, Policy
from alerts.advisories.record import Advisory
from alerts.lifecycle import Phase
from alerts.ports import Lane
from alerts.rules import AnyRule, EventRule, LimitRule, RateRule
from alerts.specs import rule_from
from server.advisories.laboratory import results
from server.advisories.people import hazard
from server.database.models import AlertRow, RuleRow
from waterquality.parameters import Parameter

# What boiling removes, or what no limit of a chemical is about; anything else may be one.
_NO_CHEMICAL = frozenset({Parameter.TURBIDITY, Parameter.FLOW, Parameter.VOLUME, Parameter.TEMPERATURE})
_LAB_COUNTS = timedelta(days=30)
_OPEN = [str(phase) for phase in Phase if phase.is_open]
_STILL_BAD = (str(Phase.FIRING), str(Phase.RECOVERING))


def circumstances(connection: Connection, advisory: Advisory, now: datetime, policy: Policy) -> Circumstances:
    """All that is known beside the advisory itself."""
    found = tuple(kept.result for kept in results(connection, advisory.water_point))
    alerts = _open_alerts(connection, advisory.water_point)
    return Circumstances(
        now=now,
        policy=policy,
        doubts=doubts(connection, advisory.water_point, now, found),
        firing=tuple(_firing(alerts, advisory)),
        results=found,
    )


def doubts(
    connection: Connection, water_point: str, now: datetime, found: tuple[LabResult, ...] = ()
) -> tuple[str, ...]:
    """What speaks for a chemical at a water point now, one English clause each."""
    rules = rules_in_force(connection)
    said = hazard(connection, water_point)
    open_alerts = _open_alerts(connection, water_point)
    return (
        *([f"the catchment: {said}"] if said else []),
        *(
            f"{alert.rule_id} is {alert.phase} there"
            for alert in open_alerts
            if _may_be_chemical(rules.get(alert.rule_id))
        ),
        *chemical_findings(found, now - _LAB_COUNTS),
    )


def rules_in_force(connection: Connection) -> Mapping[str, AnyRule]:
    """The rules that can be read, by id."""
    found: dict[str, AnyRule] = {}
    for name, spec in connection.execute(select(RuleRow.id, RuleRow.spec)):
        try:
            found[name] = rule_from(spec)
        except ValidationError:  # the directory has told of it
            continue
    return found


def _may_be_chemical(rule: AnyRule | None) -> bool:
    """Whether an open alert of this rule may be one of a chemical."""
    if isinstance(rule, LimitRule | RateRule):
        return rule.parameter not in _NO_CHEMICAL
    return isinstance(rule, EventRule)


def _firing(alerts: list[Row[tuple[str, str, int]]], advisory: Advisory) -> Iterator[str]:
    episodes = {(each.rule, each.episode) for each in advisory.evidence}
    for alert in alerts:
        if (alert.rule_id, alert.episode) in episodes and alert.phase in _STILL_BAD:
            yield alert.rule_id


def _open_alerts(connection: Connection, water_point: str) -> list[Row[tuple[str, str, int]]]:
    query = select(AlertRow.rule_id, AlertRow.phase, AlertRow.episode).where(
        AlertRow.water_point_id == water_point, AlertRow.lane == str(Lane.LIVE), AlertRow.phase.in_(_OPEN)
    )
    return list(connection.execute(query.order_by(AlertRow.rule_id)))
