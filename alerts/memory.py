"""The ledger in memory: the fake that ships beside the port and passes the same contract as the real one.

Nothing survives the process. One lock, so that a judgement is seen whole or not at all.
"""

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.debts import Debt, settle
from alerts.lifecycle import Phase
from alerts.ports import (
    AlertKey,
    Change,
    Fate,
    Judgement,
    Kind,
    Known,
    Outcome,
    Overtaken,
    Owed,
    Pending,
    Standing,
    is_overtaken,
)
from waterquality.intervals import IntervalSet

_DebtKey = tuple[AlertKey, int, int, Kind, str]


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification with all that is known of it.

    Attributes:
        owed: the debt.
        pending: where it stands.
        due_at: when it is to be taken up; None when its fate is final.
        detail: what the transport last said.
    """

    owed: Owed
    pending: Pending
    due_at: datetime | None
    detail: str = ""


class MemoryLedger:
    """What alerts remember, until the process ends.

    Attributes:
        changes: every transition committed, oldest first.
        acknowledged: who took on which episode, oldest first.
    """

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.acknowledged: list[tuple[AlertKey, int, str]] = []
        self._lock = threading.Lock()
        self._standings: dict[AlertKey, Standing] = {}
        self._judged: dict[tuple[str, str], IntervalSet] = {}
        self._heard: dict[str, datetime] = {}
        self._notifications: dict[int, Notification] = {}
        self._detectors: dict[tuple[str, str], bytes] = {}
        self._acknowledged: dict[tuple[AlertKey, int], int] = {}  # the level at which it was

    @property
    def notifications(self) -> Sequence[Notification]:
        """Every notification, oldest first."""
        with self._lock:
            return tuple(self._notifications.values())

    def standings(self) -> Sequence[Standing]:
        """Every alert that is or once was more than normal."""
        with self._lock:
            return self._worth_telling()

    def judged(self, names: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], IntervalSet]:
        """Sequence numbers that were judged already, by (device, epoch)."""
        with self._lock:
            return {name: self._judged[name] for name in names if name in self._judged}

    def known(self, water_points: Collection[str]) -> Mapping[str, Known]:
        """What is known now of each of these water points."""
        with self._lock:
            return {point: self._known(point) for point in water_points}

    def detectors(self, sites: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], bytes]:
        """What was saved of the event detectors of these (water point, device)."""
        with self._lock:
            return {site: self._detectors[site] for site in sites if site in self._detectors}

    def commit(self, judgement: Judgement) -> None:
        """Record a judgement as a whole.

        Raises:
            Overtaken: what it relied on stands so no more; mended by judging again.
        """
        with self._lock:
            for point, known in judgement.relied_on.items():
                if is_overtaken(known, self._known(point), of_silence=judgement.is_of_silence):
                    raise Overtaken(point)
            standings = {standing.key: standing for standing in judgement.standings}
            notifications = self._with(judgement.owed)
            judged = {
                name: self._judged.get(name, IntervalSet()) | new for name, new in judgement.judged.items()
            }
            # All that can fail has been done; nothing was changed so far.
            self._standings |= standings
            self.changes.extend(judgement.changes)
            self._notifications = notifications
            self._judged |= judged
            self._detectors |= judgement.detectors
            for point, at in judgement.heard.items():
                self._heard[point] = max(at, self._heard.get(point, at))

    def due(self, now: datetime, at_most: int) -> Sequence[Pending]:
        """Notifications to take up now, those first that have been due longest."""
        with self._lock:
            due = [
                each
                for each in self._notifications.values()
                if each.due_at is not None and each.due_at <= now
            ]
        due.sort(key=lambda each: (each.due_at, each.pending.id))
        return [each.pending for each in due[:at_most]]

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Record what tries brought, as a whole; a final fate stays."""
        with self._lock:
            settled = {outcome.id: _settled(self._notifications[outcome.id], outcome) for outcome in outcomes}
            self._notifications |= settled

    def acknowledge(self, key: AlertKey, episode: int, by: str, at: datetime) -> bool:
        """Somebody takes an episode on; see the port."""
        with self._lock:
            standing = self._standings.get(key)
            if standing is None or standing.episode != episode:
                return False
            known = self._acknowledged.get((key, episode))
            if known is not None and known >= standing.state.level:
                return False
            self._acknowledged[key, episode] = standing.state.level
            self.acknowledged.append((key, episode, by))
            for number, each in self._notifications.items():
                waits = each.owed.due is not None and each.owed.due.ends_with_acknowledgement
                is_of_it = (each.owed.key, each.owed.episode) == (key, episode)
                if is_of_it and waits and _debt(each).is_held(at):
                    self._notifications[number] = _dropped(each)
            return True

    def _worth_telling(self) -> list[Standing]:
        return [
            each for each in self._standings.values() if each.state.phase is not Phase.NORMAL or each.episode
        ]

    def _known(self, point: str) -> Known:
        standings = frozenset(each for each in self._worth_telling() if each.key.water_point == point)
        return Known(standings, self._heard.get(point))

    def _with(self, debts: Sequence[Owed]) -> dict[int, Notification]:
        """The notifications with new debts; a debt that is there already is no second one."""
        notifications = dict(self._notifications)
        known = {_debt_key(each.owed) for each in notifications.values()}
        for owed in debts:
            theirs = [_debt(each) for each in notifications.values() if _whose(each.owed) == _whose(owed)]
            settlement = settle(owed, theirs)
            notifications |= {number: _dropped(notifications[number]) for number in settlement.drops}
            if settlement.is_owed and _debt_key(owed) not in known:
                known.add(_debt_key(owed))
                number = len(notifications) + 1
                pending = Pending(
                    number,
                    owed.recipient.address,
                    owed.text,
                    Fate.GATHERED if settlement.due_at is None else Fate.QUEUED,
                    0,
                    owed.owed_at,
                    is_urgent=owed.is_urgent,
                    person=owed.recipient.person,
                    water_point=owed.key.water_point,
                    kind=owed.kind,
                )
                notifications[number] = Notification(owed, pending, settlement.due_at, settlement.why)
        return notifications


def _debt_key(owed: Owed) -> _DebtKey:
    return owed.key, owed.episode, owed.number, owed.kind, owed.recipient.person


def _whose(owed: Owed) -> tuple[str, str, str]:
    return owed.key.water_point, owed.key.lane, owed.recipient.person


def _debt(notification: Notification) -> Debt:
    pending, owed = notification.pending, notification.owed
    return Debt(
        pending.id,
        owed.key,
        owed.episode,
        owed.kind,
        owed.owed_at,
        owed.is_urgent,
        owed.number,
        pending.fate,
        pending.attempts,
        notification.due_at,
    )


def _dropped(notification: Notification) -> Notification:
    return replace(notification, pending=replace(notification.pending, fate=Fate.DROPPED), due_at=None)


def _settled(notification: Notification, outcome: Outcome) -> Notification:
    before = notification.pending
    if before.fate.is_final:
        return notification
    is_handed = outcome.fate in (Fate.ACCEPTED, Fate.DELIVERED)
    handed_at = before.handed_at or (outcome.at if is_handed else None)
    after = replace(
        before,
        fate=outcome.fate,
        attempts=outcome.attempts,
        handed_at=handed_at,
        message_id=outcome.message_id,
    )
    return replace(notification, pending=after, due_at=outcome.due_at, detail=outcome.detail)
