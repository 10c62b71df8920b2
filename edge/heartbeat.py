"""The heartbeat: what the device knows of itself, told now and then. Losing one loses nothing.

What nobody heard is told again at the next beat, a minute later, however rarely it is told otherwise.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import structlog

from edge.clock import Clock, Instant
from edge.outbox import Outbox
from waterquality.wire.messages import Health

_log = structlog.get_logger()
_LONGEST_BEAT_S = 60.0
_MS_PER_S = 1000


class Heartbeat:
    """Tells the server how the device stands.

    Args:
        outbox: its depth is told.
        counters: the fates counted by the other loops.
        publish: sends it; false where nobody heard it, and then the next beat tells again.
        vitals: what the board knows of itself, as numbers by name.
        used_bytes: what the SIM has carried this month; None where nobody counts.
    """

    def __init__(
        self,
        outbox: Outbox,
        counters: Sequence[Counter[str]],
        publish: Callable[[Health], bool],
        *,
        vitals: Callable[[], Mapping[str, float]] = dict,
        used_bytes: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._vitals = vitals
        self._outbox, self._counters, self._publish = outbox, counters, publish
        self._used_bytes = used_bytes
        self._told_ms: int | None = None

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
            bytes_this_month=self._used_bytes(),
        )

    def beat(self, instant: Instant, every_s: float) -> None:
        """Tell, if it is time to.

        Args:
            instant: now.
            every_s: seconds from one telling to the next.
        """
        is_time = self._told_ms is None or instant.boottime_ms - self._told_ms >= every_s * _MS_PER_S
        if is_time and self._publish(self.health(instant)):
            self._told_ms = instant.boottime_ms

    def run(self, clock: Clock, every_s: Callable[[], float], stop: threading.Event) -> None:
        """Beat until `stop` is set, and tell every so many seconds."""
        while not stop.is_set():
            try:
                self.beat(clock.read(), every_s())
            except Exception:  # noqa: BLE001 - the one broad catch of this loop
                _log.exception("heartbeat_failed")
            clock.pause(min(every_s(), _LONGEST_BEAT_S), stop)
