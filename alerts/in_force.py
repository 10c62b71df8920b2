"""The rules in force at each water point, told apart by what they judge."""

from collections.abc import Sequence
from typing import NamedTuple

from alerts.ports import Directory
from alerts.rules import (
    CustodyRule,
    EventRule,
    LimitRule,
    NightFlowRule,
    NoDataRule,
    NoFlowRule,
    RateRule,
    Rule,
    SensorFaultRule,
)

InstantRule = LimitRule | NoFlowRule | NightFlowRule | SensorFaultRule
ObservedRule = InstantRule | RateRule | EventRule


class RulesThere(NamedTuple):
    """The rules in force at a water point, and the same by what they judge.

    Attributes:
        all: every one.
        limits: those that keep a limit.
        instants: those that judge an observation by itself, the limits among them.
        rates: those that judge it against what came just before.
        events: those that ask a detector.
        silences: those about not being heard from.
        records: those about the record of the devices.
    """

    all: Sequence[Rule]
    limits: Sequence[LimitRule] = ()
    instants: Sequence[InstantRule] = ()
    rates: Sequence[RateRule] = ()
    events: Sequence[EventRule] = ()
    silences: Sequence[NoDataRule] = ()
    records: Sequence[CustodyRule] = ()

    @property
    def observed(self) -> Sequence[ObservedRule]:
        """Those that judge observations."""
        return [*self.instants, *self.rates, *self.events]

    @classmethod
    def of(cls, rules: Sequence[Rule]) -> "RulesThere":
        """The rules, told apart."""
        return cls(
            rules,
            limits=[rule for rule in rules if isinstance(rule, LimitRule)],
            instants=[rule for rule in rules if isinstance(rule, InstantRule)],
            rates=[rule for rule in rules if isinstance(rule, RateRule)],
            events=[rule for rule in rules if isinstance(rule, EventRule)],
            silences=[rule for rule in rules if isinstance(rule, NoDataRule)],
            records=[rule for rule in rules if isinstance(rule, CustodyRule)],
        )


class InForce:
    """Remembers the rules of each water point until the directory gives others: every observation asks for them.

    Args:
        directory: tells the rules; the same object as long as nothing has changed.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._known: dict[str, RulesThere] = {}

    def at(self, water_point: str) -> RulesThere:
        """The rules in force there."""
        rules = self._directory.rules_for(water_point)
        known = self._known.get(water_point)
        if known is None or known.all is not rules:
            known = self._known[water_point] = RulesThere.of(rules)
        return known
