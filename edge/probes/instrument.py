"""A probe that answers with a number in the unit of its parameter: an instrument with electronics of its own.

A certificate is the curve from what it showed in standards to what they were, and is applied like any other; that
of an instrument which keeps its calibration itself vouches for what it shows and changes nothing. Without one the
number stands as the maker calibrated it and is suspect, for nobody vouches for it. Invariants: what shows its very
end is saturated, gives no value and is never clamped; an instrument that was away warms up anew.
There is no raw: certificate and value give it back.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from math import inf
from typing import Protocol

from edge.calibration import Curve, curve_within
from edge.probes.phases import Timing
from edge.probes.warm_up import WarmUp
from firmware_config.datasheet import Datasheet
from firmware_config.parts import CalibrationCertificate, CurveKind
from firmware_config.signals import Side
from waterquality.errors import ProbeError
from waterquality.flags import NOT_SCREENED, Flag, Screened, Why, worst
from waterquality.parameters import Parameter
from waterquality.readings import Reading

_SATURATED = Screened(Flag.FAIL, Why.PROBE_SATURATED)
_COLD = Screened(Flag.MISSING, Why.PROBE_NOT_SETTLED)
_UNCALIBRATED = Screened(Flag.SUSPECT, Why.PROBE_UNCALIBRATED)


@dataclass(frozen=True, slots=True)
class Shown:
    """What an instrument shows.

    Attributes:
        value: in the parameter's unit.
        doubts: what it, or how it was asked, gives reason to doubt.
    """

    value: float
    doubts: tuple[Screened, ...] = ()


class Instrument(Protocol):
    """What answers with a number."""

    def show(self, now: datetime) -> Shown:
        """What it shows now.

        Args:
            now: wall time, aware.

        Raises:
            ProbeError: it shows nothing; mended by the operator.
        """
        ...


class InstrumentProbe:
    """One instrument.

    Args:
        instrument: what answers.
        sheet: its model.
        certificate: the calibration in force; None until there is one.
        needs_certificate: whether a number without one is suspect.
        saturates: at which end of its span the water is beyond it.
        longest_gap_s: seconds between two readings; more, while it warms up, is a clock that was set.
    """

    def __init__(
        self,
        instrument: Instrument,
        *,
        sheet: Datasheet,
        certificate: CalibrationCertificate | None = None,
        needs_certificate: bool = True,
        saturates: Side = Side.NEITHER,
        longest_gap_s: float = inf,
    ) -> None:
        self._instrument, self._sheet, self._saturates = instrument, sheet, saturates
        self._certificate, self._needs_certificate = certificate, needs_certificate
        self._newest = certificate
        self._curve = _curve_of(certificate, sheet) if certificate else None
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
            now: wall time, aware; warm-up and settling are counted from the first answer.

        Raises:
            ProbeError: it shows nothing; mended by the operator.
        """
        self._follow_calibration()
        try:
            shown = self._instrument.show(now)
        except ProbeError:
            self._warm_up.lost()
            raise
        return (self._judged(shown, now),)

    def _follow_calibration(self) -> None:
        """Between two readings and on their own thread, so that no reading is half by one certificate."""
        newest = self._newest
        if newest is not None and newest is not self._certificate:
            self._certificate, self._curve = newest, _curve_of(newest, self._sheet)

    def _judged(self, shown: Shown, now: datetime) -> Reading:
        if not self._warm_up.is_over(now):
            return self._reading(None, _COLD)
        if self._is_saturated(shown.value):
            return self._reading(None, _SATURATED)
        low, high = self._sheet.possible
        if not low <= shown.value <= high:
            return self._reading(shown.value, Screened(Flag.FAIL, Why.OUT_OF_RANGE))
        value = self._curve.convert(shown.value) if self._curve else shown.value
        return self._reading(value, reduce(worst, (*shown.doubts, *self._doubts(value, now)), NOT_SCREENED))

    def _is_saturated(self, shown: float) -> bool:
        low, high = self._sheet.span
        return (self._saturates is Side.ABOVE and shown >= high) or (
            self._saturates is Side.BELOW and shown <= low
        )

    def _doubts(self, value: float, now: datetime) -> Iterator[Screened]:
        low, high = self._sheet.possible
        if not low <= value <= high:
            yield Screened(Flag.FAIL, Why.OUT_OF_RANGE)
        if self._certificate is None and self._needs_certificate:
            yield _UNCALIBRATED
        if self._certificate is not None and now.date() > self._certificate.expires_on:
            yield _UNCALIBRATED

    def _reading(self, value: float | None, screened: Screened) -> Reading:
        certificate = self._certificate.id if self._certificate else ""
        return Reading(self._sheet.parameter, value, screened=screened, certificate=certificate)


def _curve_of(certificate: CalibrationCertificate, sheet: Datasheet) -> Curve | None:
    return None if certificate.kind is CurveKind.KEPT else curve_within(certificate, sheet.possible)
