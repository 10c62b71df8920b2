"""How values and limits are written in a text. Pure; a decimal point and a plain hyphen in every language.

**Invariant**: a value that breaks a limit never reads as if it kept it (below ten million). 5.04 against 5 is
written 5.04, and 5.0001 as 5.01: where the usual rounding would hide the breach, one more decimal is shown,
rounded away from the bound.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from waterquality.limits import Limit
from waterquality.parameters import Parameter

_LONGEST_WRITTEN_OUT = 1e7  # beyond it digits would eat the text; no parameter comes near


def written(value: float, parameter: Parameter) -> str:
    """A value as people read it, without its unit."""
    if abs(value) >= _LONGEST_WRITTEN_OUT:
        return f"{value:.3g}"
    decimals = _decimals(value, parameter)
    text = f"{round(value, decimals) + 0.0:.{decimals}f}"  # + 0.0 turns -0.0 into 0.0
    return _trimmed(text, keep_one=parameter is Parameter.PH)


def written_limit(limit: Limit) -> str:
    """A limit as people read it: `5`, `6.5-8.5`; without its unit."""
    return "-".join(f"{bound:g}" for bound in limit.bounds())


def written_against(value: float, limit: Limit) -> str:
    """A value beside its limit: like `written`, but visibly beyond the bound that it breaks."""
    bound = broken_bound(value, limit)
    text = written(value, limit.parameter)
    if bound is None or abs(value) >= _LONGEST_WRITTEN_OUT or _is_beyond(float(text), value, bound):
        return text
    step = Decimal(1).scaleb(-_decimals(value, limit.parameter) - 1)
    away = ROUND_CEILING if value > bound else ROUND_FLOOR
    return _trimmed(f"{Decimal(repr(value)).quantize(step, rounding=away):f}", keep_one=False)


def written_breach(value: float, limit: Limit) -> str:
    """The tight form `12.4>5` or `0.5<2`, without its unit; "" when the value keeps the limit."""
    bound = broken_bound(value, limit)
    if bound is None:
        return ""
    return f"{written_against(value, limit)}{'>' if value > bound else '<'}{bound:g}"


def broken_bound(value: float, limit: Limit) -> float | None:
    """The bound that a value lies beyond; None when it keeps the limit."""
    if limit.high is not None and value > limit.high:
        return limit.high
    if limit.low is not None and value < limit.low:
        return limit.low
    return None


def _is_beyond(seen: float, value: float, bound: float) -> bool:
    return seen > bound if value > bound else seen < bound


def _decimals(value: float, parameter: Parameter) -> int:
    if parameter is Parameter.PH:
        return 2
    if parameter is Parameter.TURBIDITY and abs(value) < 1:
        return 2
    return 1 if abs(value) < 100 else 0  # noqa: PLR2004 - three significant digits are enough for a text


def _trimmed(text: str, *, keep_one: bool) -> str:
    """Without the zeros at the end; `keep_one` decimal even if it is a zero."""
    if "." not in text:
        return text
    whole, fraction = text.split(".")
    fraction = fraction.rstrip("0") or ("0" if keep_one else "")
    return f"{whole}.{fraction}" if fraction else whole
