"""Climatology: what this water point shows in this month of the year, by its own history.

Source: IOOS QARTOD manuals, test 5 (Climatology Test); `climatology_test` of ioos_qc with one span for each
month is equal to it, but that a month without a span is not judged here (there it is UNKNOWN): in its first
year a water point has no history, and a year of UNKNOWN would hide what the other tests know.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from waterquality.flags import Flag, Screened, Why, worst
from waterquality.screening.gross_range import GOOD

_SUSPECT = Screened(Flag.SUSPECT, Why.UNUSUAL_FOR_THE_MONTH)
Climate = Mapping[int, tuple[float, float]]


def climatology(value: float, month: int, climate: Climate) -> Screened:
    """Whether a value lies within what is known of a month.

    Args:
        value: in the parameter's unit.
        month: 1 to 12, UTC.
        climate: the lowest and highest usual value by month, both inside; months that are not known are left out.
    """
    span = climate.get(month)
    return GOOD if span is None or span[0] <= value <= span[1] else _SUSPECT


def giving_way(found: Screened, other: Screened) -> Screened:
    """The worse of two judgements, where a doubt for the month's sake gives way to any other that is as bad.

    It is the vaguest of all doubts: one that says what is wrong must not hide behind it, since a sick probe accuses
    nobody and unusual water does.
    """
    if found.why is Why.UNUSUAL_FOR_THE_MONTH and other.flag >= found.flag:
        return other
    return worst(found, other)


def month_of(at_ms: int) -> int:
    """The month of an instant (milliseconds since 1970), 1 to 12, UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).month
