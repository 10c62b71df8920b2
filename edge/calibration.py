"""From volts to a value, by the points of a calibration certificate. Pure.

Invariants: a curve answers only within its band, the volts where the datasheet says that one voltage means
one value; outside it gives a reason and never a number. From the outermost point to the edge of the band a
table goes on as its last piece does, so that a reading just beyond the last standard is not lost.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression

from firmware_config.datasheet import VoltageSignal
from firmware_config.parts import CalibrationCertificate, CurveKind
from waterquality.errors import ProbeError

Band = tuple[float, float]


class OutOfCurve(ProbeError):
    """Volts from which no value follows; mended by the operator: a check of the probe, or a calibration."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A straight line.

    Attributes:
        slope: value for each volt.
        intercept: value at 0 V.
        band: lowest and highest volts that it answers.
    """

    slope: float
    intercept: float
    band: Band

    def convert(self, volts: float) -> float:
        """The value, in the parameter's unit.

        Args:
            volts: at the probe.

        Raises:
            OutOfCurve: the volts lie outside the band; mended by the operator.
        """
        _check(volts, self.band)
        return self.intercept + self.slope * volts


@dataclass(frozen=True, slots=True)
class Table:
    """Straight pieces from point to point.

    Attributes:
        points: volts and values, lowest volts first; at least two.
        band: lowest and highest volts that it answers.
    """

    points: tuple[tuple[float, float], ...]
    band: Band

    def convert(self, volts: float) -> float:
        """The value, in the parameter's unit.

        Args:
            volts: at the probe.

        Raises:
            OutOfCurve: the volts lie outside the band; mended by the operator.
        """
        _check(volts, self.band)
        piece = bisect_right(self.points, volts, key=lambda point: point[0])
        right = min(max(piece, 1), len(self.points) - 1)
        (low_volts, low_value), (high_volts, high_value) = self.points[right - 1], self.points[right]
        share = (volts - low_volts) / (high_volts - low_volts)
        return low_value + share * (high_value - low_value)


Curve = Linear | Table


def curve_of(certificate: CalibrationCertificate, signal: VoltageSignal) -> Curve:
    """The curve that a certificate stands for.

    Args:
        certificate: with at least two points of different volts, which it has seen to itself.
        signal: what the datasheet says of the probe's volts.
    """
    return curve_within(certificate, signal.valid_volts)


def curve_within(certificate: CalibrationCertificate, band: Band) -> Curve:
    """The curve that a certificate stands for, within a band of what the probe answers with.

    Args:
        certificate: with at least two different points, which it has seen to itself.
        band: the lowest and highest answer that means a value.
    """
    points = certificate.in_order()
    return Table(points, band) if certificate.kind is CurveKind.TABLE else _line_through(points, band)


def _line_through(points: Sequence[tuple[float, float]], band: Band) -> Linear:
    slope, intercept = linear_regression(*zip(*points, strict=True))
    return Linear(slope, intercept, band)


def _check(volts: float, band: Band) -> None:
    if not band[0] <= volts <= band[1]:  # a NaN is refused as well
        raise OutOfCurve(f"{volts:.4g} V lies outside {band[0]:g} to {band[1]:g} V")
