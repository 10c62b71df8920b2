"""A device's clock that stands still unless somebody waits on it; then it jumps to the end of the wait."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from edge.clock import Instant

START_MS = 1_763_900_040_000  # a whole minute


@dataclass
class HandWoundClock:
    """An `edge.clock.Clock`.

    Attributes:
        wall_ms: wall time now.
        boottime_ms: time since boot; goes on however the wall time is set.
        is_synchronised: whether the wall time can be believed.
        waits: how long was waited, in seconds, oldest first.
        at_wait: called with the clock before each wait; may set it, or shorten the wait by returning seconds.
    """

    wall_ms: int = START_MS
    boottime_ms: int = 0
    is_synchronised: bool = True
    waits: list[float] = field(default_factory=list)
    at_wait: Callable[["HandWoundClock"], float | None] = lambda _: None

    def read(self) -> Instant:
        """The time now."""
        return Instant(self.wall_ms, self.boottime_ms, "boot-1", self.is_synchronised)

    def pause(self, seconds: float, wake: threading.Event) -> None:
        """Jump to the end of the wait, unless woken before."""
        self.waits.append(seconds)
        shortened = self.at_wait(self)
        if not wake.is_set():
            self.run(seconds if shortened is None else shortened)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.wall_ms += round(seconds * 1000)
        self.boottime_ms += round(seconds * 1000)
