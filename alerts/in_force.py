"""The rules in force at each water point, told apart by what they judge."""

from collections.abc import Sequence
from typing import NamedTuple

from alerts.ports import Directory
from alerts.rules import CustodyRule, LimitRule, NoDataRule, Rule


class RulesThere(NamedTuple):
    """The rules in force at a water point, and the same by what they judge."""

    all: Sequence[Rule]
    limits: Sequence[LimitRule]
    silences: Sequence[NoDataRule]
    records: Sequence[CustodyRule]

    @classmethod
    def of(cls, rules: Sequence[Rule]) -> "RulesThere":
        """The rules, told apart."""
        return cls(
            rules,
            [rule for rule in rules if isinstance(rule, LimitRule)],
            [rule for rule in rules if isinstance(rule, NoDataRule)],
            [rule for rule in rules if isinstance(rule, CustodyRule)],
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
