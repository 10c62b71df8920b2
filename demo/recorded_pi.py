"""A device that "measures" a recording: the production agent whose one probe reads rows instead of volts.

It is clock, schedule and probe in one, because a row is an instant: an observation of a row bears exactly the
row's time, shifted by a fixed step, and no row is skipped however late the sampler comes to it.
"""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from demo.clocks import DemoClock
from demo.recorded import BadRow, RecordedRow, Recording
from edge.clock import Instant
from waterquality.flags import NOT_SCREENED, Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.readings import Reading, from_ms, to_ms

_MISSING = Screened(Flag.MISSING, Why.NOT_RECORDED)


class RecordedDevice:
    """Implements the ports `Clock`, `Schedule` and `Probe` of the edge.

    Args:
        recording: what to replay.
        shift: added to the time of every row.
        clock: the run's clock.
        refused: called with every row that cannot be used.
    """

    def __init__(
        self, recording: Recording, shift: timedelta, clock: DemoClock, refused: Callable[[BadRow], None]
    ) -> None:
        self._shift, self._clock = shift, clock
        self._rows = self._usable(recording, refused)
        self._parameters = tuple(mapped.parameter for mapped, _ in recording.value_at)
        self._row: RecordedRow | None = None
        self._due: datetime | None = None
        self._advance()

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What the recording holds."""
        return self._parameters

    @property
    def due(self) -> datetime | None:
        """When the next row is due; None after the last."""
        return self._due

    def next_after(self, instant: datetime) -> datetime | None:
        """The time of the next row that has not been observed; it may have passed."""
        if self._due is not None and self._due <= instant:
            self._advance()
        return self._due

    def read(self) -> Instant:
        """The row's own time once it has come, else the time of the run's clock."""
        now = self._clock.now()
        wall_ms = to_ms(self._due if self._due is not None and self._due <= now else now)
        return Instant(wall_ms, wall_ms, "recorded", is_synchronised=True)

    def pause(self, seconds: float, wake: threading.Event) -> None:
        """Wait for so many seconds of the run's clock, or until `wake` is set."""
        self._clock.pause(seconds, wake)

    def measure(self, now: datetime) -> tuple[Reading, ...]:  # noqa: ARG002 - the row knows its time
        """The values of the row that is due."""
        assert self._row is not None
        return tuple(
            Reading(parameter, value, screened=_MISSING if value is None else NOT_SCREENED)
            for parameter, value in self._row.values.items()
        )

    def _advance(self) -> None:
        self._row = next(self._rows, None)
        # Whole milliseconds, as instants have them everywhere else.
        self._due = None if self._row is None else from_ms(to_ms(self._row.taken_at + self._shift))

    @staticmethod
    def _usable(recording: Recording, refused: Callable[[BadRow], None]) -> Iterator[RecordedRow]:
        for row in recording.rows():
            if isinstance(row, BadRow):
                refused(row)
            else:
                yield row
