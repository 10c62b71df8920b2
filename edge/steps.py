"""Following the clock: records get their time when it is known, and a step of a known clock is noted."""

import structlog

from edge.clock import Instant
from edge.outbox import Outbox, OutboxFull
from waterquality.wire.records import NoteKind

_log = structlog.get_logger()
_STEP_S = 2.0  # what is less is the clock being slewed, or read a moment apart


class ClockFollower:
    """Sees to the times of the outbox, instant by instant.

    Args:
        outbox: whose records wait for their time.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._last: Instant | None = None

    def follow(self, instant: Instant) -> None:
        """Take an instant into account."""
        if not instant.is_synchronised:
            self._release(instant)
            return
        last, self._last = self._last, instant
        if last is None:
            self.came_right(instant)
            return
        step_s = (instant.booted_ms - last.booted_ms) / 1000
        if (
            last.boot_id == instant.boot_id
            and abs(step_s) > _STEP_S + last.uncertainty_s + instant.uncertainty_s
        ):
            self._note_step(instant, step_s)

    def came_right(self, instant: Instant) -> None:
        """The time is known: those that waited for it get theirs."""
        corrected = self._outbox.synchronise(instant)
        if corrected:
            _log.info("times_corrected", records=corrected)

    def _note_step(self, instant: Instant, step_s: float) -> None:
        _log.warning("clock_stepped", seconds=step_s)
        try:
            self._outbox.append_note(instant, NoteKind.CLOCK_STEPPED, f"{step_s:+.3f} s")
        except OutboxFull as error:
            _log.error("append_failed", detail=str(error))

    def _release(self, instant: Instant) -> None:
        released = self._outbox.release_overdue(instant)
        if released:
            _log.warning("times_given_up", records=released)
