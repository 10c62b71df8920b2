"""What the simulated probes make of the water: one table per model, read both ways.

The same points serve to write the calibration of a device and to turn the simulated water into volts, so a
device that reads its own calibration gets the water back, but for noise and the steps of the converter. Volts
are those at the input of the converter, after any divider. Between points the line is straight; beyond them
the last piece goes on.
"""

from bisect import bisect_left
from collections.abc import Collection
from functools import lru_cache
from types import MappingProxyType

from waterquality.errors import ConfigError

Points = tuple[tuple[float, float], ...]

CONVERTER_BITS = 10  # MCP3008
REFERENCE_VOLTS = 3.3

# Microchip DS21295: the code is 1024 * Vin / Vref, so a step is Vref / 1024.
# SEN0189: -1120.4 V^2 + 5742.3 V - 4352.9 NTU on the falling side (2.5626 to 4.2002 V), read here at the
# probe's 4.2002, 4.15, 4.1, 4.0, 3.8, 3.5, 3.2, 2.9 and 2.6277 V (3000 NTU, all that it claims) and written
# behind the 2:3 divider that 3.3 V needs.
_POINTS: MappingProxyType[str, Points] = MappingProxyType(
    {
        "analog-nephelometer": ((0.0, 0.0), (3.0, 100.0)),
        "sen0161-v2": ((1.5, 7.0), (2.032, 4.0)),
        "sen0189": (
            (1.75180, 3000.0),
            (1.93333, 2877.2),
            (2.13333, 2549.6),
            (2.33333, 2020.2),
            (2.53333, 1289.3),
            (2.66667, 689.9),
            (2.73333, 356.6),
            (2.76667, 181.6),
            (2.80013, 0.0),
        ),
    }
)
_PULSES_PER_LITRE: MappingProxyType[str, float] = MappingProxyType({"yf-s201": 450.0, "pulse-meter": 10.0})


def calibration_points(model: str) -> Points:
    """The (volts, value) pairs of a probe model, by rising volts; volts at the converter's input.

    Raises:
        ConfigError: the demonstration knows no such analogue probe; mended by the operator.
    """
    return _POINTS[_known(_POINTS, model, "analogue probe")]


def pulses_per_litre(model: str) -> float:
    """How many pulses a meter gives for a litre.

    Raises:
        ConfigError: the demonstration knows no such meter; mended by the operator.
    """
    return _PULSES_PER_LITRE[_known(_PULSES_PER_LITRE, model, "meter")]


def volts_for(value: float, points: Points) -> float:
    """The volts at which a probe shows a value; the inverse of `value_at`."""
    return _along(_inverse(points), value)


def value_at(volts: float, points: Points) -> float:
    """The value that a probe shows at some volts."""
    return _along(points, volts)


def quantise(volts: float, bits: int = CONVERTER_BITS, reference_volts: float = REFERENCE_VOLTS) -> float:
    """The volts that a converter reports: the nearest of its steps, within its range.

    Args:
        volts: at the input.
        bits: resolution of the converter.
        reference_volts: its reference; the step is this divided by two to the `bits`.
    """
    steps: int = 1 << bits
    code = min(max(round(volts / reference_volts * steps), 0), steps - 1)
    return code * reference_volts / steps


def _known(names: Collection[str], model: str, what: str) -> str:
    if model not in names:
        raise ConfigError(f"no simulated {what} {model!r}; there are: {', '.join(sorted(names))}")
    return model


@lru_cache(maxsize=16)
def _inverse(points: Points) -> Points:
    return tuple(sorted((value, volts) for volts, value in points))


def _along(points: Points, x: float) -> float:
    """The height at `x` of the broken line through points of rising first number."""
    after = min(max(bisect_left(points, (x,)), 1), len(points) - 1)
    (x0, y0), (x1, y1) = points[after - 1], points[after]
    return y0 + (x - x0) * (y1 - y0) / (x1 - x0)
