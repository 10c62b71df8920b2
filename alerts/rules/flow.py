"""Water must run when it is due, and must not run all night where nobody draws it.

Both judge an instant and leave how long to the lifecycle: an hour without water is one breach that lasts.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from alerts.rules.doubt import doubt, may_accuse
from alerts.rules.one_step import OneStep
from alerts.rules.place import Place
from alerts.rules.verdict import WATER_AUDIENCE, Delays, Finding, Role, Verdict
from alerts.supply import Supply, is_between
from waterquality.parameters import Parameter
from waterquality.readings import Observation

_NO_METER = "no flow meter of a known model stands there"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoFlowRule(OneStep):
    """Water must run when the supply calendar says so.

    Attributes:
        id: stable name of the rule.
        least: the smallest flow that counts as water, L/min.
        delays: how long there must be none, and how long some before it is over.
        severity: how much it matters.
        audience: whom it concerns.
        scope: where it is in force.
        supply: when water is due there; None where it is not placed yet.
    """

    least: float
    delays: Delays
    audience: frozenset[Role] = WATER_AUDIENCE
    supply: Supply | None = None

    @property
    def parameter(self) -> Parameter:
        """What it judges."""
        return Parameter.FLOW

    def placed(self, place: Place) -> "NoFlowRule | str":
        """The rule with the calendar of a water point; why not, where it has no meter or no calendar."""
        if not any(place.capabilities_of(Parameter.FLOW)):
            return _NO_METER
        if place.supply is None:
            return (
                "nobody has said when water is due there: "
                f"`tskaro water-point supply {place.water_point} always`, or its hours"
            )
        return replace(self, supply=place.supply)

    def evaluate(self, observation: Observation) -> Verdict | None:
        """Judge an observation; None when nothing can be said: no meter, or no water and none due."""
        reading = observation.readings.get(Parameter.FLOW)
        if reading is None or self.supply is None:
            return None
        value = reading.value
        if value is None or not may_accuse(reading):
            return Verdict(Finding.UNKNOWN, reason=f"flow is {doubt(reading)}")
        if value > self.least:
            return Verdict(Finding.CLEAR, value, reason=f"{value:.4g} L/min")
        if not self.supply.is_due(observation.taken_at):
            return None
        return Verdict(Finding.BREACH, value, self.least, f"{value:.4g} L/min while water is due")


@dataclass(frozen=True, slots=True, kw_only=True)
class NightFlowRule(OneStep):
    """Water that never stops at night runs away somewhere.

    Attributes:
        id: stable name of the rule.
        most: the largest flow that is still none, L/min.
        night: when nobody draws water, from and until, as time since midnight in Tbilisi.
        delays: how long it must run without a pause; one pause in a night ends it.
        severity: how much it matters.
        audience: whom it concerns.
        scope: where it is in force; a spring runs all night, so a rule names its water points.
    """

    most: float
    night: tuple[timedelta, timedelta]
    delays: Delays
    audience: frozenset[Role] = WATER_AUDIENCE

    @property
    def parameter(self) -> Parameter:
        """What it judges."""
        return Parameter.FLOW

    def placed(self, place: Place) -> "NightFlowRule | str":
        """The rule; why not, where there is no meter."""
        return self if any(place.capabilities_of(Parameter.FLOW)) else _NO_METER

    def evaluate(self, observation: Observation) -> Verdict | None:
        """Judge an observation; None by day, and where there is no meter."""
        reading = observation.readings.get(Parameter.FLOW)
        if reading is None or not is_between(observation.taken_at, *self.night):
            return None
        value = reading.value
        if value is None or not may_accuse(reading):
            return Verdict(Finding.UNKNOWN, reason=f"flow is {doubt(reading)}")
        if value > self.most:
            return Verdict(Finding.BREACH, value, self.most, f"{value:.4g} L/min at night")
        return Verdict(Finding.CLEAR, value, reason=f"{value:.4g} L/min: a pause")
