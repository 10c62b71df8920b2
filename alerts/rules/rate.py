"""A value must not change too fast, wherever it stands.

A `Trail` follows the lowest and the highest value of the last while in two halves of the window, so that it costs
the same whatever the pace of the readings; it looks back at least half the window and never more than all of it.
"""

from dataclasses import dataclass
from math import inf

from alerts.rules.doubt import doubt, may_accuse
from alerts.rules.one_step import OneStep
from alerts.rules.place import Place
from alerts.rules.verdict import WATER_AUDIENCE, Delays, Finding, Role, Verdict
from waterquality.limits import Method
from waterquality.parameters import SPECS, Parameter
from waterquality.readings import Observation


@dataclass(slots=True)
class Trail:
    """The lowest and the highest of a parameter of late, in its unit.

    Attributes:
        half_ms: half the window.
        began_ms: when the newer half began; None before the first value.
        newer: lowest and highest of the newer half.
        older: and of the half before it.
    """

    half_ms: int
    began_ms: int | None = None
    newer: tuple[float, float] = (inf, -inf)
    older: tuple[float, float] = (inf, -inf)

    def span(self, at_ms: int) -> tuple[float, float]:
        """Lowest and highest within the window before an instant; infinities where there was nothing."""
        self._move_to(at_ms)
        return min(self.older[0], self.newer[0]), max(self.older[1], self.newer[1])

    def add(self, at_ms: int, value: float) -> None:
        """Take in a value."""
        self._move_to(at_ms)
        low, high = self.newer
        self.newer = min(low, value), max(high, value)

    def _move_to(self, at_ms: int) -> None:
        if self.began_ms is None:
            self.began_ms = at_ms
        gone = (at_ms - self.began_ms) // self.half_ms
        if gone >= 1:
            self.older = self.newer if gone == 1 else (inf, -inf)
            self.newer = (inf, -inf)
            self.began_ms += gone * self.half_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRule(OneStep):
    """A value must not rise or fall by so much within so long.

    Attributes:
        id: stable name of the rule.
        of: the parameter.
        rise: the largest rise that is still normal, in its unit; None to pass over rises.
        fall: the largest fall that is still normal; None to pass over falls.
        within_s: within so long, in seconds of event time.
        delays: confirm and clear delays.
        severity: how much it matters.
        audience: whom it concerns.
        scope: where it is in force.
    """

    of: Parameter
    rise: float | None
    fall: float | None
    within_s: float
    delays: Delays
    audience: frozenset[Role] = WATER_AUDIENCE

    @property
    def parameter(self) -> Parameter:
        """What it judges."""
        return self.of

    def placed(self, place: Place) -> "RateRule | str":
        """The rule; why not, where no probe is sure enough of its own changes. An indicative one shows change."""
        known = tuple(place.capabilities_of(self.of))
        if not known:
            return f"no probe for {self.of} of a known model stands there"
        least = min(each for each in (self.rise, self.fall) if each is not None)
        unit = SPECS[self.of].unit
        for capability in known:
            noise = 0.0 if capability.method is Method.INDICATIVE else 2 * capability.uncertainty
            if least >= noise:
                return self
        return (
            f"a change of {least:g} {unit} is less than twice the probe's own uncertainty of "
            f"{min(each.uncertainty for each in known):g} {unit}"
        )

    def begun(self) -> Trail:
        """A trail to follow its parameter with."""
        return Trail(max(1, round(self.within_s * 500)))

    def evaluate(self, observation: Observation, trail: Trail) -> Verdict | None:
        """Judge an observation against what came before it, and take it in; None without the parameter."""
        reading = observation.readings.get(self.of)
        if reading is None:
            return None
        value = reading.value
        if value is None or not may_accuse(reading):
            return Verdict(Finding.UNKNOWN, reason=f"{self.of} is {doubt(reading)}")
        low, high = trail.span(observation.taken_ms)
        trail.add(observation.taken_ms, value)
        minutes = self.within_s / 60
        if self.rise is not None and value - low > self.rise:
            return Verdict(
                Finding.BREACH, value, low, f"rose by {value - low:.3g} within {minutes:g} minutes"
            )
        if self.fall is not None and high - value > self.fall:
            return Verdict(
                Finding.BREACH, value, high, f"fell by {high - value:.3g} within {minutes:g} minutes"
            )
        return Verdict(Finding.CLEAR, value, reason="no fast change")
