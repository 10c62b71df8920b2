"""A store that is slow and sound: every write takes long and succeeds."""

import time
from collections.abc import Sequence
from pathlib import Path

from server.store.port import Row
from server.store.sqlite import SqliteReadingStore

_MOMENT_S = 0.3


class HandWound:
    """Seconds that pass when somebody says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class SlowStore(SqliteReadingStore):
    """A real store whose every write takes so many seconds of a hand-wound clock, and a moment of the real one."""

    def __init__(self, path: Path, clock: HandWound, takes_s: float) -> None:
        super().__init__(path)
        self._clock, self.takes_s = clock, takes_s

    def write(self, rows: Sequence[Row]) -> None:
        self._clock.now_s += self.takes_s
        time.sleep(_MOMENT_S)
        super().write(rows)
