"""The timekeeper: the best that the device knows of the time, from whatever tells it.

In this order: what keeps the system clock right (NTP); a receipt, whose server time is right to the time it took;
the clock of a Pi 5, if it was right before; the time known when the agent last ran in this boot. Else nobody knows
the time, and what is shown is the earliest that it can be, so that it never lies below what was recorded already.

**Invariant**: what is called known is known to within its uncertainty; the system clock itself is never set.
"""

import threading
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import structlog

from edge.clock import Clock, Instant, drift_s
from edge.outbox.dating import Known
from waterquality.readings import from_ms

_log = structlog.get_logger()
COARSE_WITHIN_S = 60.0  # a worse answer is no answer: the device asks again
_RTC_AGREES_MS = 5_000
_RTC_DOUBT_S = 2.0  # it counts whole seconds, and the kernel reads it once


@dataclass(frozen=True, slots=True)
class _Anchor:
    """A moment of this boot whose wall time was learnt."""

    wall_ms: int
    boottime_ms: int
    uncertainty_s: float

    def at(self, raw: Instant) -> Instant:
        """The instant by this anchor."""
        elapsed_ms = raw.boottime_ms - self.boottime_ms
        return replace(
            raw,
            wall_ms=self.wall_ms + elapsed_ms,
            is_synchronised=True,
            uncertainty_s=self.uncertainty_s + drift_s(elapsed_ms),
        )


class Timekeeper:
    """A clock made of all that knows the time.

    Args:
        clock: of the machine.
        known: the newest time that a record has.
        earliest_ms: the earliest that it can be now, milliseconds since 1970, UTC.
        rtc_ms: what a clock with a battery shows, milliseconds since 1970, UTC; None where there is none.
    """

    def __init__(self, clock: Clock, *, known: Known, earliest_ms: int, rtc_ms: int | None = None) -> None:
        now = clock.read()
        self._clock, self._lock = clock, threading.Lock()
        self._floor = _Anchor(earliest_ms, now.boottime_ms, 0.0)
        self._anchor = _kept(known, now) or _of_battery(rtc_ms, known, now)

    def read(self) -> Instant:
        """The time now."""
        raw = self._clock.read()
        with self._lock:
            told = None if self._anchor is None else self._anchor.at(raw)
        if raw.is_synchronised and (told is None or raw.uncertainty_s <= told.uncertainty_s):
            return raw
        if told is not None:
            return told
        return replace(raw, wall_ms=max(raw.wall_ms, self._floor.at(raw).wall_ms))

    def pause(self, seconds: float, wake: threading.Event) -> None:
        """Wait for so many seconds, or until `wake` is set."""
        self._clock.pause(seconds, wake)

    def earliest(self) -> datetime:
        """The earliest that it can be now; aware UTC."""
        now = self.read()
        if now.is_synchronised:
            return from_ms(now.wall_ms - round(now.uncertainty_s * 1000))
        return self._floor.at(now).wall

    def learn(self, server_ms: int, *, asked_ms: int, heard_ms: int) -> bool:
        """Hear the server's time; returns whether the time is known now and was not before.

        Args:
            server_ms: what the server's clock showed at some moment between the two, milliseconds since 1970, UTC.
            asked_ms: before the server was asked, milliseconds since boot.
            heard_ms: when its answer was here, milliseconds since boot.
        """
        now = self.read()
        half_ms = (heard_ms - asked_ms) / 2
        anchor = _Anchor(server_ms + round(half_ms), heard_ms, half_ms / 1000)
        heard = anchor.at(now)
        floor_ms = self._floor.at(now).wall_ms
        if heard.uncertainty_s > COARSE_WITHIN_S or heard.wall_ms + heard.uncertainty_s * 1000 < floor_ms:
            return False
        if now.is_synchronised and now.uncertainty_s <= heard.uncertainty_s:
            return False
        with self._lock:
            self._anchor = anchor
        if not now.is_synchronised:
            _log.info("time_told", uncertainty_s=round(heard.uncertainty_s, 3))
        return not now.is_synchronised


def _kept(known: Known, now: Instant) -> _Anchor | None:
    """What the agent knew before it was started anew in the same boot."""
    if known.boot_id != now.boot_id or known.uncertainty_s > COARSE_WITHIN_S:
        return None
    return _Anchor(known.ms, known.boottime_ms, known.uncertainty_s)


def _of_battery(rtc_ms: int | None, known: Known, now: Instant) -> _Anchor | None:
    """A clock with a battery is believed if the system runs by it and it has not fallen behind what was recorded.

    It was right when the newest record was dated, and may have drifted since.
    """
    was_right = known.boot_id and known.uncertainty_s <= COARSE_WITHIN_S
    if (
        rtc_ms is None
        or not was_right
        or abs(rtc_ms - now.wall_ms) > _RTC_AGREES_MS
        or now.wall_ms < known.ms
    ):
        return None
    doubt_s = _RTC_DOUBT_S + known.uncertainty_s + drift_s(now.wall_ms - known.ms)
    return _Anchor(now.wall_ms, now.boottime_ms, doubt_s)


def battery_clock_ms(folder: Path = Path("/sys/class/rtc/rtc0")) -> int | None:
    """What the machine's battery clock shows, milliseconds since 1970, UTC.

    Args:
        folder: of the kernel's first one.

    Returns:
        None where there is none, or the kernel did not set the system's clock by it.
    """
    try:
        if (folder / "hctosys").read_text().strip() != "1":
            return None
        return int((folder / "since_epoch").read_text()) * 1000
    except (OSError, ValueError):
        return None
