"""The device's clock: what time it is, and whether that can be believed.

A Raspberry Pi before model 5 has no clock of its own: it may start in 1970 and jump hours later. So an instant
carries the wall time, the time since boot (which never jumps), the boot it belongs to, and whether the wall time
was synchronised.
"""

import ctypes
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from waterquality.readings import from_ms

_SYNCHRONISED = Path(
    "/run/systemd/timesync/synchronized"
)  # made by systemd-timesyncd at the first sync of a boot
_TIMEX_BYTES = 512  # struct timex is 208 bytes; zeroed, it asks and sets nothing
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Instant:
    """One reading of the clock.

    Attributes:
        wall_ms: wall time, milliseconds since 1970, UTC; may be wrong unless `is_synchronised`.
        boottime_ms: milliseconds since boot, sleep included (CLOCK_BOOTTIME).
        boot_id: which boot it was.
        is_synchronised: whether the wall time had been synchronised.
    """

    wall_ms: int
    boottime_ms: int
    boot_id: str
    is_synchronised: bool

    @property
    def wall(self) -> datetime:
        """Wall time; aware UTC."""
        return from_ms(self.wall_ms)


class Clock(Protocol):
    """What the agent's loops need of time."""

    def read(self) -> Instant:
        """The time now."""
        ...

    def pause(self, seconds: float, wake: threading.Event) -> None:
        """Wait for so many seconds of this clock, or until `wake` is set."""
        ...


def _kernel_is_synchronised() -> bool:
    """Whether chrony, ntpd or any other daemon has told the kernel that its clock is right."""
    state = int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
    return 0 <= state < _TIME_ERROR


class SystemClock:
    """The clock of this machine.

    Args:
        trusts_always: take the wall time as synchronised, for machines that have a clock of their own.
    """

    def __init__(self, *, trusts_always: bool = False) -> None:
        self._is_right = trusts_always
        self._boot_id = _BOOT_ID.read_text().strip()

    def read(self) -> Instant:
        """The time now; once right, it is taken to be right for good, as a boot without a network must be."""
        self._is_right = self._is_right or _SYNCHRONISED.exists() or _kernel_is_synchronised()
        return Instant(
            wall_ms=time.time_ns() // 1_000_000,
            boottime_ms=time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000,
            boot_id=self._boot_id,
            is_synchronised=self._is_right,
        )

    def pause(self, seconds: float, wake: threading.Event) -> None:
        """Wait for so many seconds, or until `wake` is set."""
        wake.wait(max(0.0, seconds))
