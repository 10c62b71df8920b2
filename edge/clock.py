"""The device's clock: what time it is, and how far that can be believed.

A Raspberry Pi before model 5 has no clock of its own: it may start in 1970 and jump hours later. So an instant
carries the wall time, the time since boot (which never jumps), the boot it belongs to, whether the wall time is
known, and how far it may be off.
"""

import ctypes
import math
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
DRIFT = 1e-4  # a clock nobody corrects: 100 ppm, thrice what a Pi's crystal shows between frost and summer
EXACT_WITHIN_S = 1.0  # what is nearer is called exact, on the wire too


@dataclass(frozen=True, slots=True)
class Instant:
    """One reading of the clock.

    Attributes:
        wall_ms: wall time, milliseconds since 1970, UTC; may be wrong unless `is_synchronised`.
        boottime_ms: milliseconds since boot, sleep included (CLOCK_BOOTTIME).
        boot_id: which boot it was.
        is_synchronised: whether the wall time is known.
        uncertainty_s: how far the wall time may be off where it is known, in seconds.
    """

    wall_ms: int
    boottime_ms: int
    boot_id: str
    is_synchronised: bool
    uncertainty_s: float = 0.0

    @property
    def wall(self) -> datetime:
        """Wall time; aware UTC."""
        return from_ms(self.wall_ms)

    @property
    def booted_ms(self) -> int:
        """When this boot began, by this wall time; milliseconds since 1970, UTC."""
        return self.wall_ms - self.boottime_ms


def drift_s(elapsed_ms: int) -> float:
    """How far a clock that nobody corrects may have gone wrong in so many milliseconds, either way; in seconds."""
    return abs(elapsed_ms) * DRIFT / 1000


def stated_s(uncertainty_s: float) -> float:
    """An uncertainty as it is told: 0 where the time is exact, else whole seconds, rounded up."""
    return 0.0 if uncertainty_s < EXACT_WITHIN_S else float(math.ceil(uncertainty_s))


class Clock(Protocol):
    """What the agent's loops need of time."""

    def read(self) -> Instant:
        """The time now."""
        ...

    def pause(self, seconds: float, wake: threading.Event) -> None:
        """Wait for so many seconds of this clock, or until `wake` is set."""
        ...


def _kernel_is_synchronised() -> bool:
    """Whether a daemon has told the kernel that its clock is right, and not too long ago."""
    state = int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
    return 0 <= state < _TIME_ERROR


class SystemClock:
    """The clock of this machine.

    Args:
        trusts_always: take the wall time as synchronised, for machines whose clock somebody else looks after.
    """

    def __init__(self, *, trusts_always: bool = False) -> None:
        self._trusts_always = trusts_always
        self._right_at_ms: int | None = None  # since boot: when it was last known to be right
        self._boot_id = _BOOT_ID.read_text().strip()

    def read(self) -> Instant:
        """The time now; once right, it stays known, and grows uncertain while nobody corrects it."""
        wall_ms = time.time_ns() // 1_000_000
        boottime_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
        if self._trusts_always or _kernel_is_synchronised():
            self._right_at_ms = boottime_ms
        elif self._right_at_ms is None:
            self._right_at_ms = _marked_at_ms(wall_ms, boottime_ms)
        is_known = self._right_at_ms is not None
        uncertainty_s = drift_s(boottime_ms - self._right_at_ms) if self._right_at_ms is not None else 0.0
        return Instant(wall_ms, boottime_ms, self._boot_id, is_known, uncertainty_s)

    def pause(self, seconds: float, wake: threading.Event) -> None:
        """Wait for so many seconds, or until `wake` is set."""
        wake.wait(max(0.0, seconds))


def _marked_at_ms(wall_ms: int, boottime_ms: int) -> int | None:
    """When systemd-timesyncd left its mark in this boot, in milliseconds since boot; None when it has not."""
    try:
        marked_ms = _SYNCHRONISED.stat().st_mtime_ns // 1_000_000
    except OSError:
        return None
    return min(max(0, boottime_ms - (wall_ms - marked_ms)), boottime_ms)
