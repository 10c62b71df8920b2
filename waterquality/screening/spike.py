"""Spike: one value that stands out from both of its neighbours.

Source: IOOS QARTOD manuals, test 6 (Spike Test): the value against the mean of the one before and the one
after. It judges the *middle* one, so it speaks only when the next reading has come.
`spike_test(method="average")` of ioos_qc is equal to it, but that a threshold of 0 is one here.
"""

from dataclasses import dataclass
from math import inf

from waterquality.flags import Flag, Screened, Why
from waterquality.screening.gross_range import GOOD

_SUSPECT = Screened(Flag.SUSPECT, Why.SPIKE)
_FAIL = Screened(Flag.FAIL, Why.SPIKE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpikeBounds:
    """How far a value may stand out, in the parameter's unit.

    Attributes:
        suspect: farther is SUSPECT.
        fail: farther is FAIL; none by default, since mud that comes and goes within a minute is true.
    """

    suspect: float
    fail: float = inf


def spike(before: float, value: float, after: float, bounds: SpikeBounds) -> Screened:
    """Whether a value stands out from its neighbours.

    Args:
        before: the reading before it, in the parameter's unit.
        value: the one that is judged.
        after: the reading after it.
        bounds: in the same unit.
    """
    stands_out = abs(value - (before + after) / 2)
    if stands_out > bounds.fail:
        return _FAIL
    return _SUSPECT if stands_out > bounds.suspect else GOOD
