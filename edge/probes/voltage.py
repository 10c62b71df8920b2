"""A probe that answers in volts: turbidity and pH alike. All that tells them apart is in the datasheet.

A reading is the median of n samples, converted by the certificate's curve; its raw is that median in volts at
the probe, so that history can be calculated anew from a better certificate. Invariants: volts from which no
value follows give no value: an unplugged lead, a warming probe and one without certificate are MISSING, one
beyond its range is FAIL, and nothing is ever clamped to the end of a range. A value that the device itself
doubts keeps its number and says why; all others leave the judgement to the server.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import reduce
from statistics import median, quantiles

from edge.calibration import Curve, curve_of
from edge.probes.inputs import VoltageInput
from edge.probes.phases import Phase, Timing
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
    """

    def __init__(
        self,
        source: VoltageInput,
        *,
        sheet: Datasheet,
        signal: VoltageSignal,
        certificate: CalibrationCertificate | None,
        samples: int,
    ) -> None:
        self._source = source
        self._sheet = sheet
        self._signal = signal
        self._newest = certificate
        self._certificate = certificate
        self._curve = curve_of(certificate, signal) if certificate else None
        self._samples = samples
        self._timing = Timing(warm_up_s=sheet.warm_up_s, settling_s=sheet.settling_s)
        self._live_since: datetime | None = None

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
        """
        self._follow_calibration()
        volts = [self._source.read_volts() for _ in range(self._samples)]
        why = self._why_no_value(median(volts), now)
        if self._curve is None or why:
            flag = Flag.FAIL if why in (Why.PROBE_SATURATED, Why.OUT_OF_CURVE) else Flag.MISSING
            return (self._reading(None, volts, Screened(flag, why)),)
        return (self._valued(volts, self._curve, now),)

    def _follow_calibration(self) -> None:
        """Between two readings and on their own thread, so that no reading is half by one certificate."""
        newest = self._newest
        if newest is not None and newest is not self._certificate:
            self._certificate, self._curve = newest, curve_of(newest, self._signal)

    def _why_no_value(self, volts: float, now: datetime) -> Why:
        why = self._signal.why_unusable(volts)
        if why is Why.PROBE_DISCONNECTED:
            self._live_since = None
            return why
        if self._phase(now) is not Phase.MEASURE:
            return Why.PROBE_NOT_SETTLED
        return why or (Why.NONE if self._curve else Why.PROBE_UNCALIBRATED)

    def _phase(self, now: datetime) -> Phase:
        if self._live_since is None or now < self._live_since:
            self._live_since = now
        return self._timing.phase_after((now - self._live_since).total_seconds())

    def _valued(self, volts: Sequence[float], curve: Curve, now: datetime) -> Reading:
        value, spread = curve.convert(median(volts)), self._spread(volts, curve)
        doubts = self._doubts(value, spread, now)
        return self._reading(value, volts, reduce(worst, doubts, NOT_SCREENED), spread)

    def _spread(self, volts: Sequence[float], curve: Curve) -> float | None:
        """How far the middle half of the samples lay apart, in the parameter's unit; None off the curve."""
        if len(volts) == 1:
            return 0.0
        low, _, high = quantiles(volts, n=4, method="inclusive")
        if self._signal.why_unusable(low) or self._signal.why_unusable(high):
            return None
        return abs(curve.convert(high) - curve.convert(low))

    def _doubts(self, value: float, spread: float | None, now: datetime) -> Iterator[Screened]:
        low, high = self._sheet.possible
        if not low <= value <= high:
            yield Screened(Flag.FAIL, Why.OUT_OF_RANGE)
        if self._certificate and now.date() > self._certificate.expires_on:
            yield Screened(Flag.SUSPECT, Why.PROBE_UNCALIBRATED)
        if spread is None:
            yield Screened(Flag.SUSPECT, Why.PROBE_NOISY)

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
