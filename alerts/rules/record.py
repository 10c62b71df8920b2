"""The record of a water point must add up: every number that a device gave out must have a fate."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from alerts.rules.one_step import AtOnce
from alerts.rules.place import Place
from alerts.rules.verdict import (
    Finding,
    Verdict,
)


class Flaw(StrEnum):
    """What may be wrong with the record of a device."""

    AWAITED = "awaited"  # a number has no fate though later ones have theirs
    DISAGREES = "disagrees"  # the books do not hold what the device says it has given out or let go
    MISSING = "missing"  # numbers that nobody holds any more
    CONFLICT = "conflict"  # a number came again with other content


# What may still come right by itself: it counts once it has lasted.
_MAY_MEND = frozenset({Flaw.AWAITED, Flaw.DISAGREES})


@dataclass(frozen=True, slots=True)
class Imbalance:
    """Something that does not add up in the record of a device.

    Attributes:
        flaw: what.
        since: since when.
        detail: which device, epoch and numbers; one English clause.
    """

    flaw: Flaw
    since: datetime
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyRule(AtOnce):
    """The record of a water point must add up.

    Attributes:
        id: stable name of the rule.
        after_s: how long a number may wait for its fate after its neighbours arrived, in seconds.
        severity: how much it matters.
        audience: whom it concerns.
        scope: where it is in force.
    """

    after_s: float

    def placed(self, place: Place) -> "CustodyRule | str":  # noqa: ARG002 - records need no probe
        """The rule: every device has a record."""
        return self

    def evaluate(self, found: Sequence[Imbalance], now: datetime) -> Verdict:
        """Judge what was found in the books of a water point's devices."""
        due = [
            each
            for each in found
            if each.flaw not in _MAY_MEND or (now - each.since).total_seconds() > self.after_s
        ]
        if due:
            return Verdict(Finding.BREACH, reason="; ".join(f"{each.flaw}: {each.detail}" for each in due))
        return Verdict(Finding.CLEAR, reason="the record adds up")
