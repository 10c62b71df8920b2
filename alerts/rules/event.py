"""A change in the water that no limit names: whether there is one, a detector says (`alerts.events`)."""

from dataclasses import dataclass, replace

from alerts.events.event import Event, Judged, Stage
from alerts.rules.one_step import OneStep
from alerts.rules.place import Place
from alerts.rules.verdict import (
    WATER_AUDIENCE,
    Delays,
    Finding,
    Role,
    Verdict,
)
from waterquality.parameters import Parameter

_OF_THE_WATER = (Parameter.TURBIDITY, Parameter.PH)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRule(OneStep):
    """Water must not change as it never does.

    Attributes:
        id: stable name of the rule.
        severity: how much it matters.
        audience: whom it concerns.
        scope: where it is in force.
        measured: the parameters of the probes there; none where it is not placed yet.
    """

    audience: frozenset[Role] = WATER_AUDIENCE
    measured: tuple[Parameter, ...] = ()

    @property
    def delays(self) -> Delays:
        """The detector confirms and ends by itself; what resumes within an hour is the same."""
        return Delays(confirm_s=0, clear_s=0, reopen_s=3600)

    def placed(self, place: Place) -> "EventRule | str":
        """The rule; why not, where nothing is measured that speaks of the water. An indicative probe does."""
        measured = tuple(name for name in Parameter if any(place.capabilities_of(name)))
        if not any(name in _OF_THE_WATER for name in measured):
            return "no probe there speaks of the water (turbidity, pH)"
        return replace(self, measured=measured)

    def evaluate(self, judged: Judged) -> Verdict | None:
        """Make a finding of what the detector says; None for what came late."""
        if judged.stage is Stage.LATE:
            return None
        if judged.stage is Stage.LEARNING:
            return Verdict(Finding.UNKNOWN, reason=f"still learning ({judged.learned:.0%})")
        if judged.stage is Stage.EVENT and judged.event is not None:
            return found(judged.event)
        return Verdict(Finding.CLEAR, reason="as it ordinarily is")


def found(event: Event) -> Verdict:
    """The breach that an event is."""
    change = event.changes[0]
    return Verdict(Finding.BREACH, change.after, change.before, event.sentence(), event=event)
