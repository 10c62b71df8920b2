"""A change in the water that no limit names: whether there is one, a detector says (`alerts.events`)."""

from dataclasses import dataclass

from alerts.events.event import Event, Judged, Stage
from alerts.rules.place import Place
from alerts.rules.verdict import (
    EVERYWHERE,
    NO_DELAYS,
    WATER_AUDIENCE,
    Delays,
    Finding,
    Role,
    Scope,
    Severity,
    Verdict,
)
from waterquality.parameters import Parameter

_OF_THE_WATER = (Parameter.TURBIDITY, Parameter.PH)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRule:
    """Water must not change as it never does.

    Attributes:
        id: stable name of the rule.
        severity: how much it matters.
        audience: whom it concerns.
        scope: where it is in force.
    """

    id: str
    severity: Severity
    audience: frozenset[Role] = WATER_AUDIENCE
    scope: Scope = EVERYWHERE

    @property
    def delays(self) -> Delays:
        """The detector confirms and ends by itself."""
        return NO_DELAYS

    def severity_of(self, level: int) -> Severity:  # noqa: ARG002 - it has one step
        """How much it matters."""
        return self.severity

    def placed(self, place: Place) -> "EventRule | str":
        """The rule; why not, where nothing is measured that speaks of the water. An indicative probe does."""
        measured = [name for name in _OF_THE_WATER if any(place.capabilities_of(name))]
        return self if measured else "no probe there speaks of the water (turbidity, pH)"

    def evaluate(self, judged: Judged) -> Verdict | None:
        """Make a finding of what the detector says; None while it is learning, and for what came late."""
        if judged.stage in (Stage.LEARNING, Stage.LATE):
            return None
        if judged.stage is Stage.EVENT and judged.event is not None:
            return found(judged.event)
        return Verdict(Finding.CLEAR, reason="as it ordinarily is")


def found(event: Event) -> Verdict:
    """The breach that an event is."""
    change = event.changes[0]
    return Verdict(Finding.BREACH, change.after, change.before, event.sentence())
