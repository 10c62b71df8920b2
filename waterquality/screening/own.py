"""A reading by itself: gross range, the device's own doubts, and a time that nobody knows.

Also the way back: what the device had sent, from a reading that was screened. That is needed when a stored
reading is judged anew among its neighbours. Reasons that only the server gives tell its judgements from the
device's.
"""

from waterquality.flags import NOT_SCREENED, Flag, Screened, Why, worst
from waterquality.readings import Observation, Reading
from waterquality.screening.gross_range import Spans, gross_range

# The finest thing that is judged is a confirm delay of minutes; what may be off by more than one is no evidence.
MAX_CLOCK_UNCERTAINTY_S = 60.0
_MISSING = Screened(Flag.MISSING)
_OF_UNCERTAIN_TIME = Screened(Flag.UNKNOWN, Why.CLOCK_UNCERTAIN)
_OURS = frozenset(
    {
        Why.NONE,
        Why.UNUSUAL_VALUE,
        Why.SPIKE,
        Why.CHANGED_TOO_FAST,
        Why.FLAT_LINE,
        Why.ATTENUATED_SIGNAL,
        Why.AFTER_GAP,
        Why.UNUSUAL_FOR_THE_MONTH,
        Why.PROBES_DISTURBED,
        Why.CLOCK_UNCERTAIN,
    }
)


def screen_reading(reading: Reading, spans: Spans) -> Reading:
    """The reading with its explicit flag: the worst of the device's and that of its range.

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


def judged_alone(reading: Reading, spans: Spans, *, is_time_uncertain: bool) -> Reading:
    """A reading that no neighbour is asked about.

    A reading of uncertain time says nothing of the water at any time: what could be used becomes UNKNOWN.
    """
    judged = screen_reading(reading, spans)
    return judged.judged(_OF_UNCERTAIN_TIME) if is_time_uncertain and judged.flag.is_usable else judged


def as_sent(observation: Observation) -> Observation:
    """A screened observation as the device had sent it.

    A FAIL by gross range stays: it says the same whoever gave it, and is found again with the value.
    """
    return observation.screened(
        {parameter: _sent(reading) for parameter, reading in observation.readings.items()}
    )


def _sent(reading: Reading) -> Reading:
    if reading.value is None or reading.screened.why not in _OURS:
        return reading
    return reading.judged(NOT_SCREENED)
