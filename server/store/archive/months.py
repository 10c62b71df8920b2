"""Calendar months in UTC: how a package is divided, and how long a piece of a walk is."""

from collections.abc import Iterator
from datetime import UTC, datetime

from waterquality.readings import from_ms, to_ms

_MONTHS = 12


def month_of(instant_ms: int) -> str:
    """`2026-11`."""
    return f"{from_ms(instant_ms):%Y-%m}"


def span_of(month: str) -> tuple[int, int]:
    """[start, end) of `2026-11`, in ms since 1970."""
    year, number = map(int, month.split("-"))
    after = divmod(year * _MONTHS + number, _MONTHS)
    return _start(year, number), _start(after[0], after[1] + 1)


def months_from(start_ms: int, end_ms: int) -> Iterator[str]:
    """Every month that [start, end) touches."""
    while start_ms < end_ms:
        month = month_of(start_ms)
        yield month
        start_ms = span_of(month)[1]


def _start(year: int, number: int) -> int:
    return to_ms(datetime(year, number, 1, tzinfo=UTC))
