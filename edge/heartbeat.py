"""The heartbeat: what the device knows of itself, told now and then. Losing one loses nothing."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import structlog

from edge.clock import Clock, Instant
from edge.outbox import Outbox
from waterquality.wire.messages import Health, encode_health

_log = structlog.get_logger()


class Heartbeat:
    """Tells the server how the device stands.

    Args:
        outbox: its depth is told.
        counters: the fates counted by the other loops.
        publish: sends the payload.
        beaten: called after each beat, e.g. to pet a watchdog.
        vitals: what the board knows of itself, as numbers by name.
    """

    def __init__(
        self,
        outbox: Outbox,
        counters: Sequence[Counter[str]],
        publish: Callable[[bytes], None],
        *,
        beaten: Callable[[], None] = lambda: None,
        vitals: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self._vitals = vitals
        self._outbox, self._counters, self._publish, self._beaten = outbox, counters, publish, beaten

    def health(self, instant: Instant) -> Health:
        """What to tell, at an instant."""
        depth = self._outbox.depth()
        return Health(
            epoch=self._outbox.epoch,
            appended=depth.head,
            held=depth.held,
            in_outbox=depth.records,
            in_gaps=depth.in_gaps,
            clock_synchronised=instant.is_synchronised,
            uptime_s=instant.boottime_ms / 1000,
            time_ms=instant.wall_ms,
            counters=dict(sum(map(Counter.copy, self._counters), Counter[str]())),
            vitals=dict(self._vitals()),
        )

    def run(self, clock: Clock, every_s: float, stop: threading.Event) -> None:
        """Beat every so many seconds, until `stop` is set."""
        while not stop.is_set():
            try:
                self._publish(encode_health(self.health(clock.read())))
                self._beaten()
            except Exception:  # noqa: BLE001 - the one broad catch of this loop
                _log.exception("heartbeat_failed")
            clock.pause(every_s, stop)
