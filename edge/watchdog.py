"""The watchdog: systemd hears that all is well only while it is, and starts the agent anew when it hears nothing.

A loop is well while its thread lives and no piece of its work lasts too long; waiting, however long, is no work.
Is not: the heartbeat, which tells the server how the device stands and may be as rare as the SIM allows.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import structlog

_log = structlog.get_logger()
_PETS_A_PERIOD = 3  # systemd advises two or more (sd_watchdog_enabled(3)); one may come late on a busy Pi


class Work:
    """What a loop is at: entered with each piece of work, left when it goes back to waiting."""

    def __init__(self) -> None:
        self._begun_s: float | None = None

    def __enter__(self) -> Self:
        self._begun_s = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self._begun_s = None

    def lasts_s(self, now_s: float) -> float:
        """For how many seconds it has been at one piece of work; 0 while it waits.

        Args:
            now_s: seconds of CLOCK_MONOTONIC.
        """
        begun_s = self._begun_s
        return 0.0 if begun_s is None else now_s - begun_s


@dataclass(frozen=True, slots=True)
class Watched:
    """A loop under watch.

    Attributes:
        thread: what it runs on; its name is the loop's.
        work: what it is at.
    """

    thread: threading.Thread
    work: Work

    def trouble(self, now_s: float, longest_s: float) -> str:
        """Why it is not well; "" when it is.

        Args:
            now_s: seconds of CLOCK_MONOTONIC.
            longest_s: how long a piece of work may last.
        """
        if not self.thread.is_alive():
            return f"{self.thread.name} has ended"
        if self.work.lasts_s(now_s) > longest_s:
            return f"{self.thread.name} has been at one thing for more than {longest_s:g} s"
        return ""


@dataclass(frozen=True, slots=True)
class Watchdog:
    """What has to be petted.

    Attributes:
        period_s: seconds without petting after which it bites; also how long one piece of work may last.
        pet: pets it.
    """

    period_s: float
    pet: Callable[[], object]

    def run(self, loops: Sequence[Watched], stop: threading.Event) -> None:
        """Pet it while all loops are well, until `stop` is set."""
        said = ""
        while not stop.is_set():
            now_s = time.monotonic()
            found = "; ".join(filter(None, (loop.trouble(now_s, self.period_s) for loop in loops)))
            if not found:
                self.pet()
            elif found != said:
                _log.error("loop_stuck", detail=found)
            said = found
            stop.wait(self.period_s / _PETS_A_PERIOD)


def watchdog_of_systemd(pet: Callable[[], object]) -> Watchdog | None:
    """The watchdog that systemd has set on this process or on its parent; None when it has set none."""
    period_us, meant = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not period_us.isdigit() or meant not in {"", str(os.getpid()), str(os.getppid())}:
        return None
    return Watchdog(int(period_us) / 1_000_000, pet)
