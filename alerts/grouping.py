"""One text for what has one cause. Pure; what is said by another text is not sent, and the record says by which.

A cloud of mud breaks a limit, changes fast and is an event: three rules, and one thing to know. A text makes
another needless when both are about the same water point and it says all that one has to act on. Two limits never
do: turbid water and sour water ask for different things.

**Invariants**
* What is urgent is never kept back by what is not.
* Of what was kept back its reader counts as told: they hear of its end.
* Somebody is told: a text is gathered under one that goes out itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.ports import Fate, Kind, Outcome, Pending

# How long after a text what is of the same cause belongs to it.
WINDOW = timedelta(minutes=10)

_CHANGES = frozenset({Kind.CHANGED_FAST, Kind.WATER_CHANGED})
_OF_A_DEVICE = frozenset({Kind.PROBE_FAULT, Kind.RECORD_OPEN})
_LESS = {
    Kind.TURBIDITY_HIGH: _CHANGES,
    Kind.PH_OUT: _CHANGES,
    Kind.LIMIT_BROKEN: _CHANGES,
    Kind.CHANGED_FAST: frozenset({Kind.WATER_CHANGED}),
    Kind.DEVICE_SILENT: _OF_A_DEVICE,
    Kind.PROBE_FAULT: frozenset({Kind.RECORD_OPEN}),
}
_ALIKE = frozenset({Kind.CHANGED_FAST, Kind.PROBE_FAULT})  # two of them ask for the same walk


@dataclass(frozen=True, slots=True)
class Said:
    """A text that a person got, or is about to get, of another alert at the same water point.

    Attributes:
        id: id in the ledger.
        kind: what it says.
        is_urgent: whether somebody must act at once.
        owed_at: when it became owed.
    """

    id: int
    kind: Kind
    is_urgent: bool
    owed_at: datetime


class Place(StrEnum):
    """What becomes of a new text beside those before it."""

    ALONE = "alone"  # it goes its own way
    HELD = "held"  # until the window has passed, and then with whatever else there is
    SAID = "said"  # another text says it


@dataclass(frozen=True, slots=True)
class Placed:
    """What becomes of a new text, and beside which.

    Attributes:
        place: what.
        beside: the text before it; None where it is alone.
    """

    place: Place
    beside: Said | None = None

    @property
    def why(self) -> str:
        """For the record; "" where it is alone."""
        if self.beside is None:
            return ""
        if self.place is Place.SAID:
            return said_by(self.beside.id)
        return f"soon after text {self.beside.id}, of the same cause"


def place(kind: Kind, lately: Sequence[Said], now: datetime, *, is_urgent: bool) -> Placed:
    """What becomes of a new text of a person who was told of the same water point lately.

    Args:
        kind: what the new one says.
        lately: what the person was told, or is being told, of other alerts there.
        now: when the new one becomes owed.
        is_urgent: whether the new one is.
    """
    near = [each for each in lately if now - each.owed_at < WINDOW and each.is_urgent >= is_urgent]
    for each in near:
        if kind in _LESS.get(each.kind, ()):
            return Placed(Place.SAID, each)
    for each in near:
        if kind is each.kind and kind in _ALIKE and not is_urgent:
            return Placed(Place.HELD, each)
    return Placed(Place.ALONE)


def gathered(due: Sequence[Pending], now: datetime) -> Sequence[Outcome]:
    """Of texts that come due together: those that another one says.

    Args:
        due: what is due; what was tried already, or is only asked about, stays as it is.
        now: the time.
    """
    kept: dict[tuple[str, str], list[Pending]] = {}
    outcomes = []
    fresh = [each for each in due if each.fate is Fate.QUEUED and not each.attempts and each.person]
    for pending in sorted(fresh, key=_most_telling_first):
        there = kept.setdefault((pending.person, pending.water_point), [])
        teller = next((each for each in there if _says(each, pending)), None)
        if teller is None:
            there.append(pending)
        else:
            why = said_by(teller.id)
            outcomes.append(Outcome(pending.id, Fate.GATHERED, 0, now, None, detail=why))
    return outcomes


def said_by(number: int) -> str:
    """For the record: which text says it."""
    return f"said by text {number}"


def _says(teller: Pending, other: Pending) -> bool:
    if other.is_urgent > teller.is_urgent or teller.kind is None:
        return False
    is_alike = teller.kind is other.kind and teller.kind in _ALIKE
    return is_alike or other.kind in _LESS.get(teller.kind, ())


def _most_telling_first(pending: Pending) -> tuple[bool, int, int]:
    says = 0 if pending.kind is None else len(_LESS.get(pending.kind, ()))
    return not pending.is_urgent, -says, pending.id
