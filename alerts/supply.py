"""The supply calendar of a water point: in which hours of the week water is due. Hours are those of Tbilisi.

Written as people say it: `mon-fri 06:00-09:00 18:00-22:00; sat,sun 06:00-22:00`, or `always`. Days that are not
named have no water. Hours past midnight belong to the day on which they begin: `22:00-02:00`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

_TBILISI = ZoneInfo("Asia/Tbilisi")
ALWAYS = "always"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 24 * 60
_WEEK = 7 * _DAY
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_EXAMPLE = "write for example `mon-fri 06:00-09:00 18:00-22:00; sat,sun 06:00-22:00`, or `always`"


@dataclass(frozen=True)
class Supply:
    """When water is due.

    Attributes:
        text: as it was written, tidied.
        spans: (first, end) in minutes since Monday 00:00, each end not included.
    """

    text: str
    spans: tuple[tuple[int, int], ...]

    @classmethod
    def parse(cls, text: str) -> "Supply":
        """Read a calendar.

        Raises:
            ValueError: it cannot be read; mended by whoever wrote it.
        """
        tidy = " ".join(text.lower().split())
        if tidy == ALWAYS:
            return cls(ALWAYS, ((0, _WEEK),))
        parts = [part.strip() for part in tidy.split(";") if part.strip()]
        if not parts:
            raise ValueError(f"it names no hours: {_EXAMPLE}")
        return cls("; ".join(parts), tuple(sorted(span for part in parts for span in _spans(part))))

    def __str__(self) -> str:
        return self.text

    def is_due(self, at: datetime) -> bool:
        """Whether water is due at an instant."""
        here = at.astimezone(_TBILISI)
        minute = here.weekday() * _DAY + here.hour * 60 + here.minute
        return any(first <= minute < end for first, end in self._folded)

    def hours_a_week(self) -> float:
        """How many hours of the week water is due."""
        return len({minute for first, end in self._folded for minute in range(first, end)}) / 60

    @cached_property
    def _folded(self) -> tuple[tuple[int, int], ...]:
        """The spans within one week: what runs past Sunday night goes on at its beginning."""
        return tuple(each for span in self.spans for each in _fold(span))


def is_between(at: datetime, begins: timedelta, ends: timedelta) -> bool:
    """Whether an instant lies between two times of the day in Tbilisi; over midnight where `ends` is earlier."""
    here = at.astimezone(_TBILISI)
    since_midnight = timedelta(hours=here.hour, minutes=here.minute, seconds=here.second)
    if begins <= ends:
        return begins <= since_midnight < ends
    return since_midnight >= begins or since_midnight < ends


def _fold(span: tuple[int, int]) -> Iterator[tuple[int, int]]:
    first, end = span
    yield first, min(end, _WEEK)
    if end > _WEEK:
        yield 0, end - _WEEK


def _spans(part: str) -> Iterator[tuple[int, int]]:
    days, *spans = part.split(" ")
    if not spans:
        raise ValueError(f"{part!r} names no hours: {_EXAMPLE}")
    for day in _days(days):
        for span in spans:
            first, end = _minutes(span)
            yield day * _DAY + first, day * _DAY + end


def _days(text: str) -> Iterator[int]:
    for each in text.split(","):
        first, _, last = each.partition("-")
        if first not in _DAYS or (last or first) not in _DAYS:
            raise ValueError(f"{each!r} is no day ({', '.join(_DAYS)}): {_EXAMPLE}")
        begin, end = _DAYS.index(first), _DAYS.index(last or first)
        yield from (day % 7 for day in range(begin, (end if end >= begin else end + 7) + 1))


def _minutes(span: str) -> tuple[int, int]:
    found = _SPAN.fullmatch(span)
    if found is None:
        raise ValueError(f"{span!r} are no hours: {_EXAMPLE}")
    first_hour, first_minute, end_hour, end_minute = map(int, found.groups())
    first, end = first_hour * 60 + first_minute, end_hour * 60 + end_minute
    if end > _DAY or first == end:
        raise ValueError(f"{span!r} are no hours: {_EXAMPLE}")
    return first, end if end > first else end + _DAY
