"""By what the readings of a device are screened: the parameter's defaults, and what its probe can show.

Of the two the datasheet wins: what the probe can show, and below what it cannot tell a value from nought.
"""

from collections.abc import Mapping
from dataclasses import replace

from waterquality.limits import Capability
from waterquality.parameters import Parameter
from waterquality.screening import DEFAULTS, Bounds, Spans


def bounds_of(capabilities: Mapping[Parameter, Capability]) -> Mapping[Parameter, Bounds]:
    """The bounds of every parameter.

    Args:
        capabilities: what the device's probes can show.
    """
    return {
        parameter: _of_probe(default, capabilities[parameter]) if parameter in capabilities else default
        for parameter, default in DEFAULTS.items()
    }


def _of_probe(default: Bounds, capability: Capability) -> Bounds:
    flat = default.flat
    if flat is not None and flat.above >= capability.span[0]:
        flat = replace(flat, above=capability.span[0] + capability.detection_limit)
    return replace(default, spans=Spans(_shown(capability), default.spans.usual), flat=flat)


def _shown(capability: Capability) -> tuple[float, float]:
    """The span of a probe, as wide as its uncertainty makes it: clear water may read a little below zero."""
    low, high = capability.span
    return low - capability.uncertainty_at(low), high + capability.uncertainty_at(high)
