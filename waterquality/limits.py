"""Limits, what a probe can show, and whether the second can evidence the first.

No claim the probe cannot support: a limit is checked only where the probe's detection limit and uncertainty
allow it, and the refusal carries the arithmetic.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from waterquality.parameters import SPECS, Parameter

# The largest uncertainty that still evidences a limit: Directive (EU) 2020/2184, Annex III, part B, asks for
# 30 % of the parametric value for turbidity and 0.2 units for pH (general knowledge, not re-read). Half the
# limit is our own choice where that table names nothing.
_TURBIDITY_SHARE = 0.30
_PH_UNITS = 0.2
_OTHER_SHARE = 0.5


class Method(StrEnum):
    """How a probe measures; an indicative one shows change and evidences no limit."""

    INDICATIVE = "indicative"
    NEPHELOMETRIC = "nephelometric"
    POTENTIOMETRIC = "potentiometric"
    MECHANICAL = "mechanical"
    THERMOMETRIC = "thermometric"


@dataclass(frozen=True, slots=True)
class Limit:
    """A number with an authority and a date.

    Attributes:
        parameter: what is limited.
        low: lowest allowed value in the parameter's unit; None when there is none.
        high: highest allowed value; None when there is none.
        authority: whose number it is, e.g. `who-2017`.
        source: where it is written.
        verified_by: the person who confirmed it; "" while nobody has.
        verified_on: when.
    """

    parameter: Parameter
    low: float | None
    high: float | None
    authority: str
    source: str = ""
    verified_by: str = ""
    verified_on: date | None = None

    @property
    def is_verified(self) -> bool:
        """Whether a named person has confirmed the number."""
        return bool(self.verified_by)

    def bounds(self) -> tuple[float, ...]:
        """The numbers of the limit, lowest first."""
        return tuple(bound for bound in (self.low, self.high) if bound is not None)


@dataclass(frozen=True, slots=True)
class Capability:
    """What a probe model can show, from its datasheet; all in the parameter's unit.

    Attributes:
        parameter: what it measures.
        method: how.
        span: lowest and highest value it can show.
        detection_limit: the smallest value it can tell from zero.
        uncertainty: the absolute part of its uncertainty.
        uncertainty_share: the part that grows with the value, as a fraction of it.
    """

    parameter: Parameter
    method: Method
    span: tuple[float, float]
    detection_limit: float
    uncertainty: float
    uncertainty_share: float = 0.0

    def uncertainty_at(self, value: float) -> float:
        """Its uncertainty at a value, in the parameter's unit."""
        return self.uncertainty + self.uncertainty_share * abs(value)


def why_not_evidenced(limit: Limit, capability: Capability) -> str:
    """Why the probe cannot evidence the limit, with the arithmetic; "" when it can."""
    unit = SPECS[limit.parameter].unit
    if capability.method is Method.INDICATIVE:
        return f"an indicative probe shows change and cannot evidence {limit.authority}"
    for bound in limit.bounds():
        if not capability.span[0] <= bound <= capability.span[1]:
            low, high = capability.span
            return f"{bound:g} {unit} lies outside what the probe can show ({low:g} to {high:g} {unit})"
        if bound < capability.detection_limit:
            return f"{bound:g} {unit} lies below the detection limit of {capability.detection_limit:g} {unit}"
        allowed, has = _allowed_uncertainty(limit.parameter, bound), capability.uncertainty_at(bound)
        if has > allowed:
            return (
                f"at {bound:g} {unit} the probe is uncertain by {has:.3g} {unit};"
                f" at most {allowed:.3g} {unit} would evidence it"
            )
    return ""


def _allowed_uncertainty(parameter: Parameter, bound: float) -> float:
    if parameter is Parameter.TURBIDITY:
        return _TURBIDITY_SHARE * bound
    return _PH_UNITS if parameter is Parameter.PH else _OTHER_SHARE * abs(bound)
