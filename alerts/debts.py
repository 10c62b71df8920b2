"""What a new text makes of those that a person is owed about one water point. Pure; every ledger goes by it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.grouping import WINDOW, Place, Said, place
from alerts.ports import AlertKey, Fate, Kind, Owed

# What an all-clear is the end of.
_ENDS_ALL_CLEAR = frozenset({Kind.TURBIDITY_HIGH, Kind.PH_OUT, Kind.LIMIT_BROKEN, Kind.NIGHT_FLOW})
_NOT_SAID = (Fate.DROPPED, Fate.GATHERED, Fate.FAILED)


@dataclass(frozen=True, slots=True)
class Debt:
    """A text about a water point that a person is owed, or was sent.

    Attributes:
        id: id in the ledger.
        key: the alert.
        episode: its episode.
        kind: what it says.
        owed_at: when it became owed.
        is_urgent: whether somebody must act at once.
        number: `Owed.number`.
        fate: its fate.
        attempts: how often it was tried.
        due_at: when it is due; None when its fate is final.
    """

    id: int
    key: AlertKey
    episode: int
    kind: Kind
    owed_at: datetime
    is_urgent: bool
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
        due_at: when the new one is due; None where it is not to be sent.
        is_owed: whether the new one goes on record at all.
        why: why it waits, or who says it instead; "" where nothing is out of the ordinary.
    """

    drops: tuple[int, ...]
    due_at: datetime | None
    is_owed: bool = True
    why: str = ""


def settle(new: Owed, there: Sequence[Debt]) -> Settlement:
    """What a new text does to those before it, and they to it.

    * That it is over is told to whoever was told that it began. Whose texts were all held hears neither.
    * That all is well is told to whoever was told of anything there since they last heard so.
    * A text about something worse takes the place, and the turn, of those before it that are still held.
    * What another text says already is not sent; see `alerts.grouping`.

    Args:
        new: what becomes owed.
        there: what the same person is or was owed about the same water point, oldest first.
    """
    before = [debt for debt in there if (debt.key, debt.episode) == (new.key, new.episode)]
    held = [debt for debt in before if debt.is_held(new.owed_at)]
    if new.ends:
        was_told = any(debt not in held and debt.fate is not Fate.DROPPED for debt in before)
        is_owed = was_told or not before or _awaits_all_clear(new, there)
        return Settlement(tuple(debt.id for debt in held), new.due_at if is_owed else None, is_owed)
    if new.number < 0:
        return Settlement((), new.due_at)
    older = [debt for debt in held if debt.step < new.step]
    turns = [debt.due_at for debt in older if debt.number > 0 and debt.due_at is not None]
    return _beside(new, there, tuple(debt.id for debt in older), min([new.due_at, *turns]))


def _beside(new: Owed, there: Sequence[Debt], drops: tuple[int, ...], due_at: datetime) -> Settlement:
    """What is held anyway is looked at when it comes due; what is due now, beside what was said lately."""
    if due_at > new.owed_at:
        return Settlement(drops, due_at)
    lately = [
        Said(debt.id, debt.kind, debt.is_urgent, debt.owed_at)
        for debt in there
        if debt.key != new.key and debt.fate not in _NOT_SAID and not debt.is_held(new.owed_at)
    ]
    placed = place(new.kind, lately, new.owed_at, is_urgent=new.is_urgent)
    if placed.beside is None:
        return Settlement(drops, due_at)
    until = placed.beside.owed_at + WINDOW if placed.place is Place.HELD else None
    return Settlement(drops, until, why=placed.why)


def _awaits_all_clear(new: Owed, there: Sequence[Debt]) -> bool:
    """Whether somebody was told of other water trouble there, and of no end of it yet."""
    if new.kind is not Kind.ALL_CLEAR:
        return False
    for debt in reversed(there):
        if debt.fate is Fate.DROPPED or debt.is_held(new.owed_at):
            continue
        if debt.kind is Kind.ALL_CLEAR:
            return False
        if debt.kind in _ENDS_ALL_CLEAR:
            return True
    return False
