"""The notifier's loop: take up what is due, whenever something is owed or a retry has come due."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime

import structlog

from alerts.notifier import Notifier
from alerts.transports.failover import Failover
from server.clock import Clock
from waterquality.errors import LinkError

_log = structlog.get_logger()


class NotifyWorker:
    """Runs the notifier.

    Args:
        notifier: takes up what is due.
        clock: the server's clock.
        every_s: how often to look without being nudged, in seconds.
        tried: called when the fate of a text may have changed.
    """

    def __init__(
        self,
        notifier: Notifier,
        clock: Clock,
        *,
        every_s: float = 1.0,
        tried: Callable[[], None] = lambda: None,
    ) -> None:
        self._notifier, self._clock, self._every_s, self._tried = notifier, clock, every_s, tried
        self._wake = threading.Event()
        self._passed_at: datetime | None = None
        self.counters: Counter[str] = Counter()

    @property
    def passed_at(self) -> datetime | None:
        """When a pass last ended well; None before the first."""
        return self._passed_at

    def nudge(self) -> None:
        """Something is owed."""
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Notify until `stop` is set; `nudge` afterwards to end the wait."""
        while not stop.is_set():
            self._wake.clear()
            try:
                while self._notifier.run_once(self._clock.now()) and not stop.is_set():
                    self._tried()
                self._passed_at = self._clock.now()
            except LinkError as error:
                self.counters["database_unavailable"] += 1
                _log.warning("database_unavailable", detail=str(error))
            except Exception:  # noqa: BLE001 - the one broad catch of this loop
                self.counters["failed"] += 1
                _log.exception("notifier_failed")
            self._clock.pause(self._every_s, self._wake)


class BalanceWatch:
    """Asks the gateways what is left with them, now and then.

    Args:
        gateways: whom to ask.
        every_s: how long to wait in between, in real seconds.
    """

    def __init__(self, gateways: Failover, *, every_s: float = 900) -> None:
        self._gateways, self._every_s = gateways, every_s

    def run(self, stop: threading.Event) -> None:
        """Ask until `stop` is set."""
        while not stop.is_set():
            try:
                self._gateways.ask_balances()
            except Exception:  # noqa: BLE001 - the one broad catch of this loop
                _log.exception("balances_failed")
            stop.wait(self._every_s)
