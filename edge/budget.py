"""The SIM's budget: what has been carried this month, what it will come to, and how sparing that makes the device.

What counts is what the kernel says of each connection (`edge.metering`): both ways, TLS, repeats and keep-alive
included, and an estimate of the headers of TCP and IP. A month is one of Georgia's calendar.

**Invariants**
* A tight budget costs resolution first: larger batches, then fewer samples reported. It never costs an event: what
  is beyond a limit or flagged anew goes whatever the figures say, and so does one observation in the longest
  silence, because a device that falls silent to save money looks like one that is dead.
* The count survives restarts. A power cut may lose what was counted in the last quarter of an hour, no more.
* A clock that is not synchronised turns no month: what is counted then belongs to the month that was known last.
* A synchronised clock that goes back by more than a day was wrong before: its month counts from then on, with all
  that was counted since, so that no wrong date makes the device spare for years.
"""

import json
import threading
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum
from pathlib import Path

import structlog

from edge.clock import Instant
from firmware_config.whole_file import replace_file
from waterquality.readings import from_ms, to_ms

_log = structlog.get_logger()
_GEORGIA = timezone(timedelta(hours=4))  # Asia/Tbilisi; no summer time since 2005
_SAVE_EVERY_MS = 15 * 60 * 1000
_SET_RIGHT_MS = 24 * 60 * 60 * 1000
_FORECAST_AFTER_MS = 60 * 60 * 1000
# A tenth of the month's megabytes may be spent at any time, so that a first day with its backlog is not tight; the
# last twentieth is kept for events and for one observation in the longest silence.
_HEAD_START = 0.10
_SPENT_AT = 0.95


class Thrift(IntEnum):
    """How sparing the device must be."""

    EASE = 0
    TIGHT = 1
    SPENT = 2


@dataclass(frozen=True, slots=True)
class Spending:
    """What was counted.

    Attributes:
        month: `2026-11`; "" while no time was known yet.
        used_bytes: carried in that month, both ways.
        since_ms: when counting began in that month, milliseconds since 1970, UTC; 0 while no time was known.
        known_ms: the newest synchronised time that was seen.
    """

    month: str = ""
    used_bytes: int = 0
    since_ms: int = 0
    known_ms: int = 0

    def at(self, instant: Instant) -> "Spending":
        """The same later: a new month begins at nought; what was counted before any time was known stays."""
        is_set_right = instant.wall_ms < self.known_ms - _SET_RIGHT_MS
        if not instant.is_synchronised or not (is_set_right or instant.wall_ms > self.known_ms):
            return self
        month = month_of(instant.wall)
        if month == self.month:
            since_ms = min(self.since_ms, instant.wall_ms)
            return replace(self, since_ms=since_ms, known_ms=instant.wall_ms)
        used_bytes = 0 if self.month and not is_set_right else self.used_bytes
        return Spending(month, used_bytes, instant.wall_ms, instant.wall_ms)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a person is shown of the budget.

    Attributes:
        month: `2026-11`.
        used_bytes: carried this month, both ways.
        forecast_bytes: what the month will come to at this rate; None in the first hour of counting.
        cap_bytes: what the SIM may carry in a month; None without a cap.
        thrift: how sparing the device is because of it.
    """

    month: str
    used_bytes: int
    forecast_bytes: int | None
    cap_bytes: int | None
    thrift: Thrift


def month_of(wall: datetime) -> str:
    """The month of Georgia's calendar."""
    return wall.astimezone(_GEORGIA).strftime("%Y-%m")


def month_span(month: str) -> tuple[datetime, datetime]:
    """When a month begins and ends."""
    begins = datetime.strptime(month, "%Y-%m").replace(tzinfo=_GEORGIA)
    ends = (begins + timedelta(days=31)).replace(day=1)
    return begins.astimezone(UTC), ends.astimezone(UTC)


def figures_of(spending: Spending, cap_bytes: int | None) -> Figures:
    """What a person is shown, as of the newest time that was seen."""
    forecast = forecast_of(spending)
    return Figures(spending.month, spending.used_bytes, forecast, cap_bytes, thrift_of(spending, cap_bytes))


