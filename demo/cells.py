"""What one cell of a recording says: an instant, a number, nothing, or something that cannot be used and why.

Pure. A local time is taken only where it names exactly one instant: in the hour that clocks skip or repeat
the row is bad rather than an hour off.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

_EPOCH_SECONDS = re.compile(r"\d{9,10}(\.\d+)?")
_FINER_EPOCH = re.compile(r"\d{11,}(\.\d+)?")
_MISSING_WORDS = frozenset({"", "null", "none", "nan", "na", "n/a"})


class Flaw(StrEnum):
    """What is wrong with a row."""

    TOO_FEW_COLUMNS = "too_few_columns"
    NOT_CSV = "not_csv"
    TIME_UNREADABLE = "time_unreadable"
    TIME_WITHOUT_ZONE = "time_without_zone"
    TIME_AMBIGUOUS = "time_ambiguous"
    TIME_SKIPPED = "time_skipped"
    TIME_NOT_LATER = "time_not_later"
    NUMBER_UNREADABLE = "number_unreadable"


@dataclass(frozen=True, slots=True)
class Flawed:
    """A flaw, and a clause for the person who must mend the file."""

    flaw: Flaw
    reason: str


@dataclass(frozen=True, slots=True)
class MissingWords:
    """How a recording writes that there is no value.

    Attributes:
        words: in lower case.
        numbers: those of the words that are numbers, so that -9999 also stands for -9999.0.
    """

    words: frozenset[str]
    numbers: frozenset[float]

    @classmethod
    def of(cls, given: Iterable[str]) -> "MissingWords":
        """The given words beside those that everybody uses: an empty cell, NULL, None, NaN, NA, N/A."""
        words = _MISSING_WORDS | {word.strip().lower() for word in given}
        numbers = (_number(word) for word in words)
        return cls(words, frozenset(number for number in numbers if number is not None))


def read_number(text: str, missing: MissingWords) -> float | Flawed | None:
    """The number in a cell; None where it is a word for "missing"."""
    stripped = text.strip()
    if stripped.lower() in missing.words:
        return None
    number = _number(stripped)
    if number is None:
        hint = "; decimals are written with a point" if "," in stripped else ""
        return Flawed(Flaw.NUMBER_UNREADABLE, f"{stripped!r} is not a number{hint}")
    return None if number in missing.numbers else number


def read_instant(text: str, zone: ZoneInfo | None) -> datetime | Flawed:
    """The instant in a cell, aware UTC.

    Args:
        text: ISO 8601 with or without `T`, seconds and zone, or seconds since 1970.
        zone: of times that name none; None when nobody said.
    """
    stripped = text.strip()
    if _EPOCH_SECONDS.fullmatch(stripped):
        return datetime.fromtimestamp(float(stripped), UTC)
    if _FINER_EPOCH.fullmatch(stripped):
        return Flawed(Flaw.TIME_UNREADABLE, f"{stripped!r} is finer than seconds since 1970; give seconds")
    try:
        written = datetime.fromisoformat(stripped)
        return written.astimezone(UTC) if written.tzinfo else _from_local(written, zone)
    except (ValueError, OverflowError):
        return Flawed(
            Flaw.TIME_UNREADABLE, f"{stripped!r} is no time like 2026-03-01 14:30 and no seconds since 1970"
        )


def _from_local(written: datetime, zone: ZoneInfo | None) -> datetime | Flawed:
    if zone is None:
        return Flawed(
            Flaw.TIME_WITHOUT_ZONE, f"{written} names no zone; say --tz, for example --tz Asia/Tbilisi"
        )
    first, second = _offset(written, zone, fold=0), _offset(written, zone, fold=1)
    if first == second:
        return (written - first).replace(tzinfo=UTC)
    fixed = "if the recorder knew no summer time, give a zone without one, for example --tz Etc/GMT+7"
    if first > second:
        return Flawed(
            Flaw.TIME_AMBIGUOUS, f"{written} comes twice in {zone}, where clocks went back; {fixed}"
        )
    return Flawed(Flaw.TIME_SKIPPED, f"{written} never was in {zone}, where clocks went forward; {fixed}")


def _offset(written: datetime, zone: ZoneInfo, *, fold: int) -> timedelta:
    offset = written.replace(tzinfo=zone, fold=fold).utcoffset()
    assert offset is not None  # a ZoneInfo knows the offset of every local time
    return offset


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None
