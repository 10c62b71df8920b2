"""What can be asked of a running agent, put together: board, service mode, burst, commands, and the door to them.

Two small loops of its own: one stands at the door, one ends what ends by itself. Neither touches a probe; what they
write goes through the outbox like everything else.
"""

import sqlite3
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from edge.board import Board
from edge.burst import Burst
from edge.clock import Clock, Instant
from edge.commands import Arguments, Commands, number, only
from edge.door import Door
from edge.log_tail import LogTail
from edge.outbox import Outbox, OutboxFull
from edge.service import ServiceMode
from waterquality.wire.commands import CommandRefused, RefusedWhy
from waterquality.wire.records import NoteKind

_log = structlog.get_logger()
_LOOK_EVERY_S = 1.0
_LONGEST_SERVICE_MIN = 24 * 60
_LONGEST_BURST_MIN = 60
_LONGEST_IDENTIFY_S = 600
_MOST_TAIL_LINES = 500
_MOST_TAIL_BYTES = 32 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteParts:
    """What can be asked of an agent beyond what every agent knows.

    Attributes:
        folder: where what must survive a restart is kept; None forgets it with the process.
        door: the socket's path; None for no door.
        door_group: name of the group that may knock; "" is the agent's own.
        log_tail: the last lines of the log.
        identify: makes the light blink for so many seconds and returns at once; None where there is no light.
        read_certificates: reads the calibration certificates again and says how many are in force; None where
            there is nothing to read.
    """

    folder: Path | None = None
    door: Path | None = None
    door_group: str = ""
    log_tail: LogTail = field(default_factory=LogTail)
    identify: Callable[[float], None] | None = None
    read_certificates: Callable[[], int] | None = None


class Remote:
    """What can be asked of one agent.

    Args:
        parts: what there is to ask of it.
        outbox: notes go there; its depth is told.
        clock: the device's clock.
        told: what the agent knows of itself, for `state`.
        woken: called when a burst begins, so that the sampler need not wait for its next tick.
    """

    def __init__(
        self,
        parts: RemoteParts,
        *,
        outbox: Outbox,
        clock: Clock,
        told: Callable[[], Mapping[str, Any]] = dict,
        woken: Callable[[], None] = lambda: None,
    ) -> None:
        self._parts, self._outbox, self._clock, self._told, self._woken = parts, outbox, clock, told, woken
        self.board, self.burst = Board(), Burst()
        self.service = ServiceMode(_within(parts.folder, "service.json"), self.note)
        self.commands = Commands(
            {
                "state": self._state,
                "service": self._service,
                "burst": self._burst,
                "identify": self._identify,
                "log_tail": self._log_tail,
                "certificates": self._certificates,
            }
        )
        self._door = self._new_door()
        self._wake = threading.Event()

    def loops(self, stop: threading.Event) -> dict[str, Callable[[], None]]:
        """The loops to run in threads of their own, by name; `nudge` ends their waits."""
        loops: dict[str, Callable[[], None]] = {"remote": lambda: self._run(stop)}
        door = self._door
        if door is not None:
            loops["door"] = lambda: door.run(stop)
        return loops

    def nudge(self) -> None:
        """It is time to stop."""
        self._wake.set()
        if self._door is not None:
            self._door.nudge()

    def note(self, now: Instant, kind: NoteKind, detail: str) -> None:
        """Keep a note in the outbox; a full one is said, and what was to be noted happens all the same."""
        try:
            self._outbox.append_note(now, kind, detail)
        except (OutboxFull, sqlite3.OperationalError) as error:
            _log.error("append_failed", detail=str(error))

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.service.end_if_over(self._clock.read())
            except Exception:  # noqa: BLE001 - the one broad catch of this loop
                _log.exception("remote_failed")
            self._wake.wait(_LOOK_EVERY_S)

    def _new_door(self) -> Door | None:
        parts = self._parts
        if parts.door is None:
            return None
        return Door(
            parts.door, commands=self.commands, board=self.board, clock=self._clock, group=parts.door_group
        )

    def _state(self, arguments: Arguments, now: Instant) -> Mapping[str, Any]:
        only(arguments)
        depth = self._outbox.depth()
        return {
            **self._told(),
            "time_ms": now.wall_ms,
            "synchronised": now.is_synchronised,
            "uptime_s": now.boottime_ms / 1000,
            "epoch": self._outbox.epoch,
            "appended": depth.head,
            "in_outbox": depth.records,
            "in_gaps": depth.in_gaps,
            "oldest_ms": depth.oldest_ms,
            "service_left_s": self.service.left_s(now),
            "burst_left_s": self.burst.left_s(now),
        }

    def _service(self, arguments: Arguments, now: Instant) -> Mapping[str, Any]:
        minutes = number(arguments, "minutes", least=0, most=_LONGEST_SERVICE_MIN)
        if minutes > 0:
            self.service.begin(now, minutes * 60)
        else:
            self.service.end(now)
        return {"service_left_s": self.service.left_s(now)}

    def _burst(self, arguments: Arguments, now: Instant) -> Mapping[str, Any]:
        minutes = number(arguments, "minutes", least=0, most=_LONGEST_BURST_MIN, default=5)
        self.burst.begin(now, minutes * 60)
        self._woken()
        return {"burst_left_s": self.burst.left_s(now)}

    def _identify(self, arguments: Arguments, _: Instant) -> Mapping[str, Any]:
        seconds = number(arguments, "seconds", least=0, most=_LONGEST_IDENTIFY_S, default=30)
        if self._parts.identify is None:
            raise CommandRefused(RefusedWhy.UNSUPPORTED, "this device has no light")
        self._parts.identify(seconds)
        return {"seconds": seconds}

    def _log_tail(self, arguments: Arguments, _: Instant) -> Mapping[str, Any]:
        lines = number(arguments, "lines", least=1, most=_MOST_TAIL_LINES, default=50)
        return {"lines": self._parts.log_tail.last(int(lines), at_most_bytes=_MOST_TAIL_BYTES)}

    def _certificates(self, arguments: Arguments, _: Instant) -> Mapping[str, Any]:
        only(arguments)
        if self._parts.read_certificates is None:
            raise CommandRefused(RefusedWhy.UNSUPPORTED, "this agent reads no certificates while it runs")
        return {"in_force": self._parts.read_certificates()}


def _within(folder: Path | None, name: str) -> Path | None:
    return None if folder is None else folder / name
