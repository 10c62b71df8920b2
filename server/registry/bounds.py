"""By what the readings of a device at a water point are screened, and who says so.

From wide to narrow: the parameter's defaults, what the probe can show and what its datasheet sets, what is set for
the device, what is set for the water point. The narrower wins, test by test. What the probe can show is the
datasheet's alone, and so is, unless somebody sets it, below what a value cannot be told from nought. What is usual
in a month is the history's alone; anybody of these may say whether it counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from firmware_config.screening import ParameterTests, Test
from waterquality.limits import Capability
from waterquality.parameters import Parameter
from waterquality.screening import DEFAULTS, Bounds, Spans
from waterquality.screening.climatology import Climate
from waterquality.screening.months import BY_DEFAULT

DEFAULT, DATASHEET = "default", "datasheet"
POSSIBLE = "possible"
Climates = Mapping[Parameter, Climate]
_NO_CLIMATE: Climate = {}
_UNKNOWN: Climates = {}


@dataclass(frozen=True, slots=True)
class Layer:
    """What somebody sets.

    Attributes:
        source: who: `datasheet`, `device kk-0007`, `water point algeti`.
        tests: what, by parameter.
    """

    source: str
    tests: Mapping[Parameter, ParameterTests]


@dataclass(frozen=True, slots=True)
class Settled:
    """The bounds of one parameter.

    Attributes:
        bounds: what is in force.
        sources: who says so, by the name of the test.
        is_by_month: whether what is known of the months counts.
    """

    bounds: Bounds
    sources: Mapping[str, str]
    is_by_month: bool


def bounds_of(
    capabilities: Mapping[Parameter, Capability],
    layers: Sequence[Layer] = (),
    climates: Climates = _UNKNOWN,
) -> Mapping[Parameter, Bounds]:
    """The bounds of every parameter.

    Args:
        capabilities: what the device's probes can show.
        layers: what is set, from wide to narrow.
        climates: what is known of the months.
    """
    return {
        parameter: settled(
            parameter, capabilities.get(parameter), layers, climates.get(parameter, _NO_CLIMATE)
        ).bounds
        for parameter in DEFAULTS
    }


def settled(
    parameter: Parameter,
    capability: Capability | None,
    layers: Sequence[Layer],
    climate: Climate = _NO_CLIMATE,
) -> Settled:
    """The bounds of a parameter, and who says so."""
    bounds, is_by_month = DEFAULTS[parameter], parameter in BY_DEFAULT
    sources = dict.fromkeys([POSSIBLE, *Test], DEFAULT)
    if capability is not None:
        bounds, sources[POSSIBLE] = _of_probe(bounds, capability), DATASHEET
    for layer in layers:
        tests = layer.tests.get(parameter)
        if tests is not None:
            bounds = tests.in_force(bounds)
            sources |= dict.fromkeys(tests.named(), layer.source)
            is_by_month = is_by_month if tests.is_by_month is None else tests.is_by_month
    if is_by_month and climate:
        bounds = replace(bounds, climate=climate)
    return Settled(bounds, sources, is_by_month)


def _of_probe(default: Bounds, capability: Capability) -> Bounds:
    flat = default.flat
    if flat is not None and flat.above >= capability.span[0]:
        flat = replace(flat, above=capability.span[0] + capability.detection_limit)
    return replace(default, spans=Spans(_shown(capability), default.spans.usual), flat=flat)


def _shown(capability: Capability) -> tuple[float, float]:
    """The span of a probe, as wide as its uncertainty makes it: clear water may read a little below zero."""
    low, high = capability.span
    return low - capability.uncertainty_at(low), high + capability.uncertainty_at(high)
