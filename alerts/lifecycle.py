"""The life of an alert, as a pure state machine in event time.

`normal → pending → firing → recovering → resolved`, and `unknown`: silence, a failed flag or a saturated probe
turns an alert that somebody may be acting on to unknown, never to resolved. Acknowledgement is another axis.

Severity is a level within one episode: each step of a rule is confirmed by itself, the level rises with it, and
never falls before the episode ends. A breach soon after the end belongs to the episode before, and each such
return doubles the clear delay, up to four times.

**Invariants**: time runs forwards (an older instant changes nothing); only CLEAR findings, lasting the whole
clear delay without a break, resolve; a blip of UNKNOWN neither confirms nor clears; a fall straight after a probe
was blind (beyond its range) is none, until the probe has seen clear water for another clear delay.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.rules import Delays, Finding, Verdict

# How long a pending breach may go unseen (failed readings, silence) and still be the same one.
_BRIDGED = timedelta(hours=2)
# How long a fall straight after the probe was blind is not believed, at the least.
_BLINDED_S = 900.0
_LONGEST_CLEAR = 4  # times the clear delay, however often an episode came back


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
        beyond: how far `peak` lies beyond the nearest bound of the rule that it broke, in the parameter's unit.
        peak: the value farthest beyond the limit in this episode.
        level: how many steps of the rule were confirmed in this or the last episode; 0 before the first.
        rising: since when each step has been broken without a break, the nearest first.
        ended_at: when the last episode ended; None before the first, and during one.
        reopened: how often this or the last episode came back.
        blinded_at: when the probe was last blind, while that casts doubt on a fall.
    """

    phase: Phase
    since: datetime
    judged_at: datetime
    breached_at: datetime | None = None
    peak: float | None = None
    last_breach_at: datetime | None = None
    beyond: float = 0.0
    level: int = 0
    rising: tuple[datetime, ...] = ()
    ended_at: datetime | None = None
    reopened: int = 0
    blinded_at: datetime | None = None

    def seen_at(self, at: datetime) -> "State":
        """The same, judged up to another instant."""
        return State(
            self.phase,
            self.since,
            at,
            self.breached_at,
            self.peak,
            self.last_breach_at,
            self.beyond,
            self.level,
            self.rising,
            self.ended_at,
            self.reopened,
            self.blinded_at,
        )


class Turn(StrEnum):
    """What a change means to people."""

    NONE = ""
    BEGINS = "begins"
    REOPENS = "reopens"  # soon after the end: the same episode
    RISES = "rises"  # a step up within an episode
    ENDS = "ends"


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of phase or a step up, and why.

    Attributes:
        before: the phase before.
        after: the phase after; the same at a step up.
        at: when, in event time.
        reason: one English clause.
        turn: what it means to people.
        level: how many steps of the rule are confirmed now.
    """

    before: Phase
    after: Phase
    at: datetime
    reason: str
    turn: Turn = Turn.NONE
    level: int = 1


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
        The new state, and the change of phase or step up if there was one. A breach with no confirm delay goes
        from normal to firing in one step.
    """
    if at < state.judged_at:
        return state, None
    finding = _believed(state, verdict, at, delays)
    seen = _seen(state, verdict, finding, at)
    reached = _reached(seen.rising, at, delays)
    after = _next_phase(seen, finding, at, reached, delays)
    turn = _turn(state, after, seen, reached, delays)
    moved = _moved(seen, after, turn, at, reached)
    if after is state.phase and turn is not Turn.RISES:
        return moved, None
    return moved, Transition(state.phase, after, at, verdict.reason, turn, moved.level)


def _believed(state: State, verdict: Verdict, at: datetime, delays: Delays) -> Finding:
    """The finding; a fall straight after the probe was blind tells nothing."""
    if verdict.finding is not Finding.CLEAR or state.blinded_at is None:
        return verdict.finding
    is_straight = (at - state.blinded_at).total_seconds() < max(delays.clear_s, _BLINDED_S)
    return Finding.UNKNOWN if is_straight else Finding.CLEAR


def _seen(state: State, verdict: Verdict, finding: Finding, at: datetime) -> State:
    """The state with what was seen in it: how far it is beyond, since when, and how well the probe sees."""
    seen = _with_peak(state, verdict, at).seen_at(at)
    if finding is Finding.UNKNOWN:
        is_at_stake = state.phase.is_open or state.phase is Phase.PENDING
        return replace(seen, blinded_at=at) if verdict.is_blind and is_at_stake else seen
    rising = _rising(state, verdict.level, at) if finding is Finding.BREACH else ()
    return replace(seen, rising=rising, blinded_at=None)


