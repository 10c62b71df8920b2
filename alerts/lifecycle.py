"""The life of an alert, as a pure state machine in event time.

`normal → pending → firing → recovering → resolved`, and `unknown`: silence, a failed flag or a saturated probe
turns an alert that somebody may be acting on to unknown, never to resolved. Acknowledgement is another axis.

**Invariants**: time runs forwards (an older instant changes nothing); only CLEAR findings, lasting the whole
clear delay without a break, resolve; a blip of UNKNOWN neither confirms nor clears.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.rules import Delays, Finding, Verdict

# How long a pending breach may go unseen (failed readings, silence) and still be the same one.
_BRIDGED = timedelta(hours=2)


class Phase(StrEnum):
    """Where an alert stands."""

    NORMAL = "normal"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"
    UNKNOWN = "unknown"
    RESOLVED = "resolved"

    @property
    def is_open(self) -> bool:
        """Whether an episode is under way that somebody may have been told of."""
        return self in _OPEN


_OPEN = (Phase.FIRING, Phase.RECOVERING, Phase.UNKNOWN)


@dataclass(frozen=True, slots=True)
class State:
    """Where the alert of one rule at one water point stands.

    Attributes:
        phase: the phase.
        since: when the phase began, in event time.
        judged_at: the newest instant judged.
        breached_at: when the first breach of the episode was taken; None outside an episode.
        last_breach_at: when the newest breach of the episode was taken; None outside an episode.
        beyond: how far `peak` lies beyond the bound it broke, in the parameter's unit.
        peak: the value farthest beyond the limit in this episode.
    """

    phase: Phase
    since: datetime
    judged_at: datetime
    breached_at: datetime | None = None
    peak: float | None = None
    last_breach_at: datetime | None = None
    beyond: float = 0.0

    def seen_at(self, at: datetime) -> "State":
        """The same, judged up to another instant."""
        return State(
            self.phase, self.since, at, self.breached_at, self.peak, self.last_breach_at, self.beyond
        )


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of phase, and why."""

    before: Phase
    after: Phase
    at: datetime
    reason: str


def begin(at: datetime) -> State:
    """The state before anything was judged."""
    return State(Phase.NORMAL, since=at, judged_at=at)


def step(state: State, verdict: Verdict, at: datetime, delays: Delays) -> tuple[State, Transition | None]:
    """Judge one more instant.

    Args:
        state: where the alert stands.
        verdict: what the rule found.
        at: when the observation was taken; before `state.judged_at` it changes nothing.
        delays: the rule's confirm and clear delays, in seconds.

    Returns:
        The new state, and the change of phase if there was one. A breach with no confirm delay goes from
        normal to firing in one step.
    """
    if at < state.judged_at:
        return state, None
    after = _next_phase(state, verdict.finding, at, delays)
    moved = _with_peak(state, verdict, at).seen_at(at)
    if after is state.phase:
        starts_anew = after is Phase.PENDING and verdict.finding is Finding.BREACH and not _goes_on(state, at)
        return (replace(moved, since=at) if starts_anew else moved), None
    ends = after in (Phase.NORMAL, Phase.RESOLVED)
    moved = replace(
        moved,
        phase=after,
        since=at,
        breached_at=None if ends else moved.breached_at,
        peak=None if ends else moved.peak,
        last_breach_at=None if ends else moved.last_breach_at,
        beyond=0.0 if ends else moved.beyond,
    )
    return moved, Transition(state.phase, after, at, verdict.reason)


def _next_phase(state: State, finding: Finding, at: datetime, delays: Delays) -> Phase:
    if finding is Finding.BREACH:
        return _on_breach(state, at, delays)
    if finding is Finding.CLEAR:
        return _on_clear(state, at, delays)
    if finding is Finding.HOLDING:
        # Inside the limit but not by the deadband: what was recovering has not recovered, and what was pending
        # is no breach that lasts.
        if state.phase is Phase.PENDING:
            return Phase.NORMAL
        return Phase.FIRING if state.phase in (Phase.RECOVERING, Phase.UNKNOWN) else state.phase
    return Phase.UNKNOWN if state.phase.is_open else state.phase


def _on_breach(state: State, at: datetime, delays: Delays) -> Phase:
    if state.phase.is_open:
        return Phase.FIRING
    began = state.since if _goes_on(state, at) else at
    return Phase.FIRING if (at - began).total_seconds() >= delays.confirm_s else Phase.PENDING


def _goes_on(state: State, at: datetime) -> bool:
    """Whether a breach is the same breach as the pending one: not after hours in which nothing was known."""
    return state.phase is Phase.PENDING and at - (state.last_breach_at or state.since) <= _BRIDGED


def _on_clear(state: State, at: datetime, delays: Delays) -> Phase:
    if state.phase is Phase.RECOVERING:
        has_lasted = (at - state.since).total_seconds() >= delays.clear_s
        return Phase.RESOLVED if has_lasted else Phase.RECOVERING
    if state.phase.is_open:
        return Phase.RECOVERING if delays.clear_s > 0 else Phase.RESOLVED
    return Phase.RESOLVED if state.phase is Phase.RESOLVED else Phase.NORMAL


def _with_peak(state: State, verdict: Verdict, at: datetime) -> State:
    if verdict.finding is not Finding.BREACH or verdict.value is None or verdict.bound is None:
        return state
    seen = replace(state, breached_at=state.breached_at or at, last_breach_at=at)
    beyond = abs(verdict.value - verdict.bound)
    if state.peak is not None and beyond <= state.beyond:
        return seen
    return replace(seen, peak=verdict.value, beyond=beyond)
