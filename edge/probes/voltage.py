"""A probe that answers in volts: turbidity and pH alike. All that tells them apart is in the datasheet.

A reading is the median of n samples, converted by the certificate's curve at the temperature of the water; its raw
is that median in volts at the probe, so that history can be calculated anew from a better certificate. Invariants:
volts from which no value follows give no value: an unplugged lead, a warming probe and one without certificate are
MISSING, one beyond its range is FAIL, and nothing is ever clamped to the end of a range. A value that the device
itself doubts keeps its number and says why; all others leave the judgement to the server.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import reduce
from math import inf
from statistics import median, quantiles

from edge.calibration import OutOfCurve, curve_of
from edge.compensation import REFERENCE_C, CompensatedCurve, WaterTemperature, unknown
from edge.probes.inputs import VoltageInput
from edge.probes.phases import Timing
from edge.probes.warm_up import WarmUp
from firmware_config.datasheet import Datasheet, VoltageSignal
from firmware_config.parts import CalibrationCertificate
from waterquality.flags import NOT_SCREENED, Flag, Screened, Why, worst
from waterquality.parameters import Parameter
from waterquality.readings import Reading


class VoltageProbe:
    """One probe on one channel.

    Args:
        source: volts at the probe, behind no divider.
        sheet: its model.
        signal: the sheet's signal.
        certificate: the calibration in force; None until there is one.
        samples: how many samples a reading is the median of, at least 1.
        water: temperature of the water at an instant; None where it is not known.
        longest_gap_s: seconds between two readings; more, while it warms up, is a clock that was set.
    """

    def __init__(
        self,
        source: VoltageInput,
        *,
        sheet: Datasheet,
        signal: VoltageSignal,
        certificate: CalibrationCertificate | None,
        samples: int,
        water: Callable[[datetime], WaterTemperature | None] = lambda _: None,
        longest_gap_s: float = inf,
    ) -> None:
        self._source = source
        self._sheet = sheet
        self._signal = signal
        self._newest = certificate
        self._certificate = certificate
        self._curve = _compensated(certificate, signal) if certificate else None
        self._samples, self._water = samples, water
        timing = Timing(warm_up_s=sheet.warm_up_s, settling_s=sheet.settling_s)
        self._warm_up = WarmUp(timing, longest_gap_s=longest_gap_s)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The one thing it measures."""
        return (self._sheet.parameter,)

    def calibrate(self, certificate: CalibrationCertificate) -> None:
        """Convert by this certificate from the next reading on."""
        self._newest = certificate

    def measure(self, now: datetime) -> tuple[Reading, ...]:
        """Take one reading.

        Args:
            now: wall time, aware; warm-up and settling are counted from the first live reading.

        Raises:
            ProbeDisconnected: the converter does not answer; mended by the operator.
            ProbeFault: it answers, but not as it must; mended by the operator.
        """
        self._follow_calibration()
        volts = [self._source.read_volts() for _ in range(self._samples)]
        water = self._temperature(now)
        why = self._why_no_value(median(volts), water, now)
        if self._curve is None or why:
            flag = Flag.FAIL if why in (Why.PROBE_SATURATED, Why.OUT_OF_CURVE) else Flag.MISSING
            return (self._reading(None, volts, Screened(flag, why)),)
        return (self._valued(volts, self._curve, water, now),)

    def _follow_calibration(self) -> None:
        """Between two readings and on their own thread, so that no reading is half by one certificate."""
        newest = self._newest
        if newest is not None and newest is not self._certificate:
            self._certificate, self._curve = newest, _compensated(newest, self._signal)

    def _temperature(self, now: datetime) -> WaterTemperature:
        made_at_c = self._curve.made_at_c if self._curve else REFERENCE_C
        is_needed = self._curve is not None and self._curve.effect is not None
        return (self._water(now) if is_needed else None) or unknown(made_at_c)

    def _why_no_value(self, volts: float, water: WaterTemperature, now: datetime) -> Why:
        why = self._signal.why_unusable(volts)
        if why is Why.PROBE_DISCONNECTED:
            self._warm_up.lost()
            return why
        if not self._warm_up.is_over(now):
            return Why.PROBE_NOT_SETTLED
        if self._curve is None:
            return why or Why.PROBE_UNCALIBRATED
        return self._signal.why_off_curve(self._curve.at_calibration(volts, water.celsius))

    def _valued(
        self, volts: Sequence[float], curve: CompensatedCurve, water: WaterTemperature, now: datetime
    ) -> Reading:
        value = curve.convert(median(volts), water.celsius)
        spread = _spread(volts, curve, water.celsius)
        error = curve.worst_error(median(volts), water)
        doubts = self._doubts(value, now, spread=spread, error=error)
        return self._reading(value, volts, reduce(worst, doubts, NOT_SCREENED), spread)

    def _doubts(
        self, value: float, now: datetime, *, spread: float | None, error: float
    ) -> Iterator[Screened]:
        low, high = self._sheet.possible
        if not low <= value <= high:
            yield Screened(Flag.FAIL, Why.OUT_OF_RANGE)
        if self._certificate and now.date() > self._certificate.expires_on:
            yield Screened(Flag.SUSPECT, Why.PROBE_UNCALIBRATED)
        if spread is None:
            yield Screened(Flag.SUSPECT, Why.PROBE_NOISY)
        if error > self._sheet.capability.uncertainty_at(value):
            yield Screened(Flag.SUSPECT, Why.TEMPERATURE_UNKNOWN)

    def _reading(
        self, value: float | None, volts: Sequence[float], screened: Screened, spread: float | None = None
    ) -> Reading:
        return Reading(
            self._sheet.parameter,
            value,
            raw=median(volts),
            screened=screened,
            certificate=self._certificate.id if self._certificate else "",
            spread=spread,
        )


def _compensated(certificate: CalibrationCertificate, signal: VoltageSignal) -> CompensatedCurve:
    made_at_c = REFERENCE_C if certificate.temperature_c is None else certificate.temperature_c
    return CompensatedCurve(curve_of(certificate, signal), signal.temperature, made_at_c)


def _spread(volts: Sequence[float], curve: CompensatedCurve, water_c: float) -> float | None:
    """How far the middle half of the samples lay apart, in the parameter's unit; None off the curve."""
    if len(volts) == 1:
        return 0.0
    low, _, high = quantiles(volts, n=4, method="inclusive")
    try:
        return abs(curve.convert(high, water_c) - curve.convert(low, water_c))
    except OutOfCurve:
        return None
