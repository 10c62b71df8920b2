"""By what the readings of a device at a water point are screened: defaults, what its probe can show, what was set.

Of the three the later one wins: the parameter's defaults, the datasheet of the probe (what it can show, and
below what it cannot tell a value from nought), and what somebody set for the water point.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from waterquality.limits import Capability
from waterquality.parameters import Parameter
from waterquality.screening import DEFAULTS, Bounds, Spans

Setting = Callable[[Bounds], Bounds]


def bounds_of(
    capabilities: Mapping[Parameter, Capability], settings: Mapping[Parameter, Setting]
) -> Mapping[Parameter, Bounds]:
    """The bounds of every parameter.

    Args:
        capabilities: what the device's probes can show.
        settings: what was set for the water point.
    """
    bounds = {}
    for parameter, default in DEFAULTS.items():
        capability = capabilities.get(parameter)
        known = default if capability is None else _of_probe(default, capability)
        bounds[parameter] = settings[parameter](known) if parameter in settings else known
    return bounds


def _of_probe(default: Bounds, capability: Capability) -> Bounds:
    flat = default.flat
    if flat is not None and flat.above >= capability.span[0]:
        flat = replace(flat, above=capability.span[0] + capability.detection_limit)
    return replace(default, spans=Spans(_shown(capability), default.spans.usual), flat=flat)


def _shown(capability: Capability) -> tuple[float, float]:
    """The span of a probe, as wide as its uncertainty makes it: clear water may read a little below zero."""
    low, high = capability.span
    return low - capability.uncertainty_at(low), high + capability.uncertainty_at(high)
