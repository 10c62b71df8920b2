"""A question that is asked seldom and waited for only so long.

Invariant: at most one thread is asking. While one hangs, nobody waits behind it and no second one is begun.
"""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

import structlog

from waterquality.errors import LinkError

_log = structlog.get_logger()
_T = TypeVar("_T")


class Lately(Generic[_T]):
    """What was answered lately.

    Args:
        ask: the question; may raise LinkError.
        every_s: for how long an answer will do, in seconds; also the lack of one.
        patience_s: how long to wait for it, in seconds.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        ask: Callable[[], _T],
        *,
        every_s: float = 5.0,
        patience_s: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask, self._every_s, self._patience_s, self._clock = ask, every_s, patience_s, clock
        self._asked_s = float("-inf")
        self._answer: _T | None = None
        self._asking: threading.Thread | None = None

    def answer(self) -> _T | None:
        """The newest answer; None when there is none now, never an older one. For one thread at a time."""
        is_asking = self._asking is not None and self._asking.is_alive()
        if not is_asking and self._clock() - self._asked_s >= self._every_s:
            self._answer, self._asked_s = None, self._clock()
            self._asking = threading.Thread(target=self._find_out, name="metrics-question", daemon=True)
            self._asking.start()
            self._asking.join(self._patience_s)
        return self._answer

    def _find_out(self) -> None:
        try:
            self._answer = self._ask()
        except LinkError:
            return
        except Exception:  # noqa: BLE001 - the one broad catch of this thread
            _log.exception("metrics_failed")
