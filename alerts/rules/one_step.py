"""What rules of a single severity share."""

from dataclasses import dataclass

from alerts.rules.verdict import EVERYWHERE, NO_DELAYS, PROBE_AUDIENCE, Delays, Role, Scope, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class OneStep:
    """A rule that knows one severity.

    Attributes:
        id: stable name of the rule.
        severity: how much it matters.
        audience: whom it concerns.
        scope: where it is in force.
    """

    id: str
    severity: Severity
    audience: frozenset[Role]
    scope: Scope = EVERYWHERE

    def severity_of(self, level: int) -> Severity:  # noqa: ARG002 - it has one step
        """How much it matters."""
        return self.severity


@dataclass(frozen=True, slots=True, kw_only=True)
class AtOnce(OneStep):
    """One whose finding has been waited for already, and whose end counts at once; it tells who mends devices."""

    audience: frozenset[Role] = PROBE_AUDIENCE

    @property
    def delays(self) -> Delays:
        """None."""
        return NO_DELAYS
