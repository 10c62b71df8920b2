"""The phases of a measurement: rest → warm-up → settle → measure → rest. Pure; time is an argument.

The phase is no state of ours that could go wrong: it follows from how long the probe has had power, which whoever
gives the power knows. Invariant: outside `MEASURE` no value may be taken from the probe.

| from | to | when |
|---|---|---|
| rest | warm-up | power comes on, so long before an observation is due that the probe will have settled |
| warm-up | settle | it has had power for `warm_up_s` |
| settle | measure | and for `settling_s` more |
| measure | rest | the observation is taken, and the next one is farther away than that |
| any | rest | power goes |
"""

from dataclasses import dataclass
from enum import StrEnum

from firmware_config.wiring import SLACK_S


class Phase(StrEnum):
    """How far a probe is on the way to its measurement."""

    REST = "rest"
    WARM_UP = "warm_up"
    SETTLE = "settle"
    MEASURE = "measure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long a probe takes from power to its first value, in seconds.

    Attributes:
        warm_up_s: until it answers as it should.
        settling_s: and from then until its answer is the water's.
    """

    warm_up_s: float
    settling_s: float

    @property
    def lead_s(self) -> float:
        """How long before an observation it must have power."""
        return self.warm_up_s + self.settling_s

    def phase_after(self, powered_s: float | None) -> Phase:
        """The phase of a probe.

        Args:
            powered_s: for how many seconds it has had power; None while it has none.
        """
        if powered_s is None:
            return Phase.REST
        if powered_s < self.warm_up_s:
            return Phase.WARM_UP
        return Phase.SETTLE if powered_s < self.lead_s else Phase.MEASURE

    def needs_power(self, until_due_s: float | None) -> bool:
        """Whether power must be on now.

        Args:
            until_due_s: seconds until the next observation is due; None when there will be none.
        """
        return until_due_s is not None and until_due_s <= self.lead_s + SLACK_S
