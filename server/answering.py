"""The loop of whoever reads what people text back."""

import threading
from collections import Counter
from collections.abc import Callable

import structlog

from alerts.answers.answering import Answering
from server.clock import Clock
from waterquality.errors import LinkError

_log = structlog.get_logger()


class AnswerWorker:
    """Reads the inbox.

    Args:
        answering: answers what has come in.
        clock: the server's clock.
        every_s: how often to look, in seconds.
        answered: called when replies may be owed, and alerts acknowledged.
    """

    def __init__(
        self, answering: Answering, clock: Clock, *, every_s: float, answered: Callable[[], None]
    ) -> None:
        self._answering, self._clock, self._every_s, self._answered = answering, clock, every_s, answered
        self.answers, self.counters = answering.answers, Counter[str]()

    def run(self, stop: threading.Event) -> None:
        """Look until `stop` is set."""
        while not stop.is_set():
            try:
                if self._answering.run_once(self._clock.now()):
                    self._answered()
            except LinkError as error:
                _log.warning("answers_wait", detail=str(error))
            except Exception:  # noqa: BLE001 - the one broad catch of this loop
                self.counters["failed"] += 1
                _log.exception("answers_failed")
            self._clock.pause(self._every_s, stop)
