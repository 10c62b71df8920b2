"""The sampler: at each tick, ask every probe and keep the observation. It knows nothing of the network."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from edge.board import Board
from edge.clock import Clock, Instant
from edge.economy import Economy
from edge.outbox import Outbox, OutboxFull
from edge.probes.measuring import measured
from edge.probes.port import Probe
from waterquality.readings import from_ms, to_ms

_log = structlog.get_logger()


class Schedule(Protocol):
    """When observations are due."""

    def next_after(self, instant: datetime) -> datetime | None:
        """The first tick after an instant; None when there will be none."""
        ...


class Every:
    """A tick at every whole multiple of a period, so that devices tick together and days divide evenly.

    Args:
        seconds: the period, in seconds; at least 0.001.
    """

    def __init__(self, seconds: float) -> None:
        self._period_ms = max(1, round(seconds * 1000))

    def next_after(self, instant: datetime) -> datetime:
        """The first tick after an instant."""
        return from_ms((to_ms(instant) // self._period_ms + 1) * self._period_ms)


class Sampler:
    """Takes observations and appends them to the outbox.

    Args:
        probes: asked one after the other; a failing one does not keep the others from being read.
        outbox: where observations go.
        appended: called after each observation, to wake the uplink.
        board: where the newest readings hang.
    """

    def __init__(
        self,
        probes: Sequence[Probe],
        outbox: Outbox,
        *,
        appended: Callable[[], None] = lambda: None,
        board: Board | None = None,
    ) -> None:
        self._probes, self._outbox, self._appended = probes, outbox, appended
        self._board = board or Board()
        self._was_synchronised = False
        self._economy = Economy()
        self.counters: Counter[str] = Counter()

    def observe(self, instant: Instant) -> None:
        """Take one observation now and keep it."""
        self._follow_clock(instant)
        readings = [reading for probe in self._probes for reading in measured(probe, instant.wall)]
        self._board.show(instant, readings)
        try:
            packed = self._outbox.append(instant, self._economy.of(readings))
        except OutboxFull as error:
            self._economy = Economy()  # what it has told of was not kept
            self.counters["append_failed"] += 1
            _log.error("append_failed", detail=str(error), times=self.counters["append_failed"])
            return
        self.counters["appended"] += 1
        _log.debug("observation_appended", seq=packed.first)
        self._appended()

    def run(
        self, clock: Clock, schedule: Schedule, stop: threading.Event, *, wake: threading.Event | None = None
    ) -> None:
        """Observe at every tick, until `stop` is set or the schedule ends.

        Args:
            clock: to wait by.
            schedule: when observations are due.
            stop: ends it.
            wake: ends a wait, so that the schedule is asked again or `stop` is seen; None waits for `stop` itself.
        """
        wake = wake or stop
        due = schedule.next_after(clock.read().wall)
        while due is not None and not stop.is_set():
            clock.pause((due - clock.read().wall).total_seconds(), wake)
            if wake is not stop:
                wake.clear()
            instant = clock.read()
            if instant.wall >= due and not stop.is_set():
                self._observe_guarded(instant)
            due = schedule.next_after(instant.wall)  # the same tick again where the wait ended early

    def _observe_guarded(self, instant: Instant) -> None:
        try:
            self.observe(instant)
        except Exception:  # noqa: BLE001 - the one broad catch of this loop
            self.counters["failed"] += 1
            _log.exception("sampling_failed")

    def _follow_clock(self, instant: Instant) -> None:
        if instant.is_synchronised and not self._was_synchronised:
            corrected = self._outbox.synchronise(instant)
            if corrected:
                _log.info("times_corrected", records=corrected)
        self._was_synchronised = instant.is_synchronised
