"""What the pages know of the rules in force: which limit, whose number, and where a probe can evidence it.

A rule that can no longer be read is told of by its id alone; it must not take the page with it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy import Connection, select

from alerts.ports import Kind
from alerts.rules import AnyRule, CustodyRule, LimitRule, NoDataRule, OffRule, SensorFaultRule
from alerts.specs import rule_from
from alerts.telling import kind_of_breach
from server.database.models import RuleRow
from waterquality.limits import Capability, Limit, why_not_evidenced
from waterquality.parameters import Parameter


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """A rule as the pages tell of it.

    Attributes:
        id: stable name of the rule.
        limit: what must be kept; None for a rule about silence, or one that is no longer registered.
        is_silence: whether it is about not being heard from.
        is_record: whether it is about the record or a probe of the devices, and so says nothing of the water.
        says: what its alert says, for a rule that is about no limit.
        about: the parameter that such a rule judges; None where it judges none.
    """

    id: str
    limit: Limit | None = None
    is_silence: bool = False
    is_record: bool = False
    says: Kind | None = None
    about: Parameter | None = None

    @property
    def parameter(self) -> Parameter | None:
        """What it judges; None where it judges no value."""
        return self.about if self.limit is None else self.limit.parameter


def rules(connection: Connection) -> Mapping[str, RuleFacts]:
    """Every rule, by id."""
    rows = connection.execute(select(RuleRow.id, RuleRow.spec).order_by(RuleRow.id))
    return {row.id: _facts(row.id, row.spec) for row in rows}


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the parameters of a water point.

    Attributes:
        checked: limits that the probes there can evidence.
        unproven: limits in force that the probes there cannot evidence; nothing may be claimed from them.
    """

    checked: Mapping[Parameter, Limit]
    unproven: Mapping[Parameter, Limit]


def limits_at(known: Iterable[RuleFacts], capabilities: Mapping[Parameter, Capability | None]) -> Limits:
    """Which limits may be claimed where these probes are, and which may not."""
    checked: dict[Parameter, Limit] = {}
    unproven: dict[Parameter, Limit] = {}
    for limit in (rule.limit for rule in known if rule.limit is not None):
        capability = capabilities.get(limit.parameter)
        can_claim = capability is not None and not why_not_evidenced(limit, capability)
        (checked if can_claim else unproven).setdefault(limit.parameter, limit)
    return Limits(checked, {name: limit for name, limit in unproven.items() if name not in checked})


def _facts(name: str, spec: object) -> RuleFacts:
    try:
        rule: AnyRule = rule_from(spec)
    except ValidationError:
        return RuleFacts(name)
    if isinstance(rule, OffRule):
        return RuleFacts(name)
    if isinstance(rule, LimitRule):
        return RuleFacts(name, rule.limit)
    return RuleFacts(
        name,
        is_silence=isinstance(rule, NoDataRule),
        is_record=isinstance(rule, CustodyRule | SensorFaultRule),
        says=kind_of_breach(rule),
        about=getattr(rule, "parameter", None),
    )
