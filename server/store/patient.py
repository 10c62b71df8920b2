"""A store that is waited for only so long, so that one that hangs keeps no alert waiting behind it.

A store that is slow and sound is waited for longer: what it took lately, and half as much again. Otherwise each
of its writes would be given up just before it succeeds, nothing would ever be receipted, and all devices would send
all they hold again and again. It is never waited for so long that the leases of this worker might run out.

Invariant: at most one attempt to write, and one to look, is under way. One that was given up goes on by itself, and
until it has ended nothing newer is written; `written_late` says so. Should it succeed after all, it says what it
has written: so even a store that takes longer than anybody may wait takes everything in, a round at a time.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from server.store.port import ReadingStore, Row, StoreBusy

_T = TypeVar("_T")
_MARGIN = 1.5


class PatientStore:
    """A store whose intake is given up after a while. What only pages ask is left as it is.

    Args:
        store: the store itself.
        patience_s: how long to wait at least, in seconds; far more than a sound store takes.
        longest_s: how long to wait at most for one that has been slow, in seconds; less than a lease lasts.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        store: ReadingStore,
        *,
        patience_s: float = 3.0,
        longest_s: float = 7.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._clock = store, clock
        self._patience_s, self._longest_s = patience_s, longest_s
        self._attempts: dict[str, _Attempt[Any]] = {}  # the last one to write, and the last one to look
        self._paces: dict[str, _Attempt[Any]] = {}  # likewise; what only prepares says nothing of the pace
        self._given_up: tuple[_Attempt[Any], Sequence[Row]] | None = None
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
        self._wait_for("write", self._store.prepare, is_telling=False)

    def write(self, rows: Sequence[Row]) -> None:
        """Store rows; see the port."""
        try:
            self._wait_for("write", lambda: self._store.write(rows))
        except GivenUp as trouble:
            self._given_up = (trouble.attempt, rows)
            raise

    def written_late(self) -> Sequence[Row] | None:
        """The rows of a write that was given up and has succeeded since, told once; None while it is under way."""
        if self._given_up is None:
            return ()
        attempt, rows = self._given_up
        if attempt.is_alive():
            return None
        self._given_up = None
        return rows if attempt.answers else ()

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

    def _wait_for(self, purpose: str, act: Callable[[], _T], *, is_telling: bool = True) -> _T:
        last = self._attempts.get(purpose)
        if last is not None and last.is_alive():
            raise StoreBusy("the store has not answered the last attempt yet")
        patience_s = self._patience_after(self._paces.get(purpose))
        attempt = _Attempt(act, self._clock)
        self._attempts[purpose] = attempt
        if is_telling:
            self._paces[purpose] = attempt
        attempt.start()
        attempt.join(patience_s)
        if attempt.is_alive():
            raise GivenUp(attempt, patience_s)
        if attempt.error is not None:
            raise attempt.error
        return attempt.answers[0]

    def _patience_after(self, last: "_Attempt[Any] | None") -> float:
        """How long to wait after an attempt that has ended, in time or too late."""
        took_s = last.took_s if last is not None and last.answers else 0.0
        return min(self._longest_s, max(self._patience_s, _MARGIN * took_s))


class GivenUp(StoreBusy):
    """The store was waited for long enough; it may answer yet. Mended by time.

    Attributes:
        attempt: what goes on by itself.
    """

    def __init__(self, attempt: "_Attempt[Any]", patience_s: float) -> None:
        super().__init__(f"the store does not answer within {patience_s:g} s")
        self.attempt = attempt


class _Attempt(threading.Thread, Generic[_T]):
    """One attempt, on a thread that does not keep the process from ending."""

    def __init__(self, act: Callable[[], _T], clock: Callable[[], float]) -> None:
        super().__init__(name="store", daemon=True)
        self._act, self._clock = act, clock
        self.answers: list[_T] = []
        self.error: Exception | None = None
        self.took_s = 0.0

    def run(self) -> None:
        began_s = self._clock()
        try:
            answer = self._act()
            self.took_s = self._clock() - began_s
            self.answers.append(answer)
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            self.error = error
