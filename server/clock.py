"""The server's clock, injected into every loop, so that a demo or a replay can run it faster."""

import threading
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the server's loops need of time."""

    def now(self) -> datetime:
        """The time; aware UTC."""
        ...

    def pause(self, seconds: float, wake: threading.Event) -> None:
        """Wait for so many seconds of this clock, or until `wake` is set."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The time; aware UTC."""
        return datetime.now(UTC)

    def pause(self, seconds: float, wake: threading.Event) -> None:
        """Wait for so many seconds, or until `wake` is set."""
        wake.wait(max(0.0, seconds))
