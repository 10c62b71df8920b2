"""A store that is waited for only so long, so that one that hangs keeps no alert waiting behind it.

Invariant: at most one attempt to write, and one to look, is under way. One that was given up goes on by itself;
should it succeed after all, it has written what comes again anyway, and until it has ended nothing newer is
written.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from server.store.port import ReadingStore, Row, StoreUnavailable

_T = TypeVar("_T")


class PatientStore:
    """A store whose intake is given up after a while. What only pages ask is left as it is.

    Args:
        store: the store itself.
        patience_s: how long to wait for a write, in seconds; far more than a sound store takes.
    """

    def __init__(self, store: ReadingStore, *, patience_s: float = 3.0) -> None:
        self._store, self._patience_s = store, patience_s
        self._attempts: dict[str, threading.Thread] = {}  # the last one to write, and the last one to look
        self.latest = store.latest
        self.chart = store.chart
        self.count = store.count
        self.roll_up, self.forget, self.move, self.upkeep = (
            store.roll_up,
            store.forget,
            store.move,
            store.upkeep,
        )
        self.extent = store.extent
        self.rows = store.rows
        self.rolled_hours, self.adopt = store.rolled_hours, store.adopt

    def prepare(self) -> None:
        """Make what is missing; see the port."""
        self._wait_for("write", self._store.prepare)

    def write(self, rows: Sequence[Row]) -> None:
        """Store rows; see the port."""
        self._wait_for("write", lambda: self._store.write(rows))

    def identities(
        self, water_point: str, device: str, *, since_ms: int, until_ms: int
    ) -> frozenset[tuple[str, int, int]]:
        """What is stored of a device; see the port."""
        return self._wait_for(
            "look", lambda: self._store.identities(water_point, device, since_ms=since_ms, until_ms=until_ms)
        )

    def neighbours(
        self, water_point: str, device: str, *, since_ms: int, until_ms: int, at_most: int, newest: bool
    ) -> Sequence[Row]:
        """Rows of a device; see the port. Waited for only so long: intake asks before it judges."""
        return self._wait_for(
            "look",
            lambda: self._store.neighbours(
                water_point,
                device,
                since_ms=since_ms,
                until_ms=until_ms,
                at_most=at_most,
                newest=newest,
            ),
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._store.close()

    def _wait_for(self, purpose: str, act: Callable[[], _T]) -> _T:
        last = self._attempts.get(purpose)
        if last is not None and last.is_alive():
            raise StoreUnavailable("the store has not answered the last attempt yet")
        attempt = _Attempt(act)
        self._attempts[purpose] = attempt
        attempt.start()
        attempt.join(self._patience_s)
        if attempt.is_alive():
            raise StoreUnavailable(f"the store does not answer within {self._patience_s:g} s")
        if attempt.error is not None:
            raise attempt.error
        return attempt.answers[0]


class _Attempt(threading.Thread, Generic[_T]):
    """One attempt, on a thread that does not keep the process from ending."""

    def __init__(self, act: Callable[[], _T]) -> None:
        super().__init__(name="store", daemon=True)
        self._act = act
        self.answers: list[_T] = []
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.answers.append(self._act())
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            self.error = error
