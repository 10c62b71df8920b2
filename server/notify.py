"""The notifier's loop: take up what is due, whenever something is owed or a retry has come due."""

import threading
from collections.abc import Callable

import structlog

from alerts.notifier import Notifier
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
            except LinkError as error:
                _log.warning("database_unavailable", detail=str(error))
            except Exception:  # noqa: BLE001 - the one broad catch of this loop
                _log.exception("notifier_failed")
            self._clock.pause(self._every_s, self._wake)
