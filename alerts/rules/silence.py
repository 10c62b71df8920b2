"""A water point must be heard from; and when many fall silent together, it is not the water points."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from alerts.rules.one_step import AtOnce
from alerts.rules.place import Place
from alerts.rules.verdict import (
    Finding,
    Verdict,
)

_NEARLY = 2 / 3


@dataclass(frozen=True, slots=True, kw_only=True)
class NoDataRule(AtOnce):
    """A water point must be heard from.

    Attributes:
        id: stable name of the rule.
        after_s: the longest silence that is still normal, in seconds of listening.
        severity: how much it matters.
        audience: whom it concerns.
        scope: where it is in force.
    """

    after_s: float

    def placed(self, place: Place) -> "NoDataRule | str":  # noqa: ARG002 - silence needs no probe
        """The rule: anybody can be silent."""
        return self

    def evaluate(self, last_taken: datetime, listened_until: datetime) -> Verdict:
        """Judge a silence.

        Args:
            last_taken: when the newest known observation was taken.
            listened_until: up to when intake has provably listened.
        """
        silent_s = (listened_until - last_taken).total_seconds()
        if silent_s > self.after_s:
            return Verdict(Finding.BREACH, silent_s, self.after_s, f"silent for {silent_s:.0f} s")
        return Verdict(Finding.CLEAR, silent_s, reason="heard from")


@dataclass(frozen=True, slots=True, kw_only=True)
class MassSilenceRule(AtOnce):
    """When many water points fall silent together, it is the server, the broker or the line.

    Attributes:
        id: stable name of the rule.
        share: of the water points that were heard until then, from 0 to 1.
        at_least: and so many.
        severity: how much it matters.
        audience: whom it concerns.
        scope: everywhere.
    """

    share: float
    at_least: int

    def placed(self, place: Place) -> str:  # noqa: ARG002 - it is in force nowhere
        """Why it is not in force at a water point."""
        return "it is about the server and all water points together"

    def evaluate(self, unheard: Mapping[str, float], *, is_open: bool) -> Verdict:
        """Judge who has not been heard from.

        Args:
            unheard: how long each water point has been silent, in shares of the longest silence that is normal
                there; without those that have an alert of their own silence. Two thirds of it count: what falls
                silent together does not speak for the last time together.
            is_open: whether it has begun already.
        """
        silent = sum(share > _NEARLY for share in unheard.values())
        is_due = is_open or any(share > 1 for share in unheard.values())
        if is_due and silent >= max(self.at_least, self.share * len(unheard)):
            reason = f"{silent} of {len(unheard)} water points fell silent together"
            return Verdict(Finding.BREACH, float(silent), reason=reason)
        return Verdict(Finding.CLEAR, float(silent), reason="water points are heard")
