"""Rate of change: a value that has gone farther from the last one than the time between allows.

Source: IOOS QARTOD manuals, test 7 (Rate of Change Test), with a fixed rate, as `rate_of_change_test` of
ioos_qc has it. One thing is added: a change of no more than `least` is never too fast. A rate is made for a
quarter of an hour, and within a minute the last digit alone would break it.
"""

from dataclasses import dataclass
from math import inf

from waterquality.flags import Flag, Screened, Why
from waterquality.screening.gross_range import GOOD

_SUSPECT = Screened(Flag.SUSPECT, Why.CHANGED_TOO_FAST)
_FAIL = Screened(Flag.FAIL, Why.CHANGED_TOO_FAST)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateBounds:
    """How fast a value may change.

    Attributes:
        suspect_per_s: faster is SUSPECT; in the parameter's unit a second.
        fail_per_s: faster is FAIL; none by default, since a rainstorm is fast and true.
        least: a change of so much or less is never too fast; in the parameter's unit.
    """

    suspect_per_s: float
    fail_per_s: float = inf
    least: float = 0.0


def rate_of_change(before: float, value: float, seconds: float, bounds: RateBounds) -> Screened:
    """Whether a value has changed too fast.

    Args:
        before: the reading before it, in the parameter's unit.
        value: the one that is judged.
        seconds: from one to the other; more than 0.
        bounds: in the same unit.
    """
    change = abs(value - before)
    if change <= bounds.least:
        return GOOD
    rate = change / seconds
    if rate > bounds.fail_per_s:
        return _FAIL
    return _SUSPECT if rate > bounds.suspect_per_s else GOOD
