"""Gap: the first observation of a device after a long time without any.

Source: IOOS QARTOD manuals, test 1 (Timing/Gap Test); `time_gap_test` of ioos_qc finds the same instants. Its
flag is FAIL; here it is UNKNOWN: a gap says nothing against the water or the probe, only that nothing near it
in time can be asked. The very first observation has no gap before it (ioos_qc gives it the flag of the second),
and neither has one after so long a time that nobody looks back any more: that is a new beginning.
"""

from waterquality.flags import Flag, Screened, Why
from waterquality.screening.gross_range import GOOD

AFTER_GAP = Screened(Flag.UNKNOWN, Why.AFTER_GAP)
_HOUR_S = 3600.0
# Every device reports once a day at least, whatever it was told; an hour for the way.
LONGEST_S = 25 * _HOUR_S
NEW_BEGINNING_S = 31 * 24 * _HOUR_S


def gap(silent_s: float, longest_s: float = LONGEST_S) -> Screened:
    """Whether too long a time lies before an observation.

    Args:
        silent_s: seconds since the one before it.
        longest_s: seconds that are still ordinary.
    """
    return AFTER_GAP if longest_s < silent_s <= NEW_BEGINNING_S else GOOD
