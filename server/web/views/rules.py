"""What the pages know of the rules in force: which limit, whose number, and where a probe can evidence it.

A rule that can no longer be read is told of by its id alone; it must not take the page with it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy import Connection, select

from alerts.ports import Kind
from alerts.rules import (
    AnyRule,
    CustodyRule,
    LimitRule,
    NoDataRule,
    OffRule,
    Place,
    SensorFaultRule,
    place_rules,
)
from alerts.specs import rule_from
from alerts.telling import kind_of_breach
from server.database.models import RuleRow
from waterquality.limits import Capability, Limit
from waterquality.parameters import Parameter


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """A rule as the pages tell of it.

    Attributes:
        id: stable name of the rule.
        rule: the rule itself; None for one that is no longer registered, or cannot be read.
    """

    id: str
    rule: AnyRule | None = None

    @property
    def is_silence(self) -> bool:
        """Whether it is about not being heard from."""
        return isinstance(self.rule, NoDataRule)

    @property
    def is_record(self) -> bool:
        """Whether it is about the record or a probe of the devices, and so says nothing of the water."""
        return isinstance(self.rule, CustodyRule | SensorFaultRule)

    @property
    def says(self) -> Kind | None:
        """What its alert says, for a rule that is about no limit."""
        if self.rule is None or isinstance(self.rule, LimitRule | OffRule):
            return None
        return kind_of_breach(self.rule)

    @property
    def parameter(self) -> Parameter | None:
        """What it judges; None where it judges no value."""
        return getattr(self.rule, "parameter", None)

    def limit_beside(self, value: float | None) -> Limit | None:
        """The farthest of its limits that a value lies beyond; the nearest where it lies beyond none.

        Args:
            value: the extreme of an episode, in the parameter's unit.
        """
        if not isinstance(self.rule, LimitRule):
            return None
        nearest, *further = [step.limit for step in self.rule.steps]
        beyond = [limit for limit in further if value is not None and is_beyond(limit, value)]
        return beyond[-1] if beyond else nearest


def is_beyond(limit: Limit, value: float) -> bool:
    """Whether a value, in the parameter's unit, lies outside a limit."""
    return (limit.high is not None and value > limit.high) or (limit.low is not None and value < limit.low)


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


NO_LIMITS = Limits({}, {})
Probes = Mapping[Parameter, Capability | None]


def limits_everywhere(known: Iterable[RuleFacts], measured: Mapping[str, Probes]) -> Mapping[str, Limits]:
    """The limits of many water points: worked out once for all with the same probes, but for those a rule names."""
    known = tuple(known)
    named = {point for each in known if each.rule is not None for point in each.rule.scope.water_points}
    alike: dict[object, Limits] = {}
    found: dict[str, Limits] = {}
    for point, probes in measured.items():
        key = (point if point in named else "", frozenset(probes.items()))
        if key not in alike:
            alike[key] = limits_at(known, point, probes)
        found[point] = alike[key]
    return found


def limits_at(known: Iterable[RuleFacts], water_point: str, capabilities: Probes) -> Limits:
    """Which limits may be claimed at a water point where these probes are, and which may not.

    Of a rule of several steps it is the nearest that a probe there can evidence.
    """
    about_limits = [facts.rule for facts in known if isinstance(facts.rule, LimitRule | OffRule)]
    able = {parameter: each for parameter, each in capabilities.items() if each is not None}
    placed = place_rules(about_limits, Place(water_point, [able]))
    checked: dict[Parameter, Limit] = {}
    unproven: dict[Parameter, Limit] = {}
    for rule in placed.rules:
        if isinstance(rule, LimitRule):
            checked.setdefault(rule.parameter, rule.limit)
    for meant in about_limits:
        if isinstance(meant, LimitRule) and meant.id in placed.unable and meant.parameter not in checked:
            unproven.setdefault(meant.parameter, meant.limit)
    return Limits(checked, unproven)


def _facts(name: str, spec: object) -> RuleFacts:
    try:
        return RuleFacts(name, rule_from(spec))
    except ValidationError:
        return RuleFacts(name)
