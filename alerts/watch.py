"""The watch: rules → lifecycle → ledger, for every observation, every silence and every hole in the record.

**Invariants**
* One judgement, one transaction: where alerts stand, what changed, what is owed, and how far it has judged.
* What was judged is not judged again: a repeated observation changes nothing and texts nobody.
* Late observations live in a lane of their own: they make history and wake nobody. So do those of uncertain time.
* Nobody is told that all is well while anything at that water point is still wrong or unknown.
* A water point that other judges judge too (its devices are of several shards) is read anew for each judgement,
  which is made again where another judge was faster: nobody judges by what he remembers of it.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import inf
from typing import NamedTuple

from alerts.lifecycle import Phase, Transition, begin, step
from alerts.ports import (
    AlertKey,
    Change,
    Directory,
    Judgement,
    Kind,
    Known,
    Lane,
    Ledger,
    Overtaken,
    Owed,
    Standing,
)
from alerts.rules import CustodyRule, Finding, Imbalance, LimitRule, NoDataRule, Role, Rule, Verdict
from alerts.texts import render
from waterquality.intervals import IntervalSet
from waterquality.limits import Limit
from waterquality.parameters import Parameter
from waterquality.readings import Observation
from waterquality.screening import is_time_uncertain

_ATTEMPTS = 10
_QUIET = (Phase.NORMAL, Phase.RESOLVED)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A screened observation at its water point.

    Attributes:
        water_point: where it was taken.
        observation: every reading screened.
        received_at: when the server took it in.
    """

    water_point: str
    observation: Observation
    received_at: datetime


class _Rules(NamedTuple):
    """The rules in force at a water point, and the same by what they judge."""

    in_force: Sequence[Rule]
    limits: Sequence[LimitRule]
    silences: Sequence[NoDataRule]
    records: Sequence[CustodyRule]

    @classmethod
    def of(cls, in_force: Sequence[Rule]) -> "_Rules":
        """The rules, told apart."""
        return cls(
            in_force,
            [rule for rule in in_force if isinstance(rule, LimitRule)],
            [rule for rule in in_force if isinstance(rule, NoDataRule)],
            [rule for rule in in_force if isinstance(rule, CustodyRule)],
        )


@dataclass(slots=True)
class _Draft:
    """What a judgement has gathered so far."""

    now: datetime
    shared: Mapping[str, Known] = field(default_factory=dict)
    read: Mapping[AlertKey, Standing] = field(default_factory=dict)  # of the shared ones
    is_of_silence: bool = False
    standings: dict[AlertKey, Standing] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    owed: list[Owed] = field(default_factory=list)
    judged: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    heard: dict[str, datetime] = field(default_factory=dict)  # by water point
    newest: dict[str, datetime] = field(default_factory=dict)  # by device


