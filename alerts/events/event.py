"""An event, with everything that a sentence about it needs in any language."""

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """What an event is put down to."""

    WATER = "water"
    OPERATIONS = "operations"


class Stage(StrEnum):
    """What a detector makes of an observation."""

    LATE = "late"  # not newer than the last one: refused, nothing was learned from it
    LEARNING = "learning"  # the normal of this point is not known yet
    ORDINARY = "ordinary"
    OPERATIONS = "operations"  # strange, and something was switched
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Change:
    """How one parameter changed.

    Attributes:
        parameter: its name.
        before: its level before, in its unit.
        after: its value at the strongest moment so far, in its unit.
        minutes: from the last ordinary value to that one.
        strangeness: in ordinary extremes of this parameter at this water point.
    """

    parameter: str
    before: float
    after: float
    minutes: float
    strangeness: float


@dataclass(frozen=True, slots=True)
class Event:
    """A change in the water that no limit names.

    Attributes:
        began_ms: when it was confirmed, milliseconds since 1970.
        cause: what it is put down to.
        changes: the parameters beyond their ordinary extremes, the strangest first; at least one.
        steady: flows and conditions that did not change.
        switched: flows and conditions that did.
        strength: in bars; above 1 is an event.
    """

    began_ms: int
    cause: Cause
    changes: tuple[Change, ...]
    steady: tuple[str, ...]
    switched: tuple[str, ...]
    strength: float

    def sentence(self) -> str:
        """One plain English clause for the log and the record: "ph fell 0.4 in 6 minutes while flow was steady"."""
        told = " and ".join(_told(change) for change in self.changes[:2])
        if self.switched:
            return f"{told} after {' and '.join(self.switched)} changed"
        if self.steady:
            return f"{told} while {' and '.join(self.steady)} {_was(self.steady)} steady"
        return told


@dataclass(frozen=True, slots=True)
class Judged:
    """What a detector makes of an observation.

    Attributes:
        stage: the finding.
        event: the event under way; None in every stage but OPERATIONS and EVENT.
        is_new: whether it begins with this observation; False when it goes on, or resumes within the hour.
        learned: how much of the point's normal is known, from 0 to 1.
    """

    stage: Stage
    event: Event | None = None
    is_new: bool = False
    learned: float = 1.0


def _told(change: Change) -> str:
    moved = change.after - change.before
    minutes = max(1, round(change.minutes))
    verb = "rose" if moved > 0 else "fell"
    return f"{change.parameter} {verb} {abs(moved):.2g} in {minutes} minute{'s' if minutes > 1 else ''}"


def _was(names: tuple[str, ...]) -> str:
    return "were" if len(names) > 1 else "was"
