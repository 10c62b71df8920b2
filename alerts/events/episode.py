"""When an event begins, goes on and ends: hysteresis over observations. Knows strengths only, in bars."""

from dataclasses import replace
from enum import Enum, auto

from alerts.events.event import Cause, Change, Event, Stage
from alerts.events.ordinary import Saved
from alerts.events.tuning import Tuning


class Sight(Enum):
    """What can be seen of the water."""

    CLEAR = auto()
    NONE = auto()  # no evidence: nothing begins and nothing ends
    LOST = auto()  # evidence, and no level to compare it with: what was under way cannot be followed


class Episode:
    """The event under way at one water point, if there is one.

    Args:
        tuning: the numbers.
    """

    __slots__ = (
        "_below",
        "_beyond",
        "_ended_ms",
        "_event",
        "_lasted",
        "_peak",
        "_stage",
        "_tuning",
        "has_settled",
    )

    def __init__(self, tuning: Tuning) -> None:
        self._tuning = tuning
        self._stage = Stage.ORDINARY
        self._beyond, self._below, self._lasted = 0, 0, 0
        self._peak = 0.0
        self._ended_ms: int | None = None
        self._event: Event | None = None
        self.has_settled = False

    def advance(self, strength: float, at_ms: int, *, doubt: float, sight: Sight) -> tuple[Stage, bool]:
        """Judge one more observation.

        Args:
            strength: how strange it is, in bars.
            at_ms: when it was taken.
            doubt: by how much operations raise the bar just now; 0 when they explain nothing.
            sight: whether any parameter could be judged.

        Returns:
            The stage, and whether an event begins that was not under way within the last hour. `has_settled`
            then tells whether an event ended because its level counts as the new normal.
        """
        self.has_settled = False
        if self._stage is Stage.EVENT:
            self._go_on(strength, at_ms, sight)
            return self._stage, False
        if sight is not Sight.CLEAR:
            return self._stage, False
        return self._watch(strength, at_ms, doubt)

    def strongest(self, event: Event) -> Event:
        """The event under way, with the changes of its strongest moment so far."""
        before = self._event
        if before is None or before.cause is not event.cause:
            self._event = event
        elif event.strength > before.strength:
            self._event = replace(event, began_ms=before.began_ms)
        assert self._event is not None
        return self._event

    def save(self) -> Saved:
        """Everything, as JSON can hold it."""
        event = self._event
        told = None if event is None else _plain(event)
        counts = [self._beyond, self._below, self._lasted]
        return [self._stage, counts, self._peak, self._ended_ms, told]

    def restore(self, saved: Saved) -> None:
        """Become what was saved."""
        stage, counts, self._peak, self._ended_ms, told = saved
        self._stage = Stage(stage)
        self._beyond, self._below, self._lasted = counts
        self._event = None if told is None else _event(told)

    def _watch(self, strength: float, at_ms: int, doubt: float) -> tuple[Stage, bool]:
        was = self._stage
        self._beyond = self._beyond + 1 if strength > 1 else 0
        if strength < self._tuning.end_below:
            self._stage = Stage.ORDINARY
        if self._beyond >= self._tuning.confirm:
            self._stage = Stage.EVENT if strength > 1 + doubt else Stage.OPERATIONS
        if self._stage is Stage.EVENT:
            return self._stage, self._begin(strength, at_ms)
        if self._stage is Stage.OPERATIONS and was is not Stage.OPERATIONS:
            self._event = None
            return self._stage, True
        return self._stage, False

    def _begin(self, strength: float, at_ms: int) -> bool:
        self._below, self._lasted, self._peak = 0, 0, strength
        joins = self._ended_ms is not None and at_ms - self._ended_ms <= self._tuning.join_s * 1000
        if not joins:
            self._event = None
        return not joins

    def _go_on(self, strength: float, at_ms: int, sight: Sight) -> None:
        self._lasted += 1
        self._peak = max(self._peak, strength)
        if sight is Sight.CLEAR:
            self._below = self._below + 1 if strength < self._tuning.end_below else 0
        longest = min(self._tuning.hold_at_most, self._tuning.hold * self._peak)
        self.has_settled = self._lasted > longest
        if self.has_settled or sight is Sight.LOST or self._below >= self._tuning.end_after:
            self._stage, self._beyond, self._ended_ms = Stage.ORDINARY, 0, at_ms


def _plain(event: Event) -> Saved:
    changes = [
        [change.parameter, change.before, change.after, change.minutes, change.strangeness]
        for change in event.changes
    ]
    return [event.began_ms, event.cause, changes, event.steady, event.switched, event.strength]


def _event(told: Saved) -> Event:
    began_ms, cause, changes, steady, switched, strength = told
    return Event(
        began_ms,
        Cause(cause),
        tuple(Change(*change) for change in changes),
        tuple(steady),
        tuple(switched),
        strength,
    )
