"""Multi-variate: what the other probes of the device say of this one.

Source: IOOS QARTOD manuals, test 9 (Multi-Variate Test), which leaves the comparison to whoever uses it;
ioos_qc has none. Here: probes of one device share power, converter and the hole they hang in. When one of them,
well until now, suddenly gives nothing or what cannot be, somebody or something is at them, and for a while the
values of the others are in doubt too: SUSPECT. A probe that stays away is sick by itself; after `disturbed_s`
the others are believed.
"""

from waterquality.flags import Flag, Screened, Why
from waterquality.screening.gross_range import GOOD

STEADY_S = 3600.0  # one that comes and goes is sick by itself, and says nothing of the others
DISTURBED = Screened(Flag.SUSPECT, Why.PROBES_DISTURBED)


def multi_variate(away_s: float | None, disturbed_s: float) -> Screened:
    """Whether the probes of a device were disturbed.

    Args:
        away_s: seconds since another probe, well until then, gave nothing; None when all give something.
        disturbed_s: how long the others are in doubt after that.
    """
    return DISTURBED if away_s is not None and away_s <= disturbed_s else GOOD
