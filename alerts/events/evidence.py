"""What of an observation is evidence about the water, and a detector for a water point's own parameters.

A failed, missing or unscreened reading is none, and neither is one taken while the probe was being served, had
not settled, was stuck or noisy, or stood in water that had not flowed or was just flushing the pipe.
"""

from collections.abc import Iterable

from alerts.events.detector import Detector
from alerts.events.event import Judged
from alerts.events.tuning import DEFAULT, Tuning
from waterquality.flags import Why
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading

_FLOWS = frozenset({Parameter.FLOW})
_CONDITIONS = frozenset({Parameter.TEMPERATURE})
_NOT_THE_WATER = frozenset({Parameter.VOLUME})  # a meter only counts up
_NOT_EVIDENCE = frozenset(
    {
        Why.PROBE_DISCONNECTED,
        Why.PROBE_SATURATED,
        Why.PROBE_STUCK,
        Why.PROBE_NOISY,
        Why.PROBE_NOT_SETTLED,
        Why.PROBE_SERVICED,
        Why.PROBE_UNCALIBRATED,
        Why.OUT_OF_CURVE,
        Why.STAGNANT_SAMPLE,
        Why.FIRST_FLUSH,
        Why.FLAT_LINE,
        Why.ATTENUATED_SIGNAL,
        Why.PROBES_DISTURBED,
    }
)


def detector_for(parameters: Iterable[str], tuning: Tuning = DEFAULT) -> Detector:
    """A detector for a water point that measures these, each in the part it plays."""
    measured = sorted(parameters)
    return Detector(
        [name for name in measured if name not in _FLOWS | _CONDITIONS | _NOT_THE_WATER],
        flows=[name for name in measured if name in _FLOWS],
        conditions=[name for name in measured if name in _CONDITIONS],
        tuning=tuning,
    )


def judge(detector: Detector, observation: Observation) -> Judged:
    """Judge a screened observation; one call for each, in the order in which they were taken.

    After service the level of a probe begins anew: that it reads otherwise once it is clean is no event.
    """
    readings = observation.readings.values()
    return detector.observe(
        observation.taken_ms,
        {reading.parameter: evidence(reading) for reading in readings},
        renewed=[reading.parameter for reading in readings if reading.screened.why is Why.PROBE_SERVICED],
    )


def evidence(reading: Reading) -> float | None:
    """The value, in the parameter's unit, where it says something about the water."""
    is_evidence = reading.flag.is_usable and reading.screened.why not in _NOT_EVIDENCE
    return reading.value if is_evidence else None
