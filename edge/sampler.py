"""The sampler: at each tick, ask every probe; keep an observation when one is due. It knows nothing of the network.

Invariants: every sample passes the self-checks, kept or not; the meter's volume is on the disk at least once a
minute while water runs, and once more when sampling ends, so that a restart counts on from there.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import structlog

from edge.board import Board
from edge.clock import Clock, Instant
from edge.economy import Economy
from edge.outbox import Outbox, OutboxFull
from edge.probes.measuring import measured
from edge.probes.port import Probe
from edge.reporting import Due, Reporting
from edge.schedule import Dues, Schedule
from edge.selfcheck import SelfChecks
from edge.steps import ClockFollower
from edge.watchdog import Work
from waterquality.parameters import Parameter
from waterquality.readings import Reading

_log = structlog.get_logger()
_KEEP_VOLUME_MS = 60_000


class Sampler:
    """Takes observations and appends them to the outbox.

    Args:
        probes: asked one after the other; a failing one does not keep the others from being read.
        outbox: where observations go.
        checks: what the device doubts of its own readings; None: nothing.
        observations: the ticks at which an observation may be due; None: every tick.
        reporting: which samples become observations; None: those of every such tick.
        economy: what travels of a reading.
        appended: called after each observation with why it was reported, to wake the uplink.
        board: where the newest readings hang.

    Attributes:
        counters: what became of observations.
        work: what it is at, for the watchdog.
    """

    def __init__(
        self,
        probes: Sequence[Probe],
        outbox: Outbox,
        *,
        checks: SelfChecks | None = None,
        observations: Schedule | None = None,
        reporting: Reporting | None = None,
        economy: Economy | None = None,
        appended: Callable[[Due], None] = lambda _: None,
        board: Board | None = None,
    ) -> None:
        self._probes, self._outbox, self._appended = probes, outbox, appended
        self._board = board or Board()
        self._checks = checks or SelfChecks()
        self._dues = Dues(observations) if observations else None
        self._volume_kept_ms = 0
        self._follower = ClockFollower(outbox)
        self._reporting, self._economy = reporting or Reporting(), economy or Economy()
        self.work = Work()
        self.counters: Counter[str] = Counter()

    def observe(self, instant: Instant) -> None:
        """Ask every probe now, and keep what they say where it is to be reported."""
        self._follower.follow(instant)
        readings = self._measured(instant)
        readings = self._checks.judged(instant, readings)
        self._board.show(instant, readings)
        is_tick = self._dues is None or self._dues.has_come(instant.wall)
        if due := self._reporting.wants(instant, readings, is_tick=is_tick):
            self._append(instant, readings, due)
        else:
            self.counters["suppressed"] += 1
            self._keep_volume(instant, readings)

    def _measured(self, instant: Instant) -> list[Reading]:
        return [reading for probe in self._probes for reading in measured(probe, instant.wall)]

    def _append(self, instant: Instant, readings: Sequence[Reading], due: Due) -> None:
        try:
            packed = self._outbox.append(instant, self._economy.of(readings))
        except OutboxFull as error:
            self._economy.forget()
            self.counters["append_failed"] += 1
            _log.error("append_failed", detail=str(error), times=self.counters["append_failed"])
            return
        self._reporting.reported(instant, readings)
        self.counters["appended"] += 1
        self._volume_kept_ms = instant.boottime_ms
        _log.debug("observation_appended", seq=packed.first, due=str(due))
        self._appended(due)

    def run(
        self, clock: Clock, schedule: Schedule, stop: threading.Event, *, wake: threading.Event | None = None
    ) -> None:
        """Ask the probes at every tick until `stop` is set or the schedule ends; when stopped, keep the meter.

        Args:
            clock: to wait by.
            schedule: when the probes are asked.
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
        if stop.is_set():
            self._keep_last_volume(clock.read())

    def _keep_last_volume(self, instant: Instant) -> None:
        meters = [probe for probe in self._probes if Parameter.VOLUME in probe.parameters]
        try:
            for meter in meters:
                self._outbox.keep_volume(_volume_of(measured(meter, instant.wall)))
        except Exception:  # noqa: BLE001 - nothing may keep the agent from stopping
            _log.exception("sampling_failed")

    def _keep_volume(self, instant: Instant, readings: Iterable[Reading]) -> None:
        if instant.boottime_ms - self._volume_kept_ms >= _KEEP_VOLUME_MS:
            self._outbox.keep_volume(_volume_of(readings))
            self._volume_kept_ms = instant.boottime_ms

    def _observe_guarded(self, instant: Instant) -> None:
        try:
            with self.work:
                self.observe(instant)
        except Exception:  # noqa: BLE001 - the one broad catch of this loop
            self.counters["failed"] += 1
            _log.exception("sampling_failed")


def _volume_of(readings: Iterable[Reading]) -> float | None:
    """The volume in m3, where there is one."""
    return next((reading.value for reading in readings if reading.parameter is Parameter.VOLUME), None)
