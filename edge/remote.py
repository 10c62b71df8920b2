"""What an agent is asked and told from outside, put together: door, commands, service mode, desired configuration.

**Invariants**
* What comes over MQTT is put into a queue on the network thread and looked at here, on a thread of its own; the
  sampler and the uplink never wait for it.
* A retained command is history and is not done; a retained configuration is as good as a fresh one.
* A new configuration ends this agent and begins the next one in the same process: everything that is built from a
  configuration is built anew, and the outbox is closed and opened as at any other start.
"""

import queue
import sqlite3
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from edge.board import Board
from edge.burst import Burst
from edge.clock import Clock, Instant
from edge.commands import Commands
from edge.deeds import Deeds
from edge.desired import Configurations
from edge.door import Door
from edge.fitting import Fitted
from edge.log_tail import LogTail
from edge.orders import Orders
from edge.outbox import Outbox, OutboxFull
from edge.proof import Proof
from edge.service import ServiceMode
from edge.update import UpdateParts, Updates, refusal
from waterquality.wire.desired import decode_desired, encode_applied
from waterquality.wire.records import NoteKind
from waterquality.wire.rejection import Malformed
from waterquality.wire.updates import Progress, decode_offer, encode_progress

_log = structlog.get_logger()
_LOOK_EVERY_S = 1.0
_MOST_WAITING = 64
_CHANNELS = ("config", "command", "update")


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
        configurations: what the device was told to be; None where it takes no configuration from afar.
        fitted: what it runs with; None likewise.
        begin_anew: ends this agent and begins the next one, with the configuration that is to be tried.
        updates: what software updates work with, or why this device takes none.
    """

    folder: Path | None = None
    door: Path | None = None
    door_group: str = ""
    log_tail: LogTail = field(default_factory=LogTail)
    identify: Callable[[float], None] | None = None
    read_certificates: Callable[[], int] | None = None
    configurations: Configurations | None = None
    fitted: Fitted | None = None
    begin_anew: Callable[[], None] = lambda: None
    updates: UpdateParts | str = "this agent takes no updates"


class Remote:
    """What one agent is asked and told.

    Args:
        parts: what there is to ask of it.
        device: its id.
        outbox: notes go there; its depth is told.
        clock: the device's clock.
        publish: sends a channel's payload, or drops it when there is no connection.
        told: what the agent knows of itself, for `state`.
        woken: called when a burst begins, so that the sampler need not wait for its next tick.
        has_observed: whether the agent has taken an observation yet.
        version: of the software that runs.
    """

    def __init__(
        self,
        parts: RemoteParts,
        *,
        device: str,
        outbox: Outbox,
        clock: Clock,
        publish: Callable[[str, bytes], None] = lambda *_: None,
        told: Callable[[], Mapping[str, Any]] = dict,
        woken: Callable[[], None] = lambda: None,
        has_observed: Callable[[], bool] = lambda: False,
        version: str = "",
    ) -> None:
        self._parts, self._device, self._outbox, self._clock = parts, device, outbox, clock
        self._publish, self._version = publish, version
        self.board, self.burst = Board(), Burst()
        self.service = ServiceMode(_within(parts.folder, "service.json"), self.note)
        deeds = Deeds(
            outbox=outbox,
            service=self.service,
            burst=self.burst,
            told=told,
            woken=woken,
            log_tail=parts.log_tail,
            identify=parts.identify,
            read_certificates=parts.read_certificates,
        )
        self.commands = Commands(deeds.by_name())
        self._orders = Orders(self.commands, _within(parts.folder, "answered.json"))
        self._updates = self._new_updates(has_observed)
        self._door = self._new_door()
        self._heard: queue.Queue[tuple[str, bytes]] = queue.Queue(_MOST_WAITING)
        self._wake = threading.Event()
        self._owes_word = False
        self.counters = self._orders.counters

    @property
    def channels(self) -> tuple[str, ...]:
        """What to subscribe to; `hear` takes what comes."""
        return _CHANNELS

    def start(self, now: Instant) -> None:
        """The agent has started: what was on trial is in force, and that is a note in the outbox."""
        fitted, configurations = self._parts.fitted, self._parts.configurations
        if fitted is None or configurations is None or not fitted.is_trial:
            return
        desired = fitted.kept.desired
        self.note(now, NoteKind.CONFIG_APPLIED, f"version {desired.version} {desired.sha256[:12]}")
        try:
            configurations.promote(fitted.kept)
        except OSError as error:  # tried again at the next start
            _log.error("config_not_kept", version=desired.version, detail=str(error))

    def loops(self, stop: threading.Event) -> dict[str, Callable[[], None]]:
        """The loops to run in threads of their own, by name; `nudge` ends their waits."""
        loops: dict[str, Callable[[], None]] = {"remote": lambda: self._run(stop)}
        door, updates = self._door, self._updates
        if door is not None:
            loops["door"] = lambda: door.run(stop)
        if updates is not None:
            loops["update"] = lambda: updates.run(stop)
        return loops

    def nudge(self) -> None:
        """It is time to stop."""
        self._wake.set()
        for waiting in (self._door, self._updates):
            if waiting is not None:
                waiting.nudge()

    def hear(self, channel: str, payload: bytes, *, is_retained: bool) -> None:
        """Something came over MQTT; called on the network thread, returns at once."""
        if channel == "command" and is_retained:
            self.counters["retained_ignored"] += 1
            return
        try:
            self._heard.put_nowait((channel, payload))
        except queue.Full:
            self.counters["orders_dropped"] += 1
        self._wake.set()

    def connected(self) -> None:
        """The broker has us on the line: tell what we run. Called on the network thread, returns at once."""
        self._owes_word = True
        self._wake.set()

    def note(self, now: Instant, kind: NoteKind, detail: str) -> None:
        """Keep a note in the outbox; a full one is said, and what was to be noted happens all the same."""
        try:
            self._outbox.append_note(now, kind, detail)
        except (OutboxFull, sqlite3.OperationalError) as error:
            _log.error("append_failed", detail=str(error))

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._wake.clear()
            try:
                self.turn(self._clock.read())
            except Exception:  # noqa: BLE001 - the one broad catch of this loop
                _log.exception("remote_failed")
            if not stop.is_set():
                self._wake.wait(_LOOK_EVERY_S)

    def turn(self, now: Instant) -> None:
        """Look at what came, and end what ends by itself.

        Raises:
            OSError: the card takes nothing; what came is lost and will be told again; mended by the operator.
        """
        self.service.end_if_over(now)
        if self._owes_word:
            self._owes_word = False
            self._tell_applied()
            if self._updates is not None:
                self._tell_progress(self._updates.progress())
        with suppress(queue.Empty):
            while True:
                self._take(*self._heard.get_nowait(), now)

    def _take(self, channel: str, payload: bytes, now: Instant) -> None:
        if channel == "command":
            reply = self._orders.answer(payload, now)
            if reply is not None:
                self._publish("reply", reply)
        elif channel == "config":
            self._take_config(payload)
        elif payload:
            self._take_offer(payload)

    def _take_config(self, payload: bytes) -> None:
        configurations = self._parts.configurations
        if configurations is None or not payload:  # an empty retained message only clears the topic
            return
        try:
            is_to_be_tried = configurations.take(decode_desired(payload), self._device)
        except Malformed as error:
            self.counters["configs_malformed"] += 1
            _log.warning("config_malformed", detail=str(error))
            return
        if is_to_be_tried:
            self._parts.begin_anew()
        else:
            self._tell_applied()

    def _tell_applied(self) -> None:
        fitted, configurations = self._parts.fitted, self._parts.configurations
        if fitted is not None and configurations is not None:
            self._publish("config/applied", encode_applied(configurations.applied(fitted.kept)))

    def _take_offer(self, payload: bytes) -> None:
        if self._updates is not None:
            self._updates.take(payload)
        else:
            with suppress(Malformed):
                why = str(self._parts.updates)
                self._tell_progress(refusal(decode_offer(payload), self._version, why))

    def _tell_progress(self, progress: Progress) -> None:
        self._publish("update/applied", encode_progress(progress))

    def _new_updates(self, has_observed: Callable[[], bool]) -> Updates | None:
        if isinstance(self._parts.updates, str):
            return None
        proof = Proof(self._outbox, has_observed)
        return Updates(self._parts.updates, self._tell_progress, is_proven=proof.is_given)

    def _new_door(self) -> Door | None:
        parts = self._parts
        if parts.door is None:
            return None
        return Door(
            parts.door, commands=self.commands, board=self.board, clock=self._clock, group=parts.door_group
        )


def _within(folder: Path | None, name: str) -> Path | None:
    return None if folder is None else folder / name
