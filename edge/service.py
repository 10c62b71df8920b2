"""Service mode: a technician is at the probes, and what they read is the technician's doing, not the water's.

**Invariants**
* It ends by itself, after the minutes that were asked for: a forgotten switch must not hide a village's water.
* It survives a restart of the agent and of the machine.
* Its beginning and its end are notes in the outbox, so that the record says why the readings are flagged.

Not the flag itself: the self-checks ask `is_on` and flag with `probe_serviced`.
"""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from edge.clock import Instant
from edge.term import Term
from firmware_config.whole_file import remove_file, replace_file
from waterquality.wire.records import NoteKind

_log = structlog.get_logger()
Noted = Callable[[Instant, NoteKind, str], None]


class ServiceMode:
    """Whether a technician is at work.

    Args:
        path: where it is remembered; None forgets it with the process.
        noted: keeps a note.
    """

    def __init__(self, path: Path | None, noted: Noted) -> None:
        self._path, self._noted = path, noted
        self._lock = threading.Lock()
        self._term = _remembered(path)

    def is_on(self, now: Instant) -> bool:
        """Whether it is on; cheap enough for every tick."""
        term = self._term
        return term is not None and term.is_running(now)

    def left_s(self, now: Instant) -> float:
        """Seconds until it ends by itself; 0 when it is off."""
        term = self._term
        return 0.0 if term is None else term.left_s(now)

    def begin(self, now: Instant, lasting_s: float) -> None:
        """Begin, or go on for so many seconds from now.

        Raises:
            OSError: it cannot be remembered, and was not begun; mended by the operator.
        """
        with self._lock:
            was_on, term = self.is_on(now), Term.beginning(now, lasting_s)
            if self._path is not None:
                replace_file(self._path, json.dumps(term.as_table()).encode())
            self._term = term
            if not was_on:
                self._noted(now, NoteKind.SERVICE_BEGUN, f"for {lasting_s / 60:g} min")
        _log.info("service_begun", minutes=lasting_s / 60)

    def end(self, now: Instant) -> bool:
        """End it; returns whether it was on or had run out unnoticed.

        Raises:
            OSError: it is off, but a restart may find it on again until it runs out; mended by the operator.
        """
        with self._lock:
            term, self._term = self._term, None
            if term is None:
                return False
            self._noted(now, NoteKind.SERVICE_ENDED, "by hand" if term.is_running(now) else "ran out")
            if self._path is not None:
                remove_file(self._path)
        _log.info("service_ended")
        return True

    def end_if_over(self, now: Instant) -> None:
        """End it if its time is over; to be asked now and then.

        Raises:
            OSError: as for `end`.
        """
        term = self._term
        if term is not None and not term.is_running(now):
            self.end(now)


def _remembered(path: Path | None) -> Term | None:
    """The term that was written down; none when the file is unreadable, since readings must not be hidden by it."""
    if path is None or not path.exists():
        return None
    try:
        return Term.of_table(json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        _log.warning("service_mode_forgotten", detail=str(error))
        return None
