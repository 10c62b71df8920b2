"""One drill: publish a breach, wait for each station, publish the end of it.

**Invariants**
* A station that is not passed in time ends the drill, and is named.
* However it ends, the end of the breach is published last and in order, and what was not sent is taken back; an
  alert that stays open all the same is told.
* In event time a drill lies wholly after the one before it: mixed, they would be no breach and its end.
* The same numbers carry the same content however often they are published; each drill has an epoch of its own.
"""

import secrets
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Protocol

from server.clock import Clock
from server.drill.seen import Seen
from server.drill.stations import ADVICE, Outcome, Station
from server.registry.reserved import DRILL_DEVICE
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading, to_ms

_MS_PER_S = 1000
_LOOK_EVERY_S = 0.2
_REPEAT_EVERY = timedelta(seconds=10)
_CLEAR_NTU, _BREACH_NTU = 0.5, 25.0
_COURSE = ((3, _CLEAR_NTU), (2, _BREACH_NTU), (1, _BREACH_NTU))  # seconds before the drill begins, NTU


class Line(Protocol):
    """The way to the broker."""

    def wait_until_connected(self, seconds: float) -> bool:
        """Whether the broker has answered within so many seconds."""

    def say(self, observations: Sequence[Observation], seconds: float) -> bool:
        """Publish a batch; returns whether the broker has acknowledged it."""

    def has_receipt(self, seq: int) -> bool:
        """Whether the server holds this number."""


def new_epoch() -> str:
    """A name that no drill before had."""
    return secrets.token_hex(4)


class _NotPassed(Exception):
    def __init__(self, station: Station, detail: str = "") -> None:
        self.station, self.detail = station, detail


class Drill:
    """A drill that is run once.

    Args:
        line: to the broker.
        seen: the ledger.
        clock: the server's clock.
        epoch: of this drill.
        patience_s: how long each station may take, in seconds.
        passed: told of each station that was passed, and after how many seconds.
    """

    def __init__(
        self,
        line: Line,
        seen: Seen,
        clock: Clock,
        *,
        epoch: str,
        patience_s: float,
        passed: Callable[[Station, float], None] = lambda *_: None,
    ) -> None:
        self._line, self._seen, self._clock, self._epoch = line, seen, clock, epoch
        self._patience, self._passed = timedelta(seconds=patience_s), passed
        self._took: dict[Station, float] = {}
        self._breach: Sequence[Observation] = ()

    def run(self) -> Outcome:
        """Run it.

        Raises:
            DatabaseUnavailable: how it went cannot be told; mended by time.
        """
        began_at = self._begin()
        self._breach = self._observed_breach(began_at)
        failed: _NotPassed | None = None
        try:
            self._go()
        except _NotPassed as stopped:
            failed = stopped
        is_left_open = failed is not None and self._give_up(failed.station)
        return Outcome(
            epoch=self._epoch,
            began_at=began_at,
            ended_at=self._clock.now(),
            took_s=dict(self._took),
            failed_at=failed.station if failed else None,
            detail=f"{ADVICE[failed.station]} {failed.detail}".strip() if failed else "",
            is_left_open=is_left_open,
        )

    def _begin(self) -> datetime:
        """Wait until all that this drill will tell of lies after what was judged of the one before it."""
        from_ms = self._seen.judged_ms() + _MS_PER_S * (_COURSE[0][0] + 1)
        while to_ms(now := self._clock.now()) < from_ms:
            self._clock.pause(_LOOK_EVERY_S, threading.Event())
        return now

    def _go(self) -> None:
        self._pass(Station.BROKER, self._is_taken)
        fired_from_ms = self._breach[1].taken_ms
        self._pass(Station.ALERT, lambda: self._seen.episode_since(fired_from_ms) is not None)
        episode = self._seen.episode_since(fired_from_ms) or 0
        self._pass(Station.OWED, lambda: self._seen.told(episode) is not None)
        self._pass(Station.STORE, lambda: self._line.has_receipt(self._breach[-1].seq))
        self._pass(Station.NOTIFIER, lambda: self._is_taken_up(episode))
        self._pass(Station.GATEWAY, lambda: self._is_accepted(episode), lambda: self._said(episode))
        end = self._end_of_breach()
        self._pass(Station.CLEAR, lambda: self._is_cleared(end))

    def _pass(
        self, station: Station, is_passed: Callable[[], bool], why: Callable[[], str] = lambda: ""
    ) -> None:
        """Wait until a station is passed; what has no receipt yet is published again meanwhile."""
        since = repeated_at = self._clock.now()
        while not is_passed():
            now = self._clock.now()
            if now - since > self._patience:
                raise _NotPassed(station, why())
            if now - repeated_at > _REPEAT_EVERY and not self._line.has_receipt(self._breach[-1].seq):
                self._line.say(self._breach, _LOOK_EVERY_S)
                repeated_at = now
            self._clock.pause(_LOOK_EVERY_S, threading.Event())
        self._took[station] = (self._clock.now() - since).total_seconds()
        self._passed(station, self._took[station])

    def _is_taken(self) -> bool:
        patience_s = self._patience.total_seconds()
        return self._line.wait_until_connected(patience_s) and self._line.say(self._breach, patience_s)

    def _is_taken_up(self, episode: int) -> bool:
        told = self._seen.told(episode)
        return told is not None and (told.attempts > 0 or told.is_accepted)

    def _is_accepted(self, episode: int) -> bool:
        told = self._seen.told(episode)
        return told is not None and told.is_accepted

    def _said(self, episode: int) -> str:
        told = self._seen.told(episode)
        return f"({told.detail})" if told is not None and told.detail else ""

    def _end_of_breach(self) -> Observation:
        return self._observed(self._breach[-1].seq + 1, to_ms(self._clock.now()), _CLEAR_NTU)

    def _is_cleared(self, end: Observation) -> bool:
        """Whether nothing is open any more; the end of the breach is published until the server holds it."""
        if not self._line.has_receipt(end.seq):
            self._line.say([end], _LOOK_EVERY_S)
        return not self._seen.is_open()

    def _give_up(self, station: Station) -> bool:
        """Clear up after a drill that failed; returns whether its alert is still open."""
        if station is not Station.CLEAR:
            end, until = self._end_of_breach(), self._clock.now() + self._patience
            while not self._is_cleared(end) and self._clock.now() < until:
                self._clock.pause(1, threading.Event())
        self._seen.take_back(to_ms(self._clock.now()))
        return self._seen.is_open()

    def _observed_breach(self, began_at: datetime) -> Sequence[Observation]:
        """Clear, so that an alert left open ends; then a breach, twice."""
        began_ms = to_ms(began_at)
        return [
            self._observed(seq, began_ms - _MS_PER_S * before_s, ntu)
            for seq, (before_s, ntu) in enumerate(_COURSE, start=1)
        ]

    def _observed(self, seq: int, taken_ms: int, ntu: float) -> Observation:
        readings = MappingProxyType({Parameter.TURBIDITY: Reading(Parameter.TURBIDITY, ntu)})
        return Observation(DRILL_DEVICE, self._epoch, seq, taken_ms, readings)
