"""A meter that answers in pulses: the flow now, and the volume so far.

The flow is pulses over the time from edge to edge, so a meter that pulses once a minute is as exact as one that
pulses five hundred times a second, however often it is asked. While no new pulse comes, the flow cannot be more
than one pulse in the time waited; once that lies below what the meter can show, it is 0. So a meter of ten litres a
pulse does not flicker between none and plenty, and a turbine of 450 pulses a litre reads 0 at once.

**Invariants**
* The volume never goes back and counts every pulse once, also when the counter begins again.
* No flow is said without an interval that bears it: after a start and after a gap it is MISSING (`not_recorded`)
  until two edges, or their absence, have shown it; the first pulse after a standstill ends the standstill and
  says no more.
* Wall time plays no part: a clock that is set moves no flow.
* More than the meter can pass, or edges closer than it can make them, is noise on the wire: FAIL, with the number
  kept; the volume is in doubt.
"""

from datetime import datetime

from edge.probes.inputs import PulseInput, Pulses
from firmware_config.datasheet import Datasheet
from firmware_config.parts import CalibrationCertificate
from waterquality.flags import NOT_SCREENED, Flag, Screened, Why
from waterquality.parameters import LITRES_PER_M3, SECONDS_PER_MINUTE, Parameter
from waterquality.readings import Reading

_NO_INTERVAL = Screened(Flag.MISSING, Why.NOT_RECORDED)
_CROWDED_SHARE = 0.05  # of the pulses of a reading; one spark in a hundred litres is no sick wire


class FlowProbe:
    """One meter on one pin.

    Args:
        source: its pulses.
        sheet: its model.
        pulses_per_litre: of this unit.
        longest_gap_s: seconds between two measurements beyond which nothing is said of the flow between them.
        volume_m3: where the volume goes on from, in m3; the last one recorded before a restart.
    """

    def __init__(
        self,
        source: PulseInput,
        *,
        sheet: Datasheet,
        pulses_per_litre: float,
        longest_gap_s: float,
        volume_m3: float = 0.0,
    ) -> None:
        self._source = source
        self._pulses_per_litre = self._newest_factor = pulses_per_litre
        self._least_l_per_min, self._most_l_per_min = sheet.detection_limit, sheet.possible[1]
        self._longest_gap_s = longest_gap_s
        self._certificate = ""
        self._start_m3 = volume_m3
        self._total = 0
        self._before: Pulses | None = None
        self._flow: float | None = None
        self._edge_s: float | None = None  # where the interval under way began; None: at no edge that we know
        self._quiet_since_s = 0.0  # the newest edge; before the first one, when we began to listen

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The flow and the volume."""
        return (Parameter.FLOW, Parameter.VOLUME)

    def calibrate(self, certificate: CalibrationCertificate) -> None:
        """Count by this certificate from the next reading on; the volume goes on from where it is."""
        self._newest_factor, self._certificate = certificate.pulses_per_litre, certificate.id

    def measure(self, now: datetime) -> tuple[Reading, ...]:  # noqa: ARG002 - edges are timed by a clock that never jumps
        """Take the flow in L/min and the volume in m3.

        Args:
            now: of no concern here.

        Raises:
            ProbeDisconnected: the pin cannot be read; mended by the operator.
        """
        self._follow_calibration()
        before, pulses = self._before, self._source.read()
        new, crowded = _since(before, pulses)
        self._total += new
        self._before = pulses
        if before is None or not 0 < pulses.read_s - before.read_s <= self._longest_gap_s:
            self._begin(pulses)
        elif new:
            self._moved(new, before, pulses)
        else:
            self._waited(pulses.read_s - self._quiet_since_s)
        doubt = self._noise(new, crowded)
        return self._flow_reading(new, doubt), self._volume_reading(doubt)

    def _follow_calibration(self) -> None:
        newest = self._newest_factor
        if newest != self._pulses_per_litre:
            self._start_m3 += self._total / self._pulses_per_litre / LITRES_PER_M3
            self._total, self._pulses_per_litre = 0, newest

    def _begin(self, pulses: Pulses) -> None:
        """Nothing is known of the flow yet; an edge that came before may begin an interval all the same."""
        self._flow, self._edge_s = None, pulses.last_edge_s
        self._quiet_since_s = pulses.read_s

    def _moved(self, new: int, before: Pulses, pulses: Pulses) -> None:
        assert pulses.last_edge_s is not None  # there was a pulse
        intervals, since_s = new, self._edge_s
        if since_s is None:  # it stood still; how long before the first of these pulses, nobody knows
            intervals, since_s = new - 1, before.read_s
        if intervals and pulses.last_edge_s > since_s:
            self._flow = self._l_per_min(intervals, pulses.last_edge_s - since_s)
        self._edge_s = self._quiet_since_s = pulses.last_edge_s

    def _waited(self, quiet_s: float) -> None:
        most = self._l_per_min(1, quiet_s)
        if most < self._least_l_per_min:
            self._flow, self._edge_s = 0.0, None
        elif self._flow is not None:
            self._flow = min(self._flow, most)

    def _l_per_min(self, pulses: int, seconds: float) -> float:
        return pulses / self._pulses_per_litre / seconds * SECONDS_PER_MINUTE

    def _noise(self, new: int, crowded: int) -> Why:
        if self._flow is not None and self._flow > self._most_l_per_min:
            return Why.OUT_OF_RANGE
        return Why.PROBE_NOISY if crowded > _CROWDED_SHARE * new else Why.NONE

    def _flow_reading(self, new: int, doubt: Why) -> Reading:
        if self._flow is None:
            return Reading(Parameter.FLOW, None, screened=_NO_INTERVAL, certificate=self._certificate)
        screened = Screened(Flag.FAIL, doubt) if doubt else NOT_SCREENED
        return Reading(
            Parameter.FLOW,
            self._flow,
            raw=new,
            raw_unit="count",
            screened=screened,
            certificate=self._certificate,
        )

    def _volume_reading(self, doubt: Why) -> Reading:
        volume_m3 = self._start_m3 + self._total / self._pulses_per_litre / LITRES_PER_M3
        screened = Screened(Flag.SUSPECT, doubt) if doubt else NOT_SCREENED
        return Reading(Parameter.VOLUME, volume_m3, raw=self._total, raw_unit="count", screened=screened)


def _since(before: Pulses | None, pulses: Pulses) -> tuple[int, int]:
    """Pulses since the measurement before, and how many of them were crowded.

    A counter that went back began again at 0.
    """
    if before is None or pulses.count < before.count:
        return pulses.count, pulses.crowded
    return pulses.count - before.count, pulses.crowded - before.crowded


def fastest_hz(sheet: Datasheet, pulses_per_litre: float) -> float:
    """The most pulses a second that a unit can make: at the highest flow that its model may read.

    Args:
        sheet: the model.
        pulses_per_litre: of the unit.
    """
    return sheet.possible[1] * pulses_per_litre / SECONDS_PER_MINUTE
