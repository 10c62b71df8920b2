"""What a new text makes of those that a person is owed of the same episode. Pure; every ledger goes by it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.ports import Fate, Owed


@dataclass(frozen=True, slots=True)
class Debt:
    """A text of an episode that a person is owed, or was sent.

    Attributes:
        id: id in the ledger.
        number: `Owed.number`.
        fate: its fate.
        attempts: how often it was tried.
        due_at: when it is due; None when its fate is final.
    """

    id: int
    number: int
    fate: Fate
    attempts: int
    due_at: datetime | None

    def is_held(self, now: datetime) -> bool:
        """Whether it waits for its time, and nobody has tried to send it."""
        is_untried = self.fate is Fate.QUEUED and not self.attempts
        return is_untried and self.due_at is not None and self.due_at > now

    @property
    def step(self) -> int:
        """The telling of the episode that it belongs to."""
        return self.number if self.number > 0 else -self.number // 10


@dataclass(frozen=True, slots=True)
class Settlement:
    """What to do.

    Attributes:
        drops: ids of those that are needed no longer.
        due_at: when the new one is due; None where it is not owed.
    """

    drops: tuple[int, ...]
    due_at: datetime | None


def settle(new: Owed, before: Sequence[Debt]) -> Settlement:
    """What a new text does to those before it.

    * That it is over is told to whoever was told that it began. Whose texts were all held hears neither.
    * A text about something worse takes the place, and the turn, of those before it that are still held.

    Args:
        new: what becomes owed.
        before: what the same person is or was owed of the same alert and episode.
    """
    held = [debt for debt in before if debt.is_held(new.owed_at)]
    if new.ends:
        was_told = any(debt not in held and debt.fate is not Fate.DROPPED for debt in before)
        is_owed = was_told or not before
        return Settlement(tuple(debt.id for debt in held), new.due_at if is_owed else None)
    if new.number < 0:
        return Settlement((), new.due_at)
    older = [debt for debt in held if debt.step < new.step]
    turns = [debt.due_at for debt in older if debt.number > 0 and debt.due_at is not None]
    return Settlement(tuple(debt.id for debt in older), min([new.due_at, *turns]))
