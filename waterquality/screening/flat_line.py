"""Flat line: the same value again and again.

Source: IOOS QARTOD manuals, test 8 (Flat Line Test): the range of the values within a time stays within a
tolerance. Two differences from `flat_line_test` of ioos_qc are meant. A range that *equals* the tolerance is
flat, since with `<` and its default tolerance of 0 that test never flags a stuck sensor. And time is counted by
the clock, not in numbers of readings of the usual interval, so that a missing reading does not stretch it.

A reading is flat from the one on at which the time is full; those before it keep their flags.
"""

from dataclasses import dataclass
from math import inf

from waterquality.flags import Flag, Screened, Why
from waterquality.screening.gross_range import GOOD

_SUSPECT = Screened(Flag.SUSPECT, Why.FLAT_LINE)
_FAIL = Screened(Flag.FAIL, Why.FLAT_LINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatBounds:
    """How long a value may stay the same.

    Attributes:
        suspect_after_s: so many seconds or more within the tolerance is SUSPECT.
        fail_after_s: so many or more is FAIL.
        tolerance: how far the values may lie apart and still be the same, in the parameter's unit.
        above: a value of so much or less is never flat: at nought, or below what a probe can tell from it, there is
            no life to see; in the parameter's unit.
    """

    suspect_after_s: float
    fail_after_s: float = inf
    tolerance: float = 0.0
    above: float = -inf


def flat_line(still_s: float, bounds: FlatBounds) -> Screened:
    """Whether a value has stayed the same for too long.

    Args:
        still_s: seconds that it has stayed within the tolerance, this reading included.
        bounds: what is too long.
    """
    if still_s >= bounds.fail_after_s:
        return _FAIL
    return _SUSPECT if still_s >= bounds.suspect_after_s else GOOD