def _rising(state: State, level: int, at: datetime) -> tuple[datetime, ...]:
    """Since when each broken step is broken: not through hours in which nothing was known."""
    last = state.last_breach_at
    before = state.rising[:level] if last is None or at - last <= _BRIDGED else ()
    return before + (at,) * (level - len(before))


def _reached(rising: tuple[datetime, ...], at: datetime, delays: Delays) -> int:
    """The farthest step that has been broken for its whole confirm delay; 0 where none has."""
    levels = range(len(rising), 0, -1)
    lasted = (level for level in levels if _s(at - rising[level - 1]) >= delays.of_level(level))
    return next(lasted, 0)


def _next_phase(state: State, finding: Finding, at: datetime, reached: int, delays: Delays) -> Phase:
    if finding is Finding.BREACH:
        return Phase.FIRING if reached or state.phase.is_open else Phase.PENDING
    if finding is Finding.CLEAR:
        return _on_clear(state, at, delays)
    if finding is Finding.HOLDING:
        # Inside the limit but not by the deadband: what was recovering has not recovered, and what was pending
        # is no breach that lasts.
        if state.phase is Phase.PENDING:
            return Phase.NORMAL
        return Phase.FIRING if state.phase in (Phase.RECOVERING, Phase.UNKNOWN) else state.phase
    return Phase.UNKNOWN if state.phase.is_open else state.phase


def _on_clear(state: State, at: datetime, delays: Delays) -> Phase:
    if state.phase is Phase.RECOVERING:
        longer = min(_LONGEST_CLEAR, 2**state.reopened)
        has_lasted = _s(at - state.since) >= delays.clear_s * longer
        return Phase.RESOLVED if has_lasted else Phase.RECOVERING
    if state.phase.is_open:
        return Phase.RECOVERING if delays.clear_s > 0 else Phase.RESOLVED
    return Phase.RESOLVED if state.phase is Phase.RESOLVED else Phase.NORMAL


def _turn(before: State, after: Phase, seen: State, reached: int, delays: Delays) -> Turn:
    if after is Phase.RESOLVED:
        return Turn.ENDS if before.phase.is_open else Turn.NONE
    if after is not Phase.FIRING:
        return Turn.NONE
    if before.phase.is_open:
        return Turn.RISES if reached > before.level else Turn.NONE
    ended_at = before.ended_at
    is_soon = ended_at is not None and _s(seen.rising[0] - ended_at) <= delays.reopen_s
    return Turn.REOPENS if is_soon and delays.reopen_s > 0 else Turn.BEGINS


def _moved(seen: State, after: Phase, turn: Turn, at: datetime, reached: int) -> State:
    """The state in its new phase."""
    moved = seen
    if after is not seen.phase:
        moved = replace(moved, phase=after, since=at)
    elif after is Phase.PENDING and seen.rising:
        moved = replace(moved, since=seen.rising[0])
    if turn in (Turn.BEGINS, Turn.REOPENS):
        is_same = turn is Turn.REOPENS
        level = max(seen.level, reached) if is_same else reached
        return replace(moved, level=level, ended_at=None, reopened=seen.reopened + 1 if is_same else 0)
    if turn is Turn.RISES:
        return replace(moved, level=reached)
    if after in (Phase.NORMAL, Phase.RESOLVED):
        ended_at = at if turn is Turn.ENDS else seen.ended_at
        return replace(
            moved, breached_at=None, peak=None, last_breach_at=None, beyond=0.0, rising=(), ended_at=ended_at,
            blinded_at=None,
        )  # fmt: skip
    return moved


def _with_peak(state: State, verdict: Verdict, at: datetime) -> State:
    if verdict.finding is not Finding.BREACH:
        return state
    seen = replace(state, breached_at=state.breached_at or at, last_breach_at=at)
    if verdict.value is None or verdict.bound is None:
        return seen
    beyond = abs(verdict.value - verdict.bound)
    if state.peak is not None and beyond <= state.beyond:
        return seen
    return replace(seen, peak=verdict.value, beyond=beyond)


def _s(span: timedelta) -> float:
    return span.total_seconds()
