"""The board: the newest readings of every tick, for whoever looks: the door, a light, a person at the tap.

The sampler shows and goes on; it never waits for a looker. Whoever comes late sees the newest tick and none before
it: this is what is seen now, not a record (that is the outbox).
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from edge.clock import Instant
from waterquality.parameters import SPECS
from waterquality.readings import Reading


@dataclass(frozen=True, slots=True)
class Shown:
    """What hangs on the board.

    Attributes:
        number: counts the ticks since the start, from 1.
        instant: when the readings were taken.
        readings: as they were judged on the device.
        rested: what probes said last that rested at this tick.
    """

    number: int
    instant: Instant
    readings: tuple[Reading, ...]
    rested: tuple[Reading, ...] = ()


class Board:
    """Holds the newest readings and tells listeners that there are new ones."""

    def __init__(self) -> None:
        self._newest: Shown | None = None
        self._listeners: tuple[Callable[[], None], ...] = ()
        self._lock = threading.Lock()

    def show(self, instant: Instant, readings: Sequence[Reading]) -> None:
        """Hang up what a tick gave, in place of what was there."""
        before = self._newest
        said = () if before is None else (*before.readings, *before.rested)
        taken = {reading.parameter for reading in readings}
        rested = tuple(reading for reading in said if reading.parameter not in taken)
        number = 1 if before is None else before.number + 1
        self._newest = Shown(number, instant, tuple(readings), rested)
        for told in self._listeners:
            told()

    def newest(self) -> Shown | None:
        """What the last tick gave; None before the first."""
        return self._newest

    def listen(self, told: Callable[[], None]) -> None:
        """Call `told` after every tick, on the sampler's thread: it must return at once and must not raise."""
        with self._lock:
            self._listeners = (*self._listeners, told)


def as_line(shown: Shown) -> dict[str, Any]:
    """The readings of a tick as the door tells them, in the parameters' own units."""
    return {
        "time_ms": shown.instant.wall_ms,
        "synchronised": shown.instant.is_synchronised,
        "readings": [_as_table(reading) for reading in shown.readings],
    }


def _as_table(reading: Reading) -> dict[str, Any]:
    return {
        "parameter": reading.parameter,
        "value": reading.value,
        "unit": SPECS[reading.parameter].unit,
        "flag": int(reading.flag),
        "why": reading.screened.why,
        "raw": reading.raw,
        "raw_unit": reading.raw_unit,
        "spread": reading.spread,
        "certificate": reading.certificate,
    }
