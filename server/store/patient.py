"""A store that is waited for only so long, so that one that hangs keeps no alert waiting behind it.

Invariant: at most one attempt to write is under way. One that was given up goes on by itself; should it succeed
after all, it has written what comes again anyway, and until it has ended nothing newer is written.
"""

import threading
from collections.abc import Callable, Sequence

from server.store.port import ReadingStore, Row, StoreUnavailable


class PatientStore:
    """A store whose writing is given up after a while. Reading is left as it is.

    Args:
        store: the store itself.
        patience_s: how long to wait for a write, in seconds; far more than a sound store takes.
    """

    def __init__(self, store: ReadingStore, *, patience_s: float = 3.0) -> None:
        self._store, self._patience_s = store, patience_s
        self._attempt: _Attempt | None = None
        self.latest = store.latest
        self.chart = store.chart
        self.identities = store.identities
        self.count = store.count
        self.roll_up, self.forget, self.move, self.upkeep = (
            store.roll_up,
            store.forget,
            store.move,
            store.upkeep,
        )

    def prepare(self) -> None:
        """Make what is missing; see the port."""
        self._wait_for(self._store.prepare)

    def write(self, rows: Sequence[Row]) -> None:
        """Store rows; see the port."""
        self._wait_for(lambda: self._store.write(rows))

    def close(self) -> None:
        """Let go of the connection."""
        self._store.close()

    def _wait_for(self, act: Callable[[], None]) -> None:
        if self._attempt is not None and self._attempt.is_alive():
            raise StoreUnavailable("the store has not answered the last attempt yet")
        self._attempt = _Attempt(act)
        self._attempt.start()
        self._attempt.join(self._patience_s)
        if self._attempt.is_alive():
            raise StoreUnavailable(f"the store does not answer within {self._patience_s:g} s")
        if self._attempt.error is not None:
            raise self._attempt.error


class _Attempt(threading.Thread):
    """One attempt, on a thread that does not keep the process from ending."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__(name="store", daemon=True)
        self._act = act
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self._act()
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            self.error = error
