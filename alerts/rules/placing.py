"""Which rules are in force at a water point, which are not, and why. Pure.

A rule with `water_points` is in force there alone; one that `replaces` another takes its place there, and an *off*
rule takes its place with nothing. A rule that the probes there cannot evidence is refused with the arithmetic.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from alerts.rules.event import EventRule
from alerts.rules.fault import SensorFaultRule
from alerts.rules.flow import NightFlowRule, NoFlowRule
from alerts.rules.limit import LimitRule
from alerts.rules.place import Place
from alerts.rules.rate import RateRule
from alerts.rules.record import CustodyRule
from alerts.rules.silence import MassSilenceRule, NoDataRule
from alerts.rules.verdict import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class OffRule:
    """Another rule is not in force at some water points.

    Attributes:
        id: stable name of the rule.
        scope: where, and which.
    """

    id: str
    scope: Scope


Rule = (
    LimitRule
    | RateRule
    | NoFlowRule
    | NightFlowRule
    | SensorFaultRule
    | EventRule
    | NoDataRule
    | MassSilenceRule
    | CustodyRule
)
AnyRule = Rule | OffRule


@dataclass(frozen=True, slots=True)
class Placed:
    """The rules at a water point.

    Attributes:
        rules: those in force.
        refused: by the id of a rule that is not, why.
        unproven: by the id of a rule that is, why some of its steps are not.
        unable: ids of the refused that are meant for the place, and that nothing there can judge.
    """

    rules: tuple[Rule, ...] = ()
    refused: dict[str, str] = field(default_factory=dict)
    unproven: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unable: frozenset[str] = frozenset()


def place_rules(rules: Collection[AnyRule], place: Place) -> Placed:
    """Tell which rules are in force at a water point."""
    holding = [rule for rule in rules if rule.scope.holds(place.water_point)]
    replaced = {rule.scope.replaces: rule.id for rule in holding if rule.scope.replaces}
    kept: list[Rule] = []
    unable: list[str] = []
    placed = Placed()
    for rule in rules:
        if isinstance(rule, OffRule):
            continue
        if not rule.scope.holds(place.water_point):
            placed.refused[rule.id] = "it is for other water points: " + _named(rule.scope.water_points)
        elif rule.id in replaced:
            placed.refused[rule.id] = f"{replaced[rule.id]} takes its place there"
        elif isinstance(found := rule.placed(place), str):
            placed.refused[rule.id] = found
            unable.append(rule.id)
        else:
            kept.append(found)
            if isinstance(rule, LimitRule) and (unproven := rule.unproven(place)):
                placed.unproven[rule.id] = unproven
    return Placed(tuple(kept), placed.refused, placed.unproven, frozenset(unable))


def _named(water_points: Iterable[str]) -> str:
    return ", ".join(sorted(water_points))
