"""Screening: deciding the flag of a reading. Pure functions with the names QARTOD gives them.

Source: IOOS Manual for Real-Time Quality Control, test 4 (gross range). A test returns its judgement and the
reason; `screen` lets the worst one win, the device's own judgement among them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from waterquality.flags import Flag, Screened, Why, worst
from waterquality.parameters import SPECS, Parameter
from waterquality.readings import Observation, Reading

# The finest thing that is judged is a confirm delay of minutes; what may be off by more than one is no evidence.
MAX_CLOCK_UNCERTAINTY_S = 60.0
_OF_UNCERTAIN_TIME = Screened(Flag.UNKNOWN, Why.CLOCK_UNCERTAIN)


@dataclass(frozen=True, slots=True)
class Spans:
    """Gross range spans, in the parameter's unit; both ends belong to the span.

    Attributes:
        possible: what the probe can show; outside is FAIL.
        usual: what the water is expected to be; outside is SUSPECT.
    """

    possible: tuple[float, float]
    usual: tuple[float, float]


DEFAULT_SPANS: MappingProxyType[Parameter, Spans] = MappingProxyType(
    {parameter: Spans(spec.possible, spec.usual) for parameter, spec in SPECS.items()}
)


_GOOD = Screened(Flag.GOOD)
_MISSING = Screened(Flag.MISSING)
_IMPOSSIBLE = Screened(Flag.FAIL, Why.OUT_OF_RANGE)
_UNUSUAL = Screened(Flag.SUSPECT, Why.UNUSUAL_VALUE)


def gross_range(value: float, spans: Spans) -> Screened:
    """Whether a value lies within what the probe can show and the water usually is."""
    if not spans.possible[0] <= value <= spans.possible[1]:
        return _IMPOSSIBLE
    if not spans.usual[0] <= value <= spans.usual[1]:
        return _UNUSUAL
    return _GOOD


def screen_reading(reading: Reading, spans: Spans) -> Reading:
    """The reading with its explicit flag: the worst of the device's and ours.

    A reading that came without a flag was never judged by the device, so ours alone counts.
    """
    theirs = reading.screened
    if reading.value is None:
        return reading.judged(theirs if theirs.flag in (Flag.FAIL, Flag.MISSING) else _MISSING)
    ours = gross_range(reading.value, spans)
    was_judged = theirs.flag is not Flag.UNKNOWN or theirs.why is not Why.NONE
    return reading.judged(worst(theirs, ours) if was_judged else ours)


def is_time_uncertain(observation: Observation) -> bool:
    """Whether nobody can say when it was taken, well enough to judge the water of that moment."""
    return observation.clock_uncertainty_s > MAX_CLOCK_UNCERTAINTY_S


def screen(observation: Observation, spans: Mapping[Parameter, Spans]) -> Observation:
    """The observation with every reading screened.

    A reading of uncertain time says nothing of the water at any time: what could be used becomes UNKNOWN.

    Args:
        observation: as the device sent it.
        spans: gross range spans by parameter; the defaults serve where one is not named.
    """
    screened = {
        parameter: screen_reading(reading, spans.get(parameter) or DEFAULT_SPANS[parameter])
        for parameter, reading in observation.readings.items()
    }
    if is_time_uncertain(observation):
        screened = {parameter: _doubted(reading) for parameter, reading in screened.items()}
    return observation.screened(screened)


def _doubted(reading: Reading) -> Reading:
    return reading.judged(_OF_UNCERTAIN_TIME) if reading.flag.is_usable else reading
