"""A water point must be heard from; and when many fall silent together, it is not the water points."""

from dataclasses import dataclass
from datetime import datetime

from alerts.rules.place import Place
from alerts.rules.verdict import (
    EVERYWHERE,
    NO_DELAYS,
    PROBE_AUDIENCE,
    Delays,
    Finding,
    Role,
    Scope,
    Severity,
    Verdict,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoDataRule:
    """A water point must be heard from.

    Attributes:
        id: stable name of the rule.
        after_s: the longest silence that is still normal, in seconds of listening.
        severity: how much it matters.
        audience: whom it concerns.
        scope: where it is in force.
    """

    id: str
    after_s: float
    severity: Severity
    audience: frozenset[Role] = PROBE_AUDIENCE
    scope: Scope = EVERYWHERE

    @property
    def delays(self) -> Delays:
        """Silence has been waited for already; hearing from the device ends it at once."""
        return NO_DELAYS

    def severity_of(self, level: int) -> Severity:  # noqa: ARG002 - it has one step
        """How much it matters."""
        return self.severity

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