class Watch:
    """Judges observations and silences.

    Args:
        ledger: what alerts remember.
        directory: who and where, and the rules in force.
        late_after: how old an observation may be on arrival and still be about now.
        changed: called with the changes of a judgement, after it was recorded.
        shared: tells which of some water points other judges judge too.
    """

    def __init__(
        self,
        ledger: Ledger,
        directory: Directory,
        *,
        late_after: timedelta = timedelta(minutes=20),
        changed: Callable[[Sequence[Change]], None] = lambda _: None,
        shared: Callable[[Iterable[str]], Collection[str]] = lambda _: (),
    ) -> None:
        self._ledger, self._directory, self._late_after, self._changed = (
            ledger,
            directory,
            late_after,
            changed,
        )
        self._shared = shared
        self._were_shared: set[str] = set()
        self._lock = threading.Lock()
        self._standings: dict[AlertKey, Standing] | None = None
        self._judged: dict[tuple[str, str], IntervalSet] = {}
        self._heard: dict[str, datetime] = {}
        self._newest: dict[str, datetime] = {}
        self._told_apart: dict[str, _Rules] = {}

    def judge(self, sightings: Sequence[Sighting], now: datetime) -> Sequence[Change]:
        """Judge observations, in the order given.

        Returns:
            The changes of phase they caused.

        Raises:
            LinkError: the ledger cannot be reached; nothing was judged; mended by time.
        """

        def judge(draft: _Draft) -> None:
            for sighting in sightings:
                self._judge_observation(sighting, draft)

        with self._lock:
            self._recall({(each.observation.device, each.observation.epoch) for each in sightings})
            return self._judge({sighting.water_point for sighting in sightings}, judge, lambda: _Draft(now))

    def judge_silence(self, listening: Mapping[str, datetime], now: datetime) -> Sequence[Change]:
        """Judge who has not been heard from; only time in which we listened counts as silence.

        Args:
            listening: since when all devices of a water point have been listened to without a break, by water
                point that a device serves now.
            now: the time up to which we have listened.

        Raises:
            LinkError: the ledger cannot be reached; nothing was judged; mended by time.
        """

        def judge(draft: _Draft) -> None:
            for water_point, since in listening.items():
                last = max(self._heard_at(water_point, draft) or since, since)
                for rule in self._rules(water_point).silences:
                    self._judge_no_data(rule, water_point, last, draft)

        with self._lock:
            return self._judge(listening, judge, lambda: _Draft(now, is_of_silence=True))

    def forget(self, of: Callable[[str], bool]) -> None:
        """Forget what is remembered of these devices, and where alerts stand: others have judged, or will."""
        with self._lock:
            self._standings = None
            self._were_shared.clear()
            self._judged = {name: numbers for name, numbers in self._judged.items() if not of(name[0])}
            self._newest = {device: at for device, at in self._newest.items() if not of(device)}

    def _judge(
        self,
        water_points: Collection[str],
        judge: Callable[[_Draft], None],
        begin_draft: Callable[[], _Draft],
    ) -> Sequence[Change]:
        """Judge and record; again where another judge of a shared water point was faster."""
        for _ in range(_ATTEMPTS):
            draft = begin_draft()
            self._read_shared(water_points, draft)
            judge(draft)
            try:
                return self._commit(draft)
            except Overtaken:
                continue
        raise Overtaken("other judges were faster again and again")

    def _read_shared(self, water_points: Collection[str], draft: _Draft) -> None:
        shared = set(self._shared(water_points))
        if (
            not self._were_shared.isdisjoint(water_points)
            and not self._were_shared & set(water_points) <= shared
        ):
            self._standings = None  # what is remembered of one that was shared is old
            self._were_shared.clear()
        if shared:
            self._were_shared |= shared
            draft.shared = self._ledger.known(shared)
            draft.read = {each.key: each for known in draft.shared.values() for each in known.standings}

    def _heard_at(self, water_point: str, draft: _Draft) -> datetime | None:
        """When a water point was last heard from, by whomever; None where nobody knows."""
        ours = self._heard.get(water_point)
        known = draft.shared.get(water_point)
        if known is None or known.heard_at is None:
            return ours
        return known.heard_at if ours is None else max(ours, known.heard_at)

    def judge_records(self, found: Mapping[str, Sequence[Imbalance]], now: datetime) -> Sequence[Change]:
        """Judge whether the record of each water point adds up.

        Args:
            found: what does not, by water point; nothing for one whose record adds up.
            now: the server's time.

        Raises:
            LinkError: the ledger cannot be reached; nothing was judged; mended by time.
        """

        def judge(draft: _Draft) -> None:
            for water_point, imbalances in found.items():
                for rule in self._rules(water_point).records:
                    self._judge_record(rule, water_point, rule.evaluate(imbalances, now), draft)

        with self._lock:
            return self._judge(found, judge, lambda: _Draft(now))

    def _judge_record(self, rule: CustodyRule, water_point: str, verdict: Verdict, draft: _Draft) -> None:
        key = AlertKey(rule.id, water_point)
        is_open, begins = self._is_open(key, draft), verdict.finding is Finding.BREACH
        # While a device is silent nothing of it can come, and whoever must know knows already.
        is_silent = any(
            self._is_open(AlertKey(silence.id, water_point), draft)
            for silence in self._rules(water_point).silences
        )
        if is_open is not begins and not (begins and is_silent):
            self._advance(key, rule, verdict, draft.now, draft)

    def _is_open(self, key: AlertKey, draft: _Draft) -> bool:
        return self._standing(key, draft, draft.now).state.phase.is_open

    def _judge_observation(self, sighting: Sighting, draft: _Draft) -> None:
        observation = sighting.observation
        name = (observation.device, observation.epoch)
        numbers = draft.judged.setdefault(name, set())
        if observation.seq in numbers or observation.seq in self._judged[name]:
            return
        numbers.add(observation.seq)
        at, place = observation.taken_at, sighting.water_point
        is_late = self._is_late(sighting, at)
        newest = self._newest_of(observation.device, at, draft)
        lane = Lane.LATE if is_late or at < newest else Lane.LIVE
        rules = self._rules(place)
        if not is_late:  # first: while the device counts as silent, no all-clear is told
            draft.newest[observation.device] = newest
            self._hear(place, at, rules.silences, draft)
        for rule in rules.limits:
            verdict = rule.evaluate(observation)
            if verdict is not None:
                self._judge_limit(AlertKey(rule.id, place, lane), rule, verdict, at, draft)

    def _judge_limit(
        self, key: AlertKey, rule: LimitRule, verdict: Verdict, at: datetime, draft: _Draft
    ) -> None:
        standing = self._standing(key, draft, at)
        if standing.state.phase in _QUIET and verdict.finding is Finding.CLEAR:  # nearly always
            if at >= standing.state.judged_at:
                seen = standing.state.seen_at(at)
                draft.standings[key] = Standing(key, seen, standing.episode, standing.told)
            return
        self._doubt_recovery(key, rule, at, draft)
        self._advance(key, rule, verdict, at, draft)

    def _is_late(self, sighting: Sighting, at: datetime) -> bool:
        """Whether it is not about now; what nobody knows the time of never is."""
        return sighting.received_at - at > self._late_after or is_time_uncertain(sighting.observation)

    def _doubt_recovery(self, key: AlertKey, rule: Rule, at: datetime, draft: _Draft) -> None:
        """What was recovering begins anew after a silence, also after one that we could not hear."""
        state = self._standing(key, draft, at).state
        if state.phase is not Phase.RECOVERING:
            return
        unseen_s = (at - state.judged_at).total_seconds()
        silences = self._rules(key.water_point).silences
        longest_s = min((silence.after_s for silence in silences), default=inf)
        if unseen_s > longest_s:
            unseen = Verdict(Finding.UNKNOWN, reason=f"unseen for {unseen_s:.0f} s")
            self._advance(key, rule, unseen, at, draft)

    def _newest_of(self, device: str, at: datetime, draft: _Draft) -> datetime:
        """The newest instant judged of a device, this one included.

        What is older than that was overtaken: after a break in the line the newest comes first. The live lane has
        moved on and would pass over it; what it shows is history.
        """
        newest = draft.newest.get(device) or self._newest.get(device)
        return at if newest is None else max(at, newest)

    def _hear(self, water_point: str, at: datetime, silences: Sequence[NoDataRule], draft: _Draft) -> None:
        draft.heard[water_point] = max(at, draft.heard.get(water_point, at))
        for rule in silences:
            key = AlertKey(rule.id, water_point)
            standing = self._known(key, draft)
            if standing is not None and standing.state.phase.is_open:
                self._advance(key, rule, Verdict(Finding.CLEAR, reason="heard from"), draft.now, draft)

    def _judge_no_data(self, rule: NoDataRule, water_point: str, last: datetime, draft: _Draft) -> None:
        key = AlertKey(rule.id, water_point)
        verdict = rule.evaluate(last, draft.now)
        if verdict.finding is not Finding.BREACH or self._standing(key, draft, last).state.phase.is_open:
            return
        self._advance(key, rule, verdict, draft.now, draft, last_heard=last)
        silent = Verdict(Finding.UNKNOWN, reason="the device is silent")
        for other in self._rules(water_point).limits:
            limit_key = AlertKey(other.id, water_point)
            if self._standing(limit_key, draft, last).state.phase.is_open:
                self._advance(limit_key, other, silent, draft.now, draft)

    def _advance(
        self,
        key: AlertKey,
        rule: Rule,
        verdict: Verdict,
        at: datetime,
        draft: _Draft,
        *,
        last_heard: datetime | None = None,
    ) -> None:
        before = self._standing(key, draft, at)
        state, transition = step(before.state, verdict, at, rule.delays)
        begins = (
            transition is not None and transition.after is Phase.FIRING and not before.state.phase.is_open
        )
        standing = replace(
            before,
            state=state,
            episode=before.episode + 1 if begins else before.episode,
            told=key.lane is Lane.LIVE if begins else before.told,
        )
        draft.standings[key] = standing
        if transition is None:
            return
        extreme = before.state.peak if transition.after is Phase.RESOLVED else verdict.value
        draft.changes.append(Change(key, standing.episode, transition, extreme))
        if standing.told:
            self._owe(standing, rule, verdict, transition, draft, begins=begins, last_heard=last_heard)

    def _owe(
        self,
        standing: Standing,
        rule: Rule,
        verdict: Verdict,
        transition: Transition,
        draft: _Draft,
        *,
        begins: bool,
        last_heard: datetime | None,
    ) -> None:
        water_point = standing.key.water_point
        if begins:
            kind, at = _kind_of_breach(rule), last_heard or transition.at
        elif transition.after is Phase.RESOLVED and not isinstance(rule, CustodyRule):
            if isinstance(rule, LimitRule) and self._is_anything_open(water_point, draft):
                return
            kind, at = (Kind.ALL_CLEAR if isinstance(rule, LimitRule) else Kind.DEVICE_BACK), transition.at
        else:
            return
        for recipient in self._directory.recipients(water_point, self._audience(rule, water_point, draft)):
            text = render(
                kind,
                recipient.language,
                site=self._directory.sms_name(water_point, recipient.language),
                value=verdict.value,
                limit=self._limit_to_name(kind, rule, water_point),
                parameter=rule.parameter if isinstance(rule, LimitRule) else None,
                at=at,
                now=draft.now,
            )
            owed = Owed(standing.key, standing.episode, kind, recipient, text, transition.at, draft.now)
            draft.owed.append(owed)

    def _limit_to_name(self, kind: Kind, rule: Rule, water_point: str) -> Limit | None:
        """The limit a text may speak of; an all-clear may only where every limit there is confirmed."""
        if not isinstance(rule, LimitRule):
            return None
        all_confirmed = all(other.limit.is_verified for other in self._rules(water_point).limits)
        return rule.limit if kind is not Kind.ALL_CLEAR or all_confirmed else None

    def _audience(self, rule: Rule, water_point: str, draft: _Draft) -> frozenset[Role]:
        """Whom it concerns: a silence in the middle of an alert concerns those who were told of the alert too."""
        if not isinstance(rule, NoDataRule):
            return rule.audience
        told = (
            other.audience
            for other in self._rules(water_point).limits
            if self._standing(AlertKey(other.id, water_point), draft, draft.now).state.phase.is_open
        )
        return rule.audience.union(*told)

    def _is_anything_open(self, water_point: str, draft: _Draft) -> bool:
        return any(
            self._is_open(AlertKey(rule.id, water_point), draft)
            for rule in self._directory.rules_for(water_point)
            if not isinstance(rule, CustodyRule)  # holes in the record say nothing of the water
        )

    def _rules(self, water_point: str) -> _Rules:
        """The rules in force there, told apart; worked out again only when the directory was read anew."""
        in_force = self._directory.rules_for(water_point)
        known = self._told_apart.get(water_point)
        if known is None or known.in_force is not in_force:
            known = self._told_apart[water_point] = _Rules.of(in_force)
        return known

    def _recall(self, names: Collection[tuple[str, str]]) -> None:
        """Ask the ledger, in one question, what was judged of those that are not remembered."""
        if unknown := [name for name in names if name not in self._judged]:
            found = self._ledger.judged(unknown)
            self._judged |= {name: found.get(name, IntervalSet()) for name in unknown}

    def _standing(self, key: AlertKey, draft: _Draft, at: datetime) -> Standing:
        return self._known(key, draft) or Standing(key, begin(at))

    def _known(self, key: AlertKey, draft: _Draft) -> Standing | None:
        """Where an alert stands that was judged before; None for one that never was."""
        if self._standings is None:
            self._standings = {standing.key: standing for standing in self._ledger.standings()}
        if key.water_point in draft.shared:
            return draft.standings.get(key) or draft.read.get(key)
        return draft.standings.get(key) or self._standings.get(key)

    def _commit(self, draft: _Draft) -> Sequence[Change]:
        judged = {
            name: self._judged[name] | IntervalSet.of_numbers(numbers)
            for name, numbers in draft.judged.items()
            if numbers
        }
        changed = {change.key for change in draft.changes}
        told = [
            standing
            for key, standing in draft.standings.items()
            if key in changed or standing.state.phase not in _QUIET
        ]
        if told or judged:
            heard = {point: at for point, at in draft.heard.items() if point in draft.shared}
            touched = {standing.key.water_point for standing in told}
            relied_on = {point: known for point, known in draft.shared.items() if point in touched}
            self._ledger.commit(
                Judgement(told, draft.changes, draft.owed, judged, heard, relied_on, draft.is_of_silence)
            )
        self._judged |= judged
        if self._standings is not None:
            self._standings |= draft.standings
        for water_point, at in draft.heard.items():
            self._heard[water_point] = max(at, self._heard.get(water_point, at))
        self._newest |= draft.newest
        if draft.changes:
            self._changed(draft.changes)
        return draft.changes


def _kind_of_breach(rule: Rule) -> Kind:
    if isinstance(rule, NoDataRule):
        return Kind.DEVICE_SILENT
    if isinstance(rule, CustodyRule):
        return Kind.RECORD_OPEN
    by_parameter: Mapping[Parameter, Kind] = {
        Parameter.TURBIDITY: Kind.TURBIDITY_HIGH,
        Parameter.PH: Kind.PH_OUT,
    }
    return by_parameter.get(rule.parameter, Kind.LIMIT_BROKEN)
