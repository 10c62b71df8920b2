"""What texts cost a day, and when that is too much. Pure, but for the port of the purse.

**Invariants**
* The day is Tbilisi's. Amounts are whole tetri (hundredths of a lari), so that sums are exact.
* The ceiling holds up what can wait until tomorrow. An urgent text is never held up by money: somebody must hear of
  a breach, and a prepaid account ends by itself.
* Each threshold is crossed once a day, whoever spends.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Protocol

from alerts.recipient import TBILISI


class Threshold(StrEnum):
    """What somebody must hear of."""

    NEAR = "near"
    REACHED = "reached"


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most that a day's texts may cost.

    Attributes:
        tetri: the most, in hundredths of a lari; None for none.
        warn_at: the part of it at which somebody is warned.
    """

    tetri: int | None = None
    warn_at: float = 0.8

    def leaves_room_for(self, cost_tetri: int, spent_tetri: int) -> bool:
        """Whether a text that can wait may go out today; one that costs nothing always may."""
        return self.tetri is None or cost_tetri == 0 or spent_tetri + cost_tetri <= self.tetri

    def crossed(self, before_tetri: int, after_tetri: int) -> Threshold | None:
        """The gravest threshold between two sums of a day; None where none lies there."""
        if self.tetri is None:
            return None
        if before_tetri < self.tetri <= after_tetri:
            return Threshold.REACHED
        return Threshold.NEAR if before_tetri < self.tetri * self.warn_at <= after_tetri else None


class Purse(Protocol):
    """Remembers what was spent, for all notifiers together."""

    def spent_tetri(self, day: date) -> int:
        """What texts have cost on a day.

        Raises:
            LinkError: it cannot be told now; mended by time.
        """
        ...

    def spend(self, day: date, gateway: str, *, segments: int, tetri: int) -> int:
        """Add a text, and return what the day has cost with it.

        Raises:
            LinkError: it cannot be recorded now; mended by time.
        """
        ...


class PurseInMemory:
    """A purse that lasts as long as the process."""

    def __init__(self) -> None:
        self._spent: Counter[date] = Counter()

    def spent_tetri(self, day: date) -> int:
        """What texts have cost on a day."""
        return self._spent[day]

    def spend(self, day: date, gateway: str, *, segments: int, tetri: int) -> int:  # noqa: ARG002 - the port's form
        """Add a text, and return what the day has cost with it."""
        self._spent[day] += tetri
        return self._spent[day]


def day_of(now: datetime) -> date:
    """Tbilisi's day."""
    return now.astimezone(TBILISI).date()


def until_tomorrow_s(now: datetime) -> float:
    """Seconds until Tbilisi's next day."""
    midnight = datetime.combine(day_of(now) + timedelta(days=1), time(), TBILISI)
    return (midnight - now).total_seconds()