def forecast_of(spending: Spending) -> int | None:
    """What the month will come to at the rate since counting began; None before an hour of counting."""
    counted_ms = spending.known_ms - spending.since_ms
    if not spending.month or counted_ms < _FORECAST_AFTER_MS:
        return None
    left_ms = to_ms(month_span(spending.month)[1]) - spending.known_ms
    return spending.used_bytes + round(spending.used_bytes / counted_ms * max(0, left_ms))


def thrift_of(spending: Spending, cap_bytes: int | None) -> Thrift:
    """How sparing to be: the month's bytes may be spent as fast as its days, with a head start."""
    if cap_bytes is None:
        return Thrift.EASE
    if spending.used_bytes >= _SPENT_AT * cap_bytes:
        return Thrift.SPENT
    allowed = _HEAD_START + (_SPENT_AT - _HEAD_START) * _share_of_month(spending)
    return Thrift.TIGHT if spending.used_bytes > allowed * cap_bytes else Thrift.EASE


def _share_of_month(spending: Spending) -> float:
    if not spending.month:
        return 0.0
    begins, ends = month_span(spending.month)
    return (from_ms(spending.known_ms) - begins) / (ends - begins)


def look_into(path: Path, cap_bytes: int | None) -> Figures:
    """The figures of a budget that another process may be counting; as old as its last saving.

    Raises:
        OSError: there is no such file, or it cannot be read.
        ValueError: it holds no count.
    """
    return figures_of(_read(path), cap_bytes)


class Budget:
    """Counts, and remembers over restarts. Threads may share it.

    Args:
        path: the file of the count.
        cap_bytes: what the SIM may carry in a month; None without a cap.
    """

    def __init__(self, path: Path, cap_bytes: int | None = None) -> None:
        self._path, self._cap_bytes = path, cap_bytes
        self._lock = threading.Lock()
        self._spending = _opened(path)
        self._saved_at_ms: int | None = None

    def count(self, carried_bytes: int, instant: Instant) -> None:
        """So many more bytes were carried."""
        with self._lock:
            before = self._spending
            now = before.at(instant)
            self._spending = replace(now, used_bytes=now.used_bytes + carried_bytes)
            if self._saved_at_ms is None:
                self._saved_at_ms = instant.boottime_ms
            is_old = instant.boottime_ms - self._saved_at_ms >= _SAVE_EVERY_MS
            if is_old or before.month != now.month:
                self._save()
                self._saved_at_ms = instant.boottime_ms

    @property
    def used_bytes(self) -> int:
        """Carried this month."""
        return self._spending.used_bytes

    def figures(self) -> Figures:
        """What a person is shown."""
        return figures_of(self._spending, self._cap_bytes)

    def thrift(self) -> Thrift:
        """How sparing to be now."""
        return thrift_of(self._spending, self._cap_bytes)

    def close(self) -> None:
        """Write the count down."""
        with self._lock:
            self._save()

    def _save(self) -> None:
        """Whole or not at all: a power cut leaves the old file."""
        try:
            replace_file(self._path, json.dumps(asdict(self._spending)).encode())
        except OSError as error:
            _log.warning("budget_not_saved", path=str(self._path), detail=str(error))


def _opened(path: Path) -> Spending:
    try:
        return _read(path)
    except FileNotFoundError:
        return Spending()
    except (OSError, ValueError) as error:
        _log.warning("budget_unreadable", path=str(path), detail=str(error))
        return Spending()


def _read(path: Path) -> Spending:
    try:
        spending = Spending(**json.loads(path.read_text(encoding="utf-8")))
        month_span(spending.month or "1970-01")
        numbers = (spending.used_bytes, spending.since_ms, spending.known_ms)
    except TypeError as error:
        raise ValueError(str(error)) from error
    if any(isinstance(number, bool) or not isinstance(number, int) or number < 0 for number in numbers):
        raise ValueError(f"{numbers} is no count")
    return spending
