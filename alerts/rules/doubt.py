"""What the flag of a reading lets a rule make of it: water, other water, or the probe."""

from waterquality.flags import Flag, Why
from waterquality.readings import Reading

# Doubts about the probe itself: they call the technician, not the CSO.
SICK_PROBE = frozenset(
    {
        Why.PROBE_STUCK,
        Why.PROBE_NOISY,
        Why.PROBE_NOT_SETTLED,
        Why.PROBE_SERVICED,
        Why.FLAT_LINE,
        Why.ATTENUATED_SIGNAL,
        Why.PROBES_DISTURBED,
        Why.TEMPERATURE_OUT_OF_RANGE,
    }
)
# True readings of water that is not the network's: what stands in the pipe, and what the pipe has let go.
OTHER_WATER = frozenset({Why.STAGNANT_SAMPLE, Why.FIRST_FLUSH})
# Beyond what the probe can show: the water may be anything.
BLIND = frozenset({Why.PROBE_SATURATED, Why.OUT_OF_CURVE})

_ACCUSES_NOTHING = SICK_PROBE | OTHER_WATER


def may_accuse(reading: Reading) -> bool:
    """Whether a value beyond the limit counts as a breach."""
    return reading.flag.is_usable and reading.screened.why not in _ACCUSES_NOTHING


def may_clear(reading: Reading) -> bool:
    """Whether a value within the limit counts as clear: what is doubted never does."""
    return reading.flag is Flag.GOOD


def doubt(reading: Reading) -> str:
    """What is wrong with it, in a word."""
    return reading.screened.why or reading.flag.name.lower()
