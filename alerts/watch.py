"""The watch: rules → lifecycle → ledger, for every observation, every silence and every hole in the record.

**Invariants**
* One judgement, one transaction: where alerts stand, what changed, what is owed, and how far it has judged.
* What was judged is not judged again: a repeated observation changes nothing and texts nobody.
* Late observations live in a lane of their own: they make history and wake nobody. So do those of uncertain time.
* A judgement that another judge of the same water point has overtaken is made again.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf

from alerts.detectors import Detectors, Past, no_past
from alerts.draft import QUIET, Draft
from alerts.findings import Findings
from alerts.holding import DEFAULT_HOLDING, Holding
from alerts.in_force import InForce, ObservedRule
from alerts.lifecycle import Phase, Turn, step
from alerts.ports import SERVER, AlertKey, Change, Directory, Lane, Ledger, Overtaken, Standing
from alerts.remembered import Remembered
from alerts.rules import (
    CustodyRule,
    EventRule,
    Finding,
    Imbalance,
    MassSilenceRule,
    NoDataRule,
    Rule,
    Verdict,
)
from alerts.telling import Telling
from waterquality.readings import Observation
from waterquality.screening import is_time_uncertain

_ATTEMPTS = 10


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


class Watch:
    """Judges observations, silences and records.

    Args:
        ledger: what alerts remember.
        directory: who and where, and the rules in force.
        late_after: how old an observation may be on arrival and still be about now.
        changed: called with the changes of a judgement, after it was recorded.
        shared: tells which of some water points other judges judge too.
        past: tells what a device has sent before, for what compares with that; see `Detectors`.
        holding: how long each tier has, and how often to remind.
    """

    def __init__(
        self,
        ledger: Ledger,
        directory: Directory,
        *,
        late_after: timedelta = timedelta(minutes=20),
        changed: Callable[[Sequence[Change]], None] = lambda _: None,
        shared: Callable[[Iterable[str]], Collection[str]] = lambda _: (),
        past: Past = no_past,
        holding: Holding = DEFAULT_HOLDING,
    ) -> None:
        self._late_after, self._changed = late_after, changed
        self._directory, self._in_force = directory, InForce(directory)
        self._telling = Telling(directory, self._in_force, holding)
        self._memory = Remembered(ledger, shared)
        self._detectors = Detectors(ledger, past)
        self._findings = Findings(self._detectors, past)
        self._lock = threading.Lock()

    def judge(self, sightings: Sequence[Sighting], now: datetime) -> Sequence[Change]:
        """Judge observations, in the order given.

        Returns:
            The changes of phase they caused.

        Raises:
            LinkError: the ledger cannot be reached; nothing was judged; mended by time.
        """

        def judge(draft: Draft) -> None:
            for sighting in sightings:
                self._judge_observation(sighting, draft)

        points = {sighting.water_point for sighting in sightings}
        with self._lock:
            self._memory.recall({(each.observation.device, each.observation.epoch) for each in sightings})
            self._begin_detectors(sightings)
            return self._record(judge, lambda: self._memory.begin(now, points))

    def judge_silence(self, listening: Mapping[str, datetime], now: datetime) -> Sequence[Change]:
        """Judge who has not been heard from; only time in which we listened counts as silence.

        Args:
            listening: since when all devices of a water point have been listened to without a break, by water
                point that a device serves now.
            now: the time up to which we have listened.

        Raises:
            LinkError: the ledger cannot be reached; nothing was judged; mended by time.
        """

        def judge(draft: Draft) -> None:
            last = {
                point: max(self._memory.heard_at(point, draft) or since, since)
                for point, since in listening.items()
            }
            if self._judge_mass_silence(last, draft):
                return
            for water_point, heard_at in last.items():
                for rule in self._in_force.at(water_point).silences:
                    self._judge_no_data(rule, water_point, heard_at, draft)

        with self._lock:
            return self._record(judge, lambda: self._memory.begin(now, listening, is_of_silence=True))

    def judge_records(self, found: Mapping[str, Sequence[Imbalance]], now: datetime) -> Sequence[Change]:
        """Judge whether the record of each water point adds up.

        Args:
            found: what does not, by water point; nothing for one whose record adds up.
            now: the server's time.

        Raises:
            LinkError: the ledger cannot be reached; nothing was judged; mended by time.
        """

        def judge(draft: Draft) -> None:
            for water_point, imbalances in found.items():
                for rule in self._in_force.at(water_point).records:
                    self._judge_record(rule, water_point, rule.evaluate(imbalances, now), draft)

        with self._lock:
            return self._record(judge, lambda: self._memory.begin(now, found))

    def forget(self, of: Callable[[str], bool]) -> None:
        """Forget what is remembered of these devices, and where alerts stand: others have judged, or will."""
        with self._lock:
            self._memory.forget(of)
            self._detectors.forget(of)

    def _begin_detectors(self, sightings: Sequence[Sighting]) -> None:
        """Take up the event detectors of devices that are met for the first time."""
        rules: dict[tuple[str, str], EventRule] = {}
        first_ms: dict[tuple[str, str], int] = {}
        for each in sightings:
            for rule in self._in_force.at(each.water_point).events:
                site, at_ms = (each.water_point, each.observation.device), each.observation.taken_ms
                rules[site], first_ms[site] = rule, min(at_ms, first_ms.get(site, at_ms))
        if rules:
            self._detectors.begin(rules, first_ms)

    def _record(self, judge: Callable[[Draft], None], begin: Callable[[], Draft]) -> Sequence[Change]:
        """Judge and record; again where another judge of a shared water point was faster."""
        for _ in range(_ATTEMPTS):
            draft = begin()
            self._detectors.starting()
            judge(draft)
            draft.detectors = self._detectors.due()
            try:
                self._memory.record(draft)
            except Overtaken:
                continue
            self._detectors.recorded(draft.detectors)
            if draft.changes:
                self._changed(draft.changes)
            return draft.changes
        raise Overtaken("other judges were faster again and again")

    def _judge_observation(self, sighting: Sighting, draft: Draft) -> None:
        observation = sighting.observation
        name = (observation.device, observation.epoch)
        numbers = draft.judged.setdefault(name, set())
        if observation.seq in numbers:
            return
        if self._memory.was_judged(name, observation.seq):  # its detector may have been born since
            self._detectors.judge((sighting.water_point, observation.device), observation)
            return
        numbers.add(observation.seq)
        at, place = observation.taken_at, sighting.water_point
        is_late = self._is_late(sighting, at)
        newest = self._newest_of(observation.device, at, draft)
        lane = Lane.LATE if is_late or at < newest else Lane.LIVE
        rules = self._in_force.at(place)
        if not is_late:  # first: while the device counts as silent, no all-clear is told
            draft.newest[observation.device] = newest
            self._hear(place, at, rules.silences, draft)
        for rule, verdict in self._findings.of(observation, place, rules, is_live=lane is Lane.LIVE):
            self._judge_finding(AlertKey(rule.id, place, lane), rule, verdict, at, draft)

    def _judge_finding(
        self, key: AlertKey, rule: ObservedRule, verdict: Verdict, at: datetime, draft: Draft
    ) -> None:
        standing = draft.standing(key, at)
        if standing.state.phase in QUIET and verdict.finding is not Finding.BREACH:  # nearly always
            if at >= standing.state.judged_at:
                seen = standing.state.seen_at(at)
                draft.standings[key] = Standing(key, seen, standing.episode, standing.told, standing.step)
            return
        self._doubt_recovery(key, rule, at, draft)
        self._advance(key, rule, verdict, at, draft)

    def _is_late(self, sighting: Sighting, at: datetime) -> bool:
        """Whether it is not about now; what nobody knows the time of never is."""
        return sighting.received_at - at > self._late_after or is_time_uncertain(sighting.observation)

    def _newest_of(self, device: str, at: datetime, draft: Draft) -> datetime:
        """The newest instant judged of a device, this one included.

        What is older than that was overtaken: after a break in the line the newest comes first. The live lane has
        moved on and would pass over it; what it shows is history.
        """
        newest = self._memory.newest_of(device, draft)
        return at if newest is None else max(at, newest)

    def _hear(self, water_point: str, at: datetime, silences: Sequence[NoDataRule], draft: Draft) -> None:
        draft.heard[water_point] = max(at, draft.heard.get(water_point, at))
        for rule in silences:
            key = AlertKey(rule.id, water_point)
            if draft.is_open(key):
                self._advance(key, rule, Verdict(Finding.CLEAR, reason="heard from"), draft.now, draft)

    def _doubt_recovery(self, key: AlertKey, rule: Rule, at: datetime, draft: Draft) -> None:
        """What was recovering begins anew after a silence, also after one that we could not hear."""
        state = draft.standing(key, at).state
        if state.phase is not Phase.RECOVERING:
            return
        unseen_s = (at - state.judged_at).total_seconds()
        silences = self._in_force.at(key.water_point).silences
        longest_s = min((silence.after_s for silence in silences), default=inf)
        if unseen_s > longest_s:
            unseen = Verdict(Finding.UNKNOWN, reason=f"unseen for {unseen_s:.0f} s")
            self._advance(key, rule, unseen, at, draft)

    def _judge_mass_silence(self, last: Mapping[str, datetime], draft: Draft) -> bool:
        """Whether many have fallen silent together; then it is told once, and of none of them."""
        unheard = {point: self._share_of_silence(point, at, draft) for point, at in last.items()}
        alone = {point: share for point, share in unheard.items() if share is not None}
        is_mass = False
        for rule in self._directory.rules().values():
            if not isinstance(rule, MassSilenceRule):
                continue
            key = AlertKey(rule.id, SERVER)
            is_open = draft.is_open(key)
            verdict = rule.evaluate(alone, is_open=is_open)
            is_mass = is_mass or verdict.finding is Finding.BREACH
            if is_open is (verdict.finding is not Finding.BREACH):
                heard_at = max(last.values()) if not is_open else None
                self._advance(key, rule, verdict, draft.now, draft, last_heard=heard_at, among=tuple(last))
        for point in [point for point, share in alone.items() if is_mass and share > 1]:
            self._silence_readings(point, draft)
        return is_mass

    def _share_of_silence(self, water_point: str, last: datetime, draft: Draft) -> float | None:
        """How long it has been silent, in shares of the longest normal silence; None where that is told already."""
        silences = self._in_force.at(water_point).silences
        if not silences or any(draft.is_open(AlertKey(rule.id, water_point)) for rule in silences):
            return None
        return (draft.now - last).total_seconds() / min(rule.after_s for rule in silences)

    def _silence_readings(self, water_point: str, draft: Draft) -> None:
        """What was measured there is unknown now."""
        silent = Verdict(Finding.UNKNOWN, reason="the device is silent")
        for other in self._in_force.at(water_point).observed:
            key = AlertKey(other.id, water_point)
            if draft.is_open(key):
                self._advance(key, other, silent, draft.now, draft)

    def _judge_no_data(self, rule: NoDataRule, water_point: str, last: datetime, draft: Draft) -> None:
        key = AlertKey(rule.id, water_point)
        verdict = rule.evaluate(last, draft.now)
        if verdict.finding is not Finding.BREACH or draft.is_open(key):
            return
        self._advance(key, rule, verdict, draft.now, draft, last_heard=last)
        self._silence_readings(water_point, draft)

    def _judge_record(self, rule: CustodyRule, water_point: str, verdict: Verdict, draft: Draft) -> None:
        key = AlertKey(rule.id, water_point)
        is_open, begins = draft.is_open(key), verdict.finding is Finding.BREACH
        # While a device is silent nothing of it can come, and whoever must know knows already.
        silences = self._in_force.at(water_point).silences
        is_silent = any(draft.is_open(AlertKey(silence.id, water_point)) for silence in silences)
        if is_open is not begins and not (begins and is_silent):
            self._advance(key, rule, verdict, draft.now, draft)

    def _advance(
        self,
        key: AlertKey,
        rule: Rule,
        verdict: Verdict,
        at: datetime,
        draft: Draft,
        *,
        last_heard: datetime | None = None,
        among: Sequence[str] = (),
    ) -> None:
        before = draft.standing(key, at)
        state, transition = step(before.state, verdict, at, rule.delays)
        if transition is None:
            draft.standings[key] = replace(before, state=state)
            return
        turn, begins = transition.turn, transition.turn is Turn.BEGINS
        standing = replace(
            before,
            state=state,
            episode=before.episode + 1 if begins else before.episode,
            told=key.lane is Lane.LIVE if begins else before.told,
            step=1 if begins else before.step + (turn is not Turn.NONE),
        )
        draft.standings[key] = standing
        extreme = before.state.peak if transition.after is Phase.RESOLVED else verdict.value
        draft.changes.append(Change(key, standing.episode, transition, extreme))
        if standing.told:
            draft.owed += self._telling.owed(
                standing, rule, verdict, transition, draft, last_heard=last_heard, among=among
            )
