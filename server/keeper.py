"""Upkeep of the store: rollups, readings forgotten, readings moved to where they belong, months learned.

A loop of its own beside the intake. Every step is short, and after a step it rests for as long as the step took, so
that the intake always gets its turn; what a step did not finish the next one does. Several processes may do this at
once: each step is worked out anew from what is there, and to do it twice changes nothing.
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from server.clock import Clock
from server.database.engine import Database
from server.keeping import Moving, note_forgotten, note_moved, note_refused, waiting_moves
from server.seasons import Seasons
from server.store.port import PointRejected, ReadingStore
from waterquality.errors import LinkError
from waterquality.readings import to_ms

_log = structlog.get_logger()
_LOOK_AGAIN_S = 15.0
_FORGET_EVERY = timedelta(hours=1)
_LOOK_AT_MONTHS_EVERY = timedelta(days=1)
_MARGIN = timedelta(days=1)  # what is forgotten is a day older than what intake still takes


class StoreKeeper:
    """Keeps a store in order.

    Args:
        store: the store.
        database: where it is noted what was forgotten and what is to be moved.
        clock: the server's clock.
        keep: how long readings are kept.
        is_ours: whether it is this process that keeps the store; where several do, they only repeat each other.
    """

    def __init__(
        self,
        store: ReadingStore,
        database: Database,
        clock: Clock,
        keep: timedelta,
        *,
        is_ours: Callable[[], bool] = lambda: True,
    ) -> None:
        self._store, self._database, self._clock, self._keep = store, database, clock, keep
        self._is_ours = is_ours
        self._seasons = Seasons(store, database, clock)
        self._forget_after: datetime | None = None
        self._months_after: datetime | None = None

    def run(self, stop: threading.Event) -> None:
        """Keep it in order until `stop` is set."""
        while not stop.is_set():
            self._clock.pause(_LOOK_AGAIN_S, stop)
            try:
                if self._is_ours():
                    self.turn(stop)
            except LinkError as trouble:
                _log.warning("keeper_waits", detail=str(trouble))
            except Exception:  # noqa: BLE001 - the one broad catch of this loop
                _log.exception("keeper_failed")

    def turn(self, stop: threading.Event) -> None:
        """Do all that is to be done now, step by step.

        Raises:
            LinkError: the store or the database is away; mended by time.
        """
        now = self._clock.now()
        for moving in waiting_moves(self._database, to_ms(now)):
            self._move(moving, stop)
        while not stop.is_set() and self._stepped(stop, lambda: self._store.roll_up(self._clock.now())):
            pass
        if self._forget_after is None or now >= self._forget_after:
            self._forget_after = now + _FORGET_EVERY
            while not stop.is_set() and self._stepped(stop, self._forget):
                pass
        if self._months_after is None or now >= self._months_after:
            self._learn_months(now, stop)

    def _forget(self) -> bool:
        now = self._clock.now()
        done = self._store.forget(now - self._keep - _MARGIN, now)
        if done is None:
            return False
        note_forgotten(self._database, done, to_ms(now))
        _log.info("readings_forgotten", through_ms=done.through_ms, rows=done.rows)
        return True

    def _learn_months(self, now: datetime, stop: threading.Event) -> None:
        """Look at one water point; the next turn goes on, so that rollups never wait for long."""
        due = self._seasons.due()
        if due:
            self._seasons.look(due[0], stop)
        else:
            self._months_after = now + _LOOK_AT_MONTHS_EVERY

    def _move(self, moving: Moving, stop: threading.Event) -> None:
        rows = 1
        while rows and not stop.is_set():
            try:
                rows = self._stepped(stop, lambda: self._store.move(moving.what))
            except PointRejected as refusal:
                note_refused(self._database, moving.id, str(refusal))
                _log.error("move_refused", device=moving.what.device, detail=str(refusal))
                return
            note_moved(self._database, moving.id, rows, to_ms(self._clock.now()))
        if not rows:
            _log.info("readings_moved", device=moving.what.device, water_point=moving.what.target)

    @staticmethod
    def _stepped(stop: threading.Event, step: Callable[[], int]) -> int:
        """Take a step, then rest as long as it took."""
        began_s = time.monotonic()
        done = step()
        if done:
            stop.wait(time.monotonic() - began_s)
        return done
