"""The shards that this worker holds, as the loops of one ingest process know them.

The ingest loop itself renews the leases, between two rounds and nowhere else: a loop that hangs renews nothing, and
others take its shards. It looks before it does anything else, so that a process that was stopped for a while first
learns what it has lost.

**Order matters.** What is remembered of a shard is forgotten after the shard was taken and before it counts as
held; what is read in between is read anew, and what was judged from older memories finds at its commit that it does
not hold the shard.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy import Connection

from server.ingest.leases import LEASE_S, Leases, Look
from waterquality.readings import from_ms, to_ms
from waterquality.topics import SHARDS, shard, shard_of

_log = structlog.get_logger()
_LOOK_EVERY_S = 3.0
_LOOK_SOON_S = 0.5  # while less is held than is due
# Told which shards were lost and which were gained; one that was lost and taken again is in both.
Told = Callable[[frozenset[str], frozenset[str]], None]


class Holding(Protocol):
    """What the loops ask of the shards that they work for."""

    def keep(self, now_s: float, *, hears: bool, since: datetime | None) -> None:
        """Renew what is held and find out what has changed."""
        ...

    def look_at_once(self) -> None:
        """Something was found lost: at the next `keep`, look whatever the time."""
        ...

    def is_ours(self, device: str) -> bool:
        """Whether a device's shard is held."""
        ...

    def is_ours_topic(self, topic: str) -> bool:
        """Whether what came on a topic is for us."""
        ...


class EveryShard:
    """All shards, for ever: one process that shares with nobody, as tests and measurements compose it."""

    def keep(self, now_s: float, *, hears: bool, since: datetime | None) -> None:
        """Nothing is to be renewed."""

    def look_at_once(self) -> None:
        """Nothing is lost."""

    def is_ours(self, _device: str) -> bool:
        """Every device is."""
        return True

    def is_ours_topic(self, _topic: str) -> bool:
        """Everything is."""
        return True


class Shards:
    """What this worker holds.

    Args:
        leases: in the database.
        now: the server's clock.
        lease_s: how long a lease lasts, in seconds.
    """

    def __init__(self, leases: Leases, *, now: Callable[[], datetime], lease_s: float = LEASE_S) -> None:
        self._leases, self._now, self._lease_s = leases, now, lease_s
        self._look = Look()
        self._gained_at: dict[str, datetime] = {}
        self._forget: list[Told] = []
        self._told: list[Told] = []
        self._looked_s = float("-inf")
        self.renewed_at: datetime | None = None
        self._changing = threading.Lock()

    def forgets(self, forget: Told) -> None:
        """Call this before a change counts: to drop what is remembered of shards lost or gained."""
        self._forget.append(forget)

    def tells(self, told: Told) -> None:
        """Call this after a change: to listen to what was gained, and no more to what was lost."""
        with self._changing:
            self._told.append(told)
            told(frozenset(), frozenset(self._look.held))

    @property
    def held(self) -> frozenset[str]:
        """The shards that are ours."""
        return frozenset(self._look.held)

    def is_ours(self, device: str) -> bool:
        """Whether a device's shard is held."""
        return shard(device) in self._look.held

    def is_ours_topic(self, topic: str) -> bool:
        """Whether what came on a topic is for us."""
        return shard_of(topic) in self._look.held

    def keep(self, now_s: float, *, hears: bool, since: datetime | None) -> None:
        """Renew what is held, take and give what is due; does nothing where that was done just now.

        Args:
            now_s: seconds of a clock that never steps and never stops.
            hears: whether the broker is heard; whoever does not hear it lets its leases run out.
            since: since when it was heard with nothing left unread; None where it is not.

        Raises:
            DatabaseUnavailable: mended by time.
        """
        is_short = len(self._look.held) < self._look.quota
        if now_s - self._looked_s >= (_LOOK_SOON_S if is_short else _LOOK_EVERY_S):
            self.look(now_s, hears=hears, since=since)

    def look_at_once(self) -> None:
        """At the next `keep`, look whatever the time."""
        self._looked_s = float("-inf")

    def look(self, now_s: float, *, hears: bool, since: datetime | None) -> None:
        """Do so now.

        Raises:
            DatabaseUnavailable: mended by time.
        """
        listening = {each: self._listening_ms(each, since) for each in self._look.held}
        seen = self._leases.look(takes_part=hears, listening=listening)
        self._looked_s = now_s
        self.renewed_at = self._now() if hears else self.renewed_at
        self._apply(seen)

    def guard(self, connection: Connection) -> None:
        """Within the transaction that is about to be committed: are all shards that count as ours still ours?

        Raises:
            LeaseLost: undo everything; mended by time.
        """
        self._leases.guard(connection, self._look.held)

    def confirm(self, now_s: float) -> None:
        """Before something that no transaction guards: are our shards still ours?

        Args:
            now_s: as for `keep`.

        Raises:
            LeaseLost: mended by time.
            DatabaseUnavailable: mended by time.
        """
        if now_s - self._looked_s >= self._lease_s / 2:
            self._leases.confirm(self._look.held)

    def shared(
        self, shards_of: Callable[[str], Collection[str]], water_points: Iterable[str]
    ) -> frozenset[str]:
        """Those water points that other workers judge too.

        Args:
            shards_of: tells the shards of all devices that ever served a water point.
            water_points: to look through.
        """
        held = self._look.held
        if len(held) == len(SHARDS):
            return frozenset()
        return frozenset(
            point for point in water_points if any(each not in held for each in shards_of(point))
        )

    def listening(self, serving: Mapping[str, Sequence[str]], since: datetime) -> dict[str, datetime]:
        """Since when the shards of a water point's devices are all listened to, by us and by others.

        Args:
            serving: the devices that serve each water point now.
            since: since when we hear the broker.

        Returns:
            By water point; left out are those that have no device of ours, or that somebody does not listen to now.
        """
        look, gained = self._look, self._gained_at
        begun: dict[str, datetime] = {}
        for water_point, devices in serving.items():
            shards = {shard(device) for device in devices}
            mine = [max(since, gained[each]) for each in shards if each in look.held and each in gained]
            others = [look.elsewhere.get(each) for each in shards if each not in look.held]
            if mine and None not in others:
                begun[water_point] = max(
                    *mine, *(from_ms(each) for each in others if each is not None), since
                )
        return begun

    def release(self) -> None:
        """Give everything back.

        Raises:
            DatabaseUnavailable: it runs out by itself; mended by time.
        """
        self._leases.release()
        self._apply(Look())

    def _listening_ms(self, each: str, since: datetime | None) -> int | None:
        return None if since is None else to_ms(max(since, self._gained_at.get(each, since)))

    def _apply(self, seen: Look) -> None:
        before = self._look.held
        lost = frozenset(each for each, generation in before.items() if seen.held.get(each) != generation)
        gained = frozenset(each for each, generation in seen.held.items() if before.get(each) != generation)
        if not lost and not gained:
            self._look = seen
            return
        with self._changing:
            if lost:  # what is under way with them must not pass for ours while their memories go
                kept = {each: generation for each, generation in before.items() if each not in lost}
                self._look = Look(kept, seen.elsewhere, seen.quota)
            for forget in self._forget:
                forget(lost, gained)
            now = self._now()
            self._gained_at = {each: now if each in gained else self._gained_at[each] for each in seen.held}
            self._look = seen
            for told in self._told:
                told(lost, gained)
        _log.info("shards_changed", held="".join(sorted(seen.held)), lost="".join(sorted(lost)))
