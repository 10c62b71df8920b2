"""A burst: sample and report at full rate for some minutes, because somebody is looking.

A restart ends it: whoever looked will ask again, and a device on a tight SIM must not go on by itself.
"""

from datetime import datetime

from edge.clock import Clock, Instant
from edge.schedule import Schedule
from edge.term import Term


class Burst:
    """Whether a burst is on."""

    def __init__(self) -> None:
        self._term: Term | None = None

    def begin(self, now: Instant, lasting_s: float) -> None:
        """Begin, or go on for so many seconds from now; 0 ends it."""
        self._term = Term.beginning(now, lasting_s)

    def is_on(self, now: Instant) -> bool:
        """Whether it is on; cheap enough for every tick."""
        return self.left_s(now) > 0

    def left_s(self, now: Instant) -> float:
        """Seconds until it ends; 0 when it is off."""
        term = self._term
        return 0.0 if term is None else term.left_s(now)


class Bursting:
    """A schedule that ticks faster during a burst.

    Args:
        ordinary: when observations are due otherwise; where it ticks sooner, it is followed.
        full_rate: when they are due during a burst.
        burst: whether it is on.
        clock: to ask by.
    """

    def __init__(self, ordinary: Schedule, full_rate: Schedule, burst: Burst, clock: Clock) -> None:
        self._ordinary, self._full_rate, self._burst, self._clock = ordinary, full_rate, burst, clock

    def next_after(self, instant: datetime) -> datetime | None:
        """The first tick after an instant; None when there will be none."""
        due = self._ordinary.next_after(instant)
        if due is None or not self._burst.is_on(self._clock.read()):
            return due
        sooner = self._full_rate.next_after(instant)
        return due if sooner is None else min(due, sooner)
