"""Attenuated signal: it still moves, but by less than water does.

Source: IOOS QARTOD manuals, test 10 (Attenuated Signal Test), by the range of the values within a period, as
`attenuated_signal_test(check_type="range")` of ioos_qc. Two differences are meant. A period that is not full
yet is not judged: there, one reading alone has a range of 0 and fails. And there is no standard deviation: as a
running figure it depends, in its last digits, on the order in which readings came, and a flag must not.
"""

from dataclasses import dataclass

from waterquality.flags import Flag, Screened, Why
from waterquality.screening.gross_range import GOOD

_SUSPECT = Screened(Flag.SUSPECT, Why.ATTENUATED_SIGNAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttenuatedBounds:
    """How little a signal may move.

    Attributes:
        period_s: over how many seconds.
        suspect_below: a range of less is SUSPECT; in the parameter's unit.
    """

    period_s: float
    suspect_below: float


def attenuated_signal(quiet_s: float, bounds: AttenuatedBounds) -> Screened:
    """Whether a signal has moved by less than it should.

    Args:
        quiet_s: seconds that its range has been below `suspect_below`, this reading included.
        bounds: how long is too long.
    """
    return _SUSPECT if quiet_s >= bounds.period_s else GOOD
