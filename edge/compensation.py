"""What the temperature of the water does to a probe, and what not knowing it may cost. Pure.

A certificate is made in standards of some temperature; the water has another. Volts that drift are brought back
to what they would be at the temperature of the certificate, before the curve; the value of an electrode is
brought from the slope of the certificate to the slope of the water, after it. Invariants: where the two
temperatures are the same nothing changes; where the water's is not known, the value is the one for the
temperature of the certificate (25 degrees where it names none), and `worst_error` says how wrong that may be.
"""

from dataclasses import dataclass

from edge.calibration import Curve, OutOfCurve
from firmware_config.signals import DriftEffect, NernstEffect, TemperatureEffect
from waterquality.parameters import SPECS, Parameter

# What makers, buffers and circuits mean where nobody names a temperature.
REFERENCE_C = 25.0
_ABSOLUTE_ZERO_C = -273.15


@dataclass(frozen=True, slots=True)
class WaterTemperature:
    """How warm the water is, as far as it is known; all in degrees Celsius.

    Attributes:
        celsius: the likeliest.
        lowest: no less than this.
        highest: no more than this.
    """

    celsius: float
    lowest: float
    highest: float


def known(celsius: float, within: float) -> WaterTemperature:
    """A temperature that may be off by so much, either way."""
    return WaterTemperature(celsius, celsius - within, celsius + within)


def unknown(made_at_c: float) -> WaterTemperature:
    """Nothing is known: as at the calibration, and anything that water at a tap usually is."""
    lowest, highest = SPECS[Parameter.TEMPERATURE].usual
    return WaterTemperature(made_at_c, min(lowest, made_at_c), max(highest, made_at_c))


def nernst(value: float, effect: NernstEffect, *, set_for_c: float, water_c: float) -> float:
    """What a value becomes when an electrode's slope is that of the water.

    The slope is proportional to the absolute temperature (Nernst), and all slopes cross at the isopotential point.

    Args:
        value: by the slope at `set_for_c`.
        effect: of the model.
        set_for_c: temperature that the value was calculated for, in degrees Celsius.
        water_c: temperature of the water, in degrees Celsius.
    """
    ratio = (set_for_c - _ABSOLUTE_ZERO_C) / (water_c - _ABSOLUTE_ZERO_C)
    return effect.isopotential + (value - effect.isopotential) * ratio


def worst_nernst_error(value: float, effect: NernstEffect, water: WaterTemperature) -> float:
    """How far a value may be off because the temperature is not known better than this."""
    return max(
        abs(nernst(value, effect, set_for_c=water.celsius, water_c=end) - value)
        for end in (water.lowest, water.highest)
    )


@dataclass(frozen=True, slots=True)
class CompensatedCurve:
    """A certificate's curve, at any temperature of the water.

    Attributes:
        curve: as it was at the calibration.
        effect: what temperature does to the model; None where nothing is known to matter.
        made_at_c: temperature of the standards, in degrees Celsius.
    """

    curve: Curve
    effect: TemperatureEffect | None
    made_at_c: float = REFERENCE_C

    def at_calibration(self, volts: float, water_c: float) -> float:
        """The volts that the probe would put out at the temperature of its calibration."""
        if not isinstance(self.effect, DriftEffect):
            return volts
        return volts - self.effect.volts_per_celsius * (water_c - self.made_at_c)

    def convert(self, volts: float, water_c: float) -> float:
        """The value, in the parameter's unit.

        Args:
            volts: at the probe.
            water_c: temperature of the water, in degrees Celsius.

        Raises:
            OutOfCurve: no value follows from these volts; mended by the operator.
        """
        value = self.curve.convert(self.at_calibration(volts, water_c))
        if not isinstance(self.effect, NernstEffect):
            return value
        return nernst(value, self.effect, set_for_c=self.made_at_c, water_c=water_c)

    def worst_error(self, volts: float, water: WaterTemperature) -> float:
        """How far the value may be off because the temperature is not known better; infinite off the curve."""
        if self.effect is None:
            return 0.0
        try:
            value = self.convert(volts, water.celsius)
            return max(abs(self.convert(volts, end) - value) for end in (water.lowest, water.highest))
        except OutOfCurve:
            return float("inf")
