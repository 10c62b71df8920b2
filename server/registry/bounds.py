"""By what the readings of a device at a water point are screened, and who says so.

From wide to narrow: the parameter's defaults, what the probe can show and what its datasheet sets, what is set for
the device, what is set for the water point. The narrower wins, test by test. What the probe can show is the
datasheet's alone, and so is, unless somebody sets it, below what a value cannot be told from nought.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from firmware_config.screening import ParameterTests, Test
from waterquality.limits import Capability
from waterquality.parameters import Parameter
from waterquality.screening import DEFAULTS, Bounds, Spans

DEFAULT, DATASHEET = "default", "datasheet"
POSSIBLE = "possible"


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
    """

    bounds: Bounds
    sources: Mapping[str, str]


def bounds_of(
    capabilities: Mapping[Parameter, Capability], layers: Sequence[Layer] = ()
) -> Mapping[Parameter, Bounds]:
    """The bounds of every parameter.

    Args:
        capabilities: what the device's probes can show.
        layers: what is set, from wide to narrow.
    """
    return {
        parameter: settled(parameter, capabilities.get(parameter), layers).bounds for parameter in DEFAULTS
    }


def settled(parameter: Parameter, capability: Capability | None, layers: Sequence[Layer]) -> Settled:
    """The bounds of a parameter, and who says so."""
    bounds = DEFAULTS[parameter]
    sources = dict.fromkeys([POSSIBLE, *Test], DEFAULT)
    if capability is not None:
        bounds, sources[POSSIBLE] = _of_probe(bounds, capability), DATASHEET
    for layer in layers:
        tests = layer.tests.get(parameter)
        if tests is not None:
            bounds = tests.in_force(bounds)
            sources |= dict.fromkeys(tests.named(), layer.source)
    return Settled(bounds, sources)


def _of_probe(default: Bounds, capability: Capability) -> Bounds:
    flat = default.flat
    if flat is not None and flat.above >= capability.span[0]:
        flat = replace(flat, above=capability.span[0] + capability.detection_limit)
    return replace(default, spans=Spans(_shown(capability), default.spans.usual), flat=flat)


def _shown(capability: Capability) -> tuple[float, float]:
    """The span of a probe, as wide as its uncertainty makes it: clear water may read a little below zero."""
    low, high = capability.span
    return low - capability.uncertainty_at(low), high + capability.uncertainty_at(high)
