"""Gross range: what the probe can show, and what the water is expected to be.

Source: IOOS QARTOD manuals, test 4 (Gross Range Test); `gross_range_test` of ioos_qc is equal to it.
"""

from dataclasses import dataclass

from waterquality.flags import Flag, Screened, Why

GOOD = Screened(Flag.GOOD)
IMPOSSIBLE = Screened(Flag.FAIL, Why.OUT_OF_RANGE)
UNUSUAL = Screened(Flag.SUSPECT, Why.UNUSUAL_VALUE)


@dataclass(frozen=True, slots=True)
class Spans:
    """Gross range spans, in the parameter's unit; both ends belong to the span.

    Attributes:
        possible: what the probe can show; outside is FAIL.
        usual: what the water is expected to be; outside is SUSPECT.
    """

    possible: tuple[float, float]
    usual: tuple[float, float]


def gross_range(value: float, spans: Spans) -> Screened:
    """Whether a value lies within what the probe can show and the water usually is.

    Args:
        value: in the parameter's unit.
        spans: in the same unit.
    """
    if not spans.possible[0] <= value <= spans.possible[1]:
        return IMPOSSIBLE
    if not spans.usual[0] <= value <= spans.usual[1]:
        return UNUSUAL
    return GOOD
