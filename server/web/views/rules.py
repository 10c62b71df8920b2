"""What the pages know of the rules in force: which limit, whose number, and where a probe can evidence it.

A rule that can no longer be read is told of by its id alone; it must not take the page with it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy import Connection, select

from alerts.rules import AnyRule, CustodyRule, LimitRule, NoDataRule
from alerts.specs import rule_from
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
        is_record: whether it is about the record of the devices, and so says nothing of the water.
    """

    id: str
    limit: Limit | None = None
    is_silence: bool = False
    is_record: bool = False

    @property
    def parameter(self) -> Parameter | None:
        """What it judges; None where it judges no value."""
        return None if self.limit is None else self.limit.parameter


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
    limit = rule.limit if isinstance(rule, LimitRule) else None
    return RuleFacts(
        name, limit, is_silence=isinstance(rule, NoDataRule), is_record=isinstance(rule, CustodyRule)
    )
