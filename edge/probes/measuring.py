"""One probe's failure is that probe's alone: whatever it raises becomes MISSING readings with the reason."""

from datetime import datetime
from types import MappingProxyType

from edge.calibration import OutOfCurve
from edge.probes.inputs import AnswerGarbled, NotMeasured, ProbeDisconnected, ProbeFault
from edge.probes.port import Probe
from edge.probes.powered import ProbeNotSettled
from waterquality.errors import ProbeError
from waterquality.flags import Flag, Screened, Why
from waterquality.readings import Reading

_WHY: MappingProxyType[type[ProbeError], Why] = MappingProxyType(
    {
        ProbeDisconnected: Why.PROBE_DISCONNECTED,
        ProbeNotSettled: Why.PROBE_NOT_SETTLED,
        AnswerGarbled: Why.PROBE_FAULT,
        ProbeFault: Why.PROBE_FAULT,
        NotMeasured: Why.PROBE_NOT_SETTLED,
        OutOfCurve: Why.OUT_OF_CURVE,
    }
)


def measured(probe: Probe, now: datetime) -> tuple[Reading, ...]:
    """One reading of each of the probe's parameters, come what may of the probe; none while it rests.

    Args:
        probe: to measure with.
        now: wall time, aware.
    """
    try:
        return probe.measure(now)
    except ProbeError as error:
        missing = Screened(Flag.MISSING, why_of(error))
        return tuple(Reading(parameter, None, screened=missing) for parameter in probe.parameters)


def why_of(error: ProbeError) -> Why:
    """The reason that an error travels as."""
    return next((why for kind, why in _WHY.items() if isinstance(error, kind)), Why.NOT_RECORDED)
