"""Spans of time and the intervals a chart is cut into: whole milliseconds, half open, whatever the store.

Intervals start at whole multiples of their width since 1970, so that a chart which is drawn again a minute
later has the same intervals, and only the ends of the chart change.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count

from waterquality.readings import from_ms, to_ms

LATEST_MS = 9_223_372_036_853  # April 2262: InfluxDB's nanoseconds end a millisecond later, at a span's end
_SECOND = 1_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_WIDTHS_MS = (
    *(_SECOND * seconds for seconds in (1, 2, 5, 10, 15, 20, 30)),
    *(_MINUTE * minutes for minutes in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 45)),
    *(_HOUR * hours for hours in (1, 2, 3, 4, 6, 8, 12)),
    *(_DAY * days for days in (1, 2, 3, 4, 5, 7, 10, 14, 21, 28)),
)


@dataclass(frozen=True, slots=True)
class Span:
    """From `start_ms` up to but not including `end_ms`, milliseconds since 1970, UTC."""

    start_ms: int
    end_ms: int

    def __post_init__(self) -> None:
        """Cut it to the times that can be stored."""
        object.__setattr__(self, "start_ms", max(0, self.start_ms))
        object.__setattr__(self, "end_ms", min(LATEST_MS + 1, self.end_ms))

    @classmethod
    def between(cls, since: datetime, until: datetime) -> "Span":
        """[since, until)."""
        return cls(_to_ms_up(since), _to_ms_up(until))

    @classmethod
    def through(cls, since: datetime, until: datetime) -> "Span":
        """[since, until]."""
        return cls(_to_ms_up(since), to_ms(until) + 1)

    @property
    def is_empty(self) -> bool:
        """Whether nothing can lie in it."""
        return self.start_ms >= self.end_ms

    def width_for(self, pixels: int) -> int:
        """The narrowest interval, in ms, of which at most `pixels` touch this span.

        Raises:
            ValueError: not one pixel to draw on.
        """
        if pixels < 1:
            raise ValueError(f"a chart of {pixels} pixels")
        return next(width for width in _widths() if self._touched(width) <= pixels)

    def _touched(self, width: int) -> int:
        return (self.end_ms - 1) // width - self.start_ms // width + 1


def _widths() -> Iterator[int]:
    return chain(_WIDTHS_MS, (_DAY * 28 << doubled for doubled in count(1)))


def _to_ms_up(instant: datetime) -> int:
    whole = to_ms(instant)
    return whole if from_ms(whole) == instant else whole + 1
