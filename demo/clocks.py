"""Clocks that run faster than life. One of them serves edge and server, so that delays mean the same to both.

`ScaledClock` runs a fixed number of times faster. `DrivenClock` stands still until it is advanced, and then
wakes each sleeper at its own time, in order, waiting for it to go back to sleep: a year of minutes in minutes, with
nothing skipped.
"""

import itertools
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from edge.clock import Instant
from waterquality.readings import to_ms

_GLANCE_S = 0.05  # how often a sleeper looks whether it was woken by its own event
_PATIENCE_S = 30.0


class DemoClock(Protocol):
    """What both halves of the demo need of time."""

    def now(self) -> datetime:
        """The time; aware UTC."""
        ...

    def pause(self, seconds: float, wake: threading.Event) -> None:
        """Wait for so many seconds of this clock, or until `wake` is set."""
        ...


class ScaledClock:
    """Runs `factor` times as fast as real time.

    Args:
        start: what it shows first.
        factor: seconds of this clock in one real second.
        is_held: stand still until `begin`.
    """

    def __init__(self, start: datetime, factor: float, *, is_held: bool = False) -> None:
        self._start, self.factor = start, factor
        self._began_s = None if is_held else time.monotonic()

    def begin(self) -> None:
        """Let time go on."""
        self._began_s = time.monotonic()

    def now(self) -> datetime:
        """The time; aware UTC."""
        real_s = 0.0 if self._began_s is None else time.monotonic() - self._began_s
        return self._start + timedelta(seconds=real_s * self.factor)

    def pause(self, seconds: float, wake: threading.Event) -> None:
        """Wait for so many seconds of this clock, or until `wake` is set."""
        wake.wait(max(0.0, seconds / self.factor))


class DrivenClock:
    """Stands still until it is advanced.

    Args:
        start: what it shows first.
    """

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._changed = threading.Condition()
        self._asleep: dict[int, datetime] = {}
        self._tickets = itertools.count()

    def now(self) -> datetime:
        """The time; aware UTC."""
        return self._now

    def pause(self, seconds: float, wake: threading.Event) -> None:
        """Wait until it has been advanced by so many seconds, or until `wake` is set."""
        with self._changed:
            ticket, due = next(self._tickets), self._now + timedelta(seconds=max(0.0, seconds))
            self._asleep[ticket] = due
            self._changed.notify_all()
            while self._now < due and not wake.is_set():
                self._changed.wait(_GLANCE_S)
            self._asleep.pop(ticket, None)
            self._changed.notify_all()

    def advance_to(self, until: datetime, sleepers: Callable[[], int]) -> None:
        """Go on to an instant, stopping at each sleeper's time until it sleeps again.

        Args:
            until: where to; earlier than now changes nothing.
            sleepers: tells how many threads sleep by this clock when all is quiet.

        Raises:
            TimeoutError: a sleeper did not come back within half a minute of real time.
        """
        with self._changed:
            self._await_quiet(sleepers)
            while (due := min(self._asleep.values(), default=until)) <= until and due > self._now:
                self._now = due
                self._wake_due(sleepers)
            if until > self._now:
                self._now = until
                self._wake_due(sleepers)

    def _wake_due(self, sleepers: Callable[[], int]) -> None:
        for ticket in [ticket for ticket, due in self._asleep.items() if due <= self._now]:
            del self._asleep[ticket]
        self._changed.notify_all()
        self._await_quiet(sleepers)

    def _await_quiet(self, sleepers: Callable[[], int]) -> None:
        patient_until = time.monotonic() + _PATIENCE_S
        while len(self._asleep) < sleepers():
            self._changed.wait(_GLANCE_S)
            if time.monotonic() > patient_until:
                message = f"{sleepers() - len(self._asleep)} sleepers did not come back"
                raise TimeoutError(message)


class EdgeClock:
    """A demo clock as a device sees it: always synchronised, since boot whenever it was made."""

    def __init__(self, clock: DemoClock) -> None:
        self._clock, self._booted_ms = clock, to_ms(clock.now())

    def read(self) -> Instant:
        """The time now."""
        wall_ms = to_ms(self._clock.now())
        return Instant(wall_ms, wall_ms - self._booted_ms, "demo", is_synchronised=True)

    def pause(self, seconds: float, wake: threading.Event) -> None:
        """Wait for so many seconds of the demo's clock, or until `wake` is set."""
        self._clock.pause(seconds, wake)


def real_now() -> datetime:
    """The time of this machine; aware UTC."""
    return datetime.now(UTC)
