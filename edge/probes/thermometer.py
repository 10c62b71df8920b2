"""A digital thermometer, and the temperature of the water for the probes that need it.

85.0 degrees is what a DS18B20 shows from power-on to its first conversion. It is believed when the last other
temperature was near it; it is no measurement when all that was sent is as after power-on; else it is suspect,
however often it comes: a copy of the chip that loses its power at every measurement shows nothing else.

One tick asks the thermometer once, whoever asks first: the sampler for its reading, or a probe that compensates.
"""

from datetime import datetime, timedelta

from edge.compensation import WaterTemperature, known
from edge.probes.inputs import NotMeasured, Thermometer
from edge.probes.instrument import Shown
from edge.probes.measuring import measured
from edge.probes.port import Probe, Rests
from edge.schedule import Schedule
from waterquality.flags import Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.readings import Reading

# Water in a pipe does not jump: one failed reading costs nothing.
_TRUSTED_FOR = timedelta(minutes=10)
_NEAR_C = 5.0
_UNUSUAL = Screened(Flag.SUSPECT, Why.UNUSUAL_VALUE)


class ThermometerInstrument:
    """An `Instrument` that knows what its thermometer shows before it has measured.

    Args:
        source: the thermometer.
        power_on_celsius: what it shows then.
    """

    def __init__(self, source: Thermometer, *, power_on_celsius: float) -> None:
        self._source, self._power_on_c = source, power_on_celsius
        self._last: float | None = None

    def show(self, now: datetime) -> Shown:  # noqa: ARG002 - it is as warm as it is
        """The temperature now, in degrees Celsius.

        Raises:
            ProbeDisconnected: nothing answers; mended by the operator.
            AnswerGarbled: the checksum does not fit; mended by the operator.
            NotMeasured: it has not measured since its power came on; mended by time.
        """
        warmth, before = self._source.read(), self._last
        is_alone = before is None or abs(before - self._power_on_c) > _NEAR_C
        if warmth.celsius != self._power_on_c or not is_alone:
            self._last = warmth.celsius
            return Shown(warmth.celsius)
        if warmth.is_as_powered_on:
            raise NotMeasured(f"{warmth.celsius:g} degrees is what it shows before its first measurement")
        return Shown(warmth.celsius, (_UNUSUAL,))


class WaterThermometer:
    """A `Probe` of temperature whose reading others use.

    Args:
        probe: what measures.
        within: how far it may be off, in degrees, by its datasheet.
    """

    def __init__(self, probe: Probe, *, within: float) -> None:
        self._probe, self._within = probe, within
        self._asked_at: datetime | None = None
        self._readings: tuple[Reading, ...] = ()
        self._known: tuple[datetime, float] | None = None

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What the probe measures."""
        return self._probe.parameters

    def measure(self, now: datetime) -> tuple[Reading, ...]:
        """The reading of this instant; a second call of the same instant gives it again.

        Args:
            now: wall time, aware.
        """
        if now != self._asked_at:
            self._asked_at, self._readings = now, measured(self._probe, now)
            self._remember(now)
        return self._readings

    def follow(self, observations: Schedule) -> None:
        """Have power for another schedule from now on, where it rests at all.

        Args:
            observations: when observations are due.
        """
        if isinstance(self._probe, Rests):
            self._probe.follow(observations)

    def temperature(self, now: datetime) -> WaterTemperature | None:
        """How warm the water is; None where nothing sound was measured for ten minutes.

        Args:
            now: wall time, aware.
        """
        self.measure(now)
        if self._known is None or abs(now - self._known[0]) > _TRUSTED_FOR:
            return None
        return known(self._known[1], self._within)

    def _remember(self, now: datetime) -> None:
        for reading in self._readings:
            if reading.value is not None and reading.flag < Flag.SUSPECT:
                self._known = now, reading.value
