"""When something is due: by the wall clock, so that devices tick together and days divide evenly. Pure."""

from datetime import datetime, timedelta
from typing import Protocol

from waterquality.readings import from_ms, to_ms

_LATE = timedelta(seconds=0.5)  # how late the first question about a tick may come


class Schedule(Protocol):
    """Ticks, one after the other."""

    def next_after(self, instant: datetime) -> datetime | None:
        """The first tick after an instant; None when there will be none."""
        ...


class Every:
    """A tick at every whole multiple of a period.

    Args:
        seconds: the period, in seconds; at least 0.001.
    """

    def __init__(self, seconds: float) -> None:
        self._period_ms = max(1, round(seconds * 1000))

    def next_after(self, instant: datetime) -> datetime:
        """The first tick after an instant."""
        return from_ms((to_ms(instant) // self._period_ms + 1) * self._period_ms)


class Ahead:
    """A tick so long before each tick of another schedule.

    Args:
        schedule: the other one.
        seconds: how long before, in seconds.
    """

    def __init__(self, schedule: Schedule, seconds: float) -> None:
        self._schedule, self._lead = schedule, timedelta(seconds=seconds)

    def next_after(self, instant: datetime) -> datetime | None:
        """The first tick after an instant; None when there will be none."""
        tick = self._schedule.next_after(instant + self._lead)
        return None if tick is None else tick - self._lead


class AnyOf:
    """The ticks of several schedules together.

    Args:
        schedules: in any order.
    """

    def __init__(self, *schedules: Schedule) -> None:
        self._schedules = schedules

    def next_after(self, instant: datetime) -> datetime | None:
        """The first tick of any of them after an instant; None when there will be none."""
        ticks = (schedule.next_after(instant) for schedule in self._schedules)
        return min((tick for tick in ticks if tick is not None), default=None)


class Dues:
    """Tells, from call to call, whether a tick of a schedule has come since.

    A clock that is set back makes no tick wait for the old time to come again.

    Args:
        schedule: the ticks.
    """

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._asked_at: datetime | None = None

    def has_come(self, now: datetime) -> bool:
        """Whether there was a tick since the last call, `now` included; the first call looks half a second back."""
        before, self._asked_at = self._asked_at, now
        since = before if before is not None and before < now else now - _LATE
        tick = self._schedule.next_after(since)
        return tick is not None and tick <= now
