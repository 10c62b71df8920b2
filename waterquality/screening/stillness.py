"""For how long a series has stayed within a tolerance: the longest run up to now whose range is within it.

The run is kept as the highest and the lowest values that still matter, each falling (rising) towards the
newest: amortised O(1) a reading, and as many entries as the tolerance has steps. No sums are kept, so what it
says does not depend on where it began, only on the readings of the run and the one before it.
"""

from collections import deque
from dataclasses import dataclass


@dataclass(slots=True)
class _Level:
    """A value, when it was last seen, and when the reading after that was taken."""

    value: float
    at_ms: int
    next_ms: int


class Stillness:
    """Follows one series.

    Args:
        tolerance: how far apart the values of a run may lie, in the parameter's unit; 0: not at all.
    """

    __slots__ = ("_first", "_highs", "_lows", "_newest", "since_ms", "tolerance")

    def __init__(self, tolerance: float) -> None:
        self.tolerance = tolerance
        self.since_ms = 0
        self._first = 0.0
        self._highs: deque[_Level] = deque()
        self._lows: deque[_Level] = deque()
        self._newest: _Level | None = None  # None: the run is one reading, or the same value all along

    def begin(self, at_ms: int, value: float) -> None:
        """A new run begins with this reading."""
        self.since_ms, self._first, self._newest = at_ms, value, None

    def follow(self, at_ms: int, value: float) -> None:
        """The next reading, no farther than the tolerance from the one before it.

        Args:
            at_ms: when it was taken; later than all before.
            value: in the parameter's unit.
        """
        if not self.tolerance:
            return
        newest = self._newest or self._opened()
        newest.next_ms = at_ms
        level = self._newest = _Level(value, at_ms, at_ms)
        _push(self._highs, level, sign=1)
        _push(self._lows, level, sign=-1)
        while self._highs[0].value - self._lows[0].value > self.tolerance:
            older = self._highs if self._highs[0].at_ms < self._lows[0].at_ms else self._lows
            self.since_ms = older.popleft().next_ms

    def _opened(self) -> _Level:
        first = _Level(self._first, self.since_ms, self.since_ms)
        self._highs, self._lows = deque([first]), deque([first])
        return first


def _push(levels: deque[_Level], level: _Level, *, sign: int) -> None:
    """Put a level last; those that it makes meaningless go."""
    while levels and (level.value - levels[-1].value) * sign >= 0:
        levels.pop()
    levels.append(level)
