"""A meter that answers in pulses: the flow now, and the volume so far.

The flow is the mean since the last pulse was seen. While no new pulse comes, it cannot be more than one pulse
in the time waited; once that lies below what the meter can show, it is 0. So a meter of ten litres a pulse
does not flicker between none and plenty, and a turbine of 450 pulses a litre reads 0 at once.

Invariants: volume never goes back, also when the counter does; the first measurement after a start, and one
after a gap, has no interval to speak of, so its flow is MISSING (`not_recorded`) while its volume stands.
More than the meter can pass is noise on the wire: FAIL, with the number kept.
"""

from datetime import datetime, timedelta

from edge.probes.inputs import PulseInput
from firmware_config.datasheet import Datasheet
from waterquality.flags import NOT_SCREENED, Flag, Screened, Why
from waterquality.parameters import LITRES_PER_M3, Parameter
from waterquality.readings import Reading

_MINUTE = timedelta(minutes=1)
_NO_INTERVAL = Screened(Flag.MISSING, Why.NOT_RECORDED)
_NOISE = Screened(Flag.FAIL, Why.OUT_OF_RANGE)
_COUNTED_NOISE = Screened(Flag.SUSPECT, Why.OUT_OF_RANGE)


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
        self._sheet = sheet
        self._pulses_per_litre = pulses_per_litre
        self._longest_gap = timedelta(seconds=longest_gap_s)
        self._start_m3 = volume_m3
        self._total = 0
        self._last_count = 0
        self._last_flow: float | None = None
        self._measured_at: datetime | None = None
        self._pulse_seen_at: datetime | None = None

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The flow and the volume."""
        return (Parameter.FLOW, Parameter.VOLUME)

    def measure(self, now: datetime) -> tuple[Reading, ...]:
        """Take the flow in L/min and the volume in m3.

        Args:
            now: wall time, aware.

        Raises:
            ProbeDisconnected: the pin cannot be read; mended by the operator.
        """
        pulses = self._new_pulses(self._source.count())
        self._last_flow = self._flow(pulses, now)
        self._measured_at = now
        return self._flow_reading(pulses), self._volume_reading()

    def _new_pulses(self, count: int) -> int:
        """Pulses since the last measurement; a counter that went back began again at 0."""
        pulses = count - self._last_count if count >= self._last_count else count
        self._last_count = count
        self._total += pulses
        return pulses

    def _flow(self, pulses: int, now: datetime) -> float | None:
        before, since = self._measured_at, self._pulse_seen_at
        if before is None or since is None or not before < now <= before + self._longest_gap:
            self._pulse_seen_at = now
            return None
        flow = max(pulses, 1) / self._pulses_per_litre / ((now - since) / _MINUTE)
        if pulses:
            self._pulse_seen_at = now
            return flow
        if flow < self._sheet.detection_limit:
            self._pulse_seen_at = now
            return 0.0
        return flow if self._last_flow is None else min(flow, self._last_flow)

    def _flow_reading(self, pulses: int) -> Reading:
        if self._last_flow is None:
            return Reading(Parameter.FLOW, None, screened=_NO_INTERVAL)
        screened = _NOISE if self._is_noise() else NOT_SCREENED
        return Reading(Parameter.FLOW, self._last_flow, raw=pulses, raw_unit="count", screened=screened)

    def _volume_reading(self) -> Reading:
        volume_m3 = self._start_m3 + self._total / self._pulses_per_litre / LITRES_PER_M3
        screened = _COUNTED_NOISE if self._is_noise() else NOT_SCREENED
        return Reading(Parameter.VOLUME, volume_m3, raw=self._total, raw_unit="count", screened=screened)

    def _is_noise(self) -> bool:
        return self._last_flow is not None and self._last_flow > self._sheet.possible[1]
