"""A probe must give usable readings: a sick one calls the technician, and nobody else."""

from dataclasses import dataclass
from enum import StrEnum

from alerts.rules.doubt import doubt
from alerts.rules.one_step import OneStep
from alerts.rules.place import Place
from alerts.rules.verdict import PROBE_AUDIENCE, Delays, Finding, Role, Verdict
from waterquality.flags import Flag, Why
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading


class Fault(StrEnum):
    """What ails a probe, as a text can say it."""

    UNPLUGGED = "unplugged"
    STUCK = "stuck"
    NOISY = "noisy"
    BEYOND = "beyond"
    FAILING = "failing"


_FAULTS = {
    Why.PROBE_DISCONNECTED: Fault.UNPLUGGED,
    Why.PROBE_STUCK: Fault.STUCK,
    Why.FLAT_LINE: Fault.STUCK,
    Why.ATTENUATED_SIGNAL: Fault.STUCK,
    Why.PROBE_NOISY: Fault.NOISY,
    Why.PROBE_SATURATED: Fault.BEYOND,
    Why.OUT_OF_CURVE: Fault.BEYOND,
    Why.OUT_OF_RANGE: Fault.BEYOND,
}
# Neither sick nor well: it will pass, it is about another probe, or about the water.
_SAYS_NOTHING = frozenset(
    {
        Why.PROBE_NOT_SETTLED,
        Why.PROBES_DISTURBED,
        Why.STAGNANT_SAMPLE,
        Why.FIRST_FLUSH,
        Why.NOT_RECORDED,
        Why.CLOCK_UNCERTAIN,
        Why.TEMPERATURE_UNKNOWN,
        Why.AFTER_GAP,
    }
)
# Suspect readings of these are the probe's; of all others, the water's.
_SICK = frozenset({Why.PROBE_STUCK, Why.FLAT_LINE, Why.ATTENUATED_SIGNAL, Why.PROBE_NOISY, Why.PROBE_FAULT})


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorFaultRule(OneStep):
    """A probe must give usable readings.

    Attributes:
        id: stable name of the rule.
        of: the parameter whose probe it watches.
        delays: how long it must be sick, and how long well again.
        severity: how much it matters.
        audience: whom it concerns.
        scope: where it is in force.
    """

    of: Parameter
    delays: Delays
    audience: frozenset[Role] = PROBE_AUDIENCE

    @property
    def parameter(self) -> Parameter:
        """What its probe measures."""
        return self.of

    def placed(self, place: Place) -> "SensorFaultRule | str":
        """The rule; why not, where there is no such probe."""
        return self if any(place.capabilities_of(self.of)) else f"no probe for {self.of} stands there"

    def evaluate(self, observation: Observation) -> Verdict | None:
        """Judge an observation; None where it says nothing of the probe, and while somebody is at work on it."""
        reading = observation.readings.get(self.of)
        if reading is None or reading.screened.why is Why.PROBE_SERVICED or reading.flag is Flag.UNKNOWN:
            return None
        if is_sick(reading):
            return Verdict(Finding.BREACH, reading.value, reason=doubt(reading))
        if reading.flag is Flag.GOOD or reading.screened.why not in _SAYS_NOTHING | _SICK:
            return Verdict(Finding.CLEAR, reading.value, reason="usable")
        return None


def is_sick(reading: Reading) -> bool:
    """Whether a reading says that its probe is sick."""
    why = reading.screened.why
    if why in _SAYS_NOTHING:
        return False
    return not reading.flag.is_usable or why in _SICK


def fault_of(reason: str) -> Fault:
    """What ails the probe, by the reason of a verdict."""
    return next((fault for why, fault in _FAULTS.items() if why == reason), Fault.FAILING)
