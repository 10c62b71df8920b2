"""What the ingest loop measures of itself, added up as it goes so that whoever asks later misses nothing.

One thread adds, others read. A reader may see a value in its bucket that is not in the sum yet; the next look is
right.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import accumulate

TAP_TO_STORE_S = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0)
ROUND_S = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
ROUND_MESSAGES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 2000.0)


class Distribution:
    """How many values were at most so much.

    Args:
        bounds: rising; values beyond the last are counted too.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds, self._counts, self._sum = tuple(bounds), [0] * (len(bounds) + 1), 0.0

    def add(self, values: Sequence[float]) -> None:
        """Count these; some 0.1 µs each."""
        counts, bounds = self._counts, self._bounds
        for value in values:
            counts[bisect_left(bounds, value)] += 1
        self._sum += sum(values)

    @property
    def total(self) -> float:
        """The sum of all values."""
        return self._sum

    def at_most(self) -> Iterable[tuple[float, int]]:
        """Each bound with the number of values up to it; infinity comes last."""
        return zip((*self._bounds, float("inf")), accumulate(self._counts), strict=True)


class Measured:
    """What one ingest loop has measured since it started.

    Attributes:
        tap_to_store_s: seconds from the tap to the store, of what was about now when it came.
        round_s: seconds that a round took.
        round_messages: messages in a round.
        turned_at: when the loop last began a turn, with arrivals or without; None before the first.
        took_in_at: when it last ended a round with arrivals; None before the first.
    """

    def __init__(self) -> None:
        self.tap_to_store_s = Distribution(TAP_TO_STORE_S)
        self.round_s = Distribution(ROUND_S)
        self.round_messages = Distribution(ROUND_MESSAGES)
        self.turned_at: datetime | None = None
        self.took_in_at: datetime | None = None

    def took_in(self, messages: int, seconds: float, now: datetime) -> None:
        """A round of so many messages took so long, and has ended."""
        self.round_messages.add((messages,))
        self.round_s.add((seconds,))
        self.took_in_at = now
