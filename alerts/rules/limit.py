"""A value must stay within a limit; further steps of the same rule say how far beyond it is how bad."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from alerts.rules.doubt import BLIND, doubt, may_accuse, may_clear
from alerts.rules.place import Place
from alerts.rules.verdict import EVERYWHERE, WATER_AUDIENCE, Delays, Finding, Role, Scope, Severity, Verdict
from waterquality.limits import Capability, Limit, why_not_evidenced
from waterquality.parameters import SPECS, Parameter
from waterquality.readings import Observation


@dataclass(frozen=True, slots=True)
class Step:
    """A step up: a limit farther out, and how bad it is to lie beyond that.

    Attributes:
        limit: the limit, of the same parameter.
        severity: how much it matters.
        confirm_s: how long a breach of it must last before the severity rises, in seconds of event time.
    """

    limit: Limit
    severity: Severity
    confirm_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRule:
    """A value must stay within a limit.

    Attributes:
        id: stable name of the rule.
        limit: the limit, with its authority: the first step.
        delays: confirm and clear delays.
        deadband: how far inside the limit a value must be before it counts as clear, in the parameter's unit.
        severity: how much it matters.
        audience: whom it concerns.
        higher: further steps, each farther out and worse than the one before.
        scope: where it is in force.
    """

    id: str
    limit: Limit
    delays: Delays
    deadband: float
    severity: Severity
    audience: frozenset[Role] = WATER_AUDIENCE
    higher: tuple[Step, ...] = ()
    scope: Scope = EVERYWHERE

    @property
    def parameter(self) -> Parameter:
        """What it judges."""
        return self.limit.parameter

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, the nearest first."""
        return (Step(self.limit, self.severity, self.delays.confirm_s), *self.higher)

    def step_of(self, level: int) -> Step:
        """The step of a level, counted from 1; the farthest there is where that is beyond all."""
        return self.steps[min(max(level, 1), len(self.steps)) - 1]

    def severity_of(self, level: int) -> Severity:
        """How much a breach of so many steps matters."""
        return self.step_of(level).severity

    def placed(self, place: Place) -> "LimitRule | str":
        """The rule with the steps that a probe at a water point can evidence; why not, where it can none."""
        able = [known for known in place.capabilities_of(self.parameter) if self._evidenced(known)]
        if not able:
            return self._refusal(place.capabilities_of(self.parameter))
        best = max((self._evidenced(known) for known in able), key=len)
        first, *further = best
        return replace(
            self,
            limit=first.limit,
            severity=first.severity,
            higher=tuple(further),
            delays=replace(
                self.delays, confirm_s=first.confirm_s, steps_s=tuple(step.confirm_s for step in further)
            ),
        )

    def unproven(self, place: Place) -> tuple[str, ...]:
        """Why steps cannot be judged at a water point, with the arithmetic, one clause each."""
        known = tuple(place.capabilities_of(self.parameter))
        return tuple(
            said for step in self.steps if (said := _why_unproven(step, known)) and "no probe" not in said
        )

    def evaluate(self, observation: Observation) -> Verdict | None:
        """Judge an observation; None when it does not hold the parameter at all."""
        reading = observation.readings.get(self.parameter)
        if reading is None:
            return None
        if reading.value is None or not may_accuse(reading):
            is_blind = reading.screened.why in BLIND
            return Verdict(Finding.UNKNOWN, reason=f"{self.parameter} is {doubt(reading)}", is_blind=is_blind)
        verdict = self._judge(reading.value)
        if verdict.finding is not Finding.BREACH and not may_clear(reading):
            # What is doubted may accuse the water and never clears it.
            return Verdict(Finding.UNKNOWN, reading.value, reason=f"within the limit, but {doubt(reading)}")
        return verdict

    def _judge(self, value: float) -> Verdict:
        low, high = self.limit.low, self.limit.high
        if (high is not None and value > high) or (low is not None and value < low):
            return self._breach(value)
        is_near = (high is not None and value > high - self.deadband) or (
            low is not None and value < low + self.deadband
        )
        if is_near:
            return Verdict(
                Finding.HOLDING, value, reason=f"{value:.4g} inside the limit, but not by the deadband"
            )
        return Verdict(Finding.CLEAR, value, reason=f"{value:.4g} within the limit")

    def _breach(self, value: float) -> Verdict:
        """The breach of as many steps as the value lies beyond; how far is measured from the nearest of them."""
        broken: list[float] = []
        side = ""
        for step in self.steps:
            high, low = step.limit.high, step.limit.low
            if high is not None and value > high:
                broken, side = [*broken, high], "above"
            elif low is not None and value < low:
                broken, side = [*broken, low], "below"
            else:
                break
        reason = f"{value:.4g} {side} {broken[-1]:g}"
        return Verdict(Finding.BREACH, value, broken[0], reason, len(broken))

    def _evidenced(self, capability: Capability) -> list[Step]:
        return [step for step in self.steps if not why_not_evidenced(step.limit, capability)]

    def _refusal(self, known: Iterable[Capability]) -> str:
        each = [_why_unproven(step, tuple(known)) for step in self.steps]
        return "; ".join(dict.fromkeys(each))


def _why_unproven(step: Step, known: tuple[Capability, ...]) -> str:
    """Why no probe can evidence a step; "" where one can."""
    if not known:
        return f"no probe for {step.limit.parameter} of a known model stands there"
    reasons = [why_not_evidenced(step.limit, capability) for capability in known]
    if not all(reasons):
        return ""
    unit, bounds = SPECS[step.limit.parameter].unit, "-".join(f"{each:g}" for each in step.limit.bounds())
    return f"{step.severity} ({bounds} {unit}): {reasons[0]}"
