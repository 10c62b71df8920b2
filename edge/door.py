"""The door: a Unix socket where a technician on this machine asks the running agent. JSON lines, both ways.

A line asks: `{"command": "service", "arguments": {"minutes": 30}}`; a line answers: `{"ok": true, "result": {…}}`
or `{"ok": false, "why": "bad_arguments", "detail": "…"}`. After `{"command": "live"}` every tick is a line, until
the visitor leaves.

**Invariants**
* Nobody at the door holds up the sampler: one thread of its own, sockets that never block, bounds on everything.
* Who may knock is decided by the file's mode (0660) and group, and by nothing else; there is no moment at which the
  socket is there with another mode.
* A door that cannot be opened is said and tried again; the agent samples and sends without it.
"""

import selectors
import shutil
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from edge.bell import Bell
from edge.board import Board, as_line
from edge.clock import Clock
from edge.commands import Commands
from edge.visitor import TooMuch, Visitor
from waterquality.wire.commands import RefusedWhy, Reply, as_table, command_arguments, command_name
from waterquality.wire.objects import dump, load
from waterquality.wire.rejection import Malformed

_log = structlog.get_logger()
_MODE = 0o660
_MOST_VISITORS = 16
_LONGEST_SILENCE_S = 60.0
_AT_A_TIME_BYTES = 16 * 1024
_LOOK_ROUND_S = 5.0
_OPEN_AGAIN_S = 30.0
_PEER = struct.Struct("3i")  # struct ucred: process, user, group
LIVE = "live"


@dataclass(slots=True)
class _Guest:
    socket: socket.socket
    visitor: Visitor
    name: str


class Door:
    """Answers whoever knocks.

    Args:
        path: of the socket.
        commands: what may be asked.
        board: what `live` shows.
        clock: the device's clock.
        group: name of the group that may knock; "" is the agent's own.
    """

    def __init__(
        self, path: Path, *, commands: Commands, board: Board, clock: Clock, group: str = ""
    ) -> None:
        self._path, self._group = path, group
        self._commands, self._board, self._clock = commands, board, clock
        self._guests: dict[int, _Guest] = {}
        self._bell = Bell()
        self._shown = 0
        board.listen(self.nudge)

    def nudge(self) -> None:
        """Look up: there is a new tick, or it is time to stop. Never blocks."""
        self._bell.ring()

    def run(self, stop: threading.Event) -> None:
        """Stand at the door until `stop` is set; `nudge` afterwards to end the wait."""
        while not stop.is_set():
            try:
                with (
                    _opened(self._path, self._group) as listening,
                    self._bell.hung_up() as bell,
                    selectors.DefaultSelector() as selector,
                ):
                    selector.register(listening, selectors.EVENT_READ)
                    selector.register(bell, selectors.EVENT_READ)
                    self._answer_until(stop, listening, selector)
            except OSError as error:
                _log.error("door_not_opened", path=str(self._path), detail=str(error))
            except Exception:  # noqa: BLE001 - the one broad catch of this loop
                _log.exception("door_failed")
            if not stop.is_set():
                stop.wait(_OPEN_AGAIN_S)

    def _answer_until(
        self, stop: threading.Event, listening: socket.socket, selector: selectors.BaseSelector
    ) -> None:
        _log.info("door_opened", path=str(self._path))
        try:
            while not stop.is_set():
                for key, ready in selector.select(_LOOK_ROUND_S if self._guests else None):
                    if key.fileobj is listening:
                        self._let_in(listening, selector)
                    elif key.fd in self._guests:
                        self._attend(self._guests[key.fd], ready, selector)
                    else:
                        self._bell.hush()
                self._show(selector)
                self._show_out_the_stuck(selector)
        finally:
            for guest in list(self._guests.values()):
                self._show_out(guest, selector)

    def _let_in(self, listening: socket.socket, selector: selectors.BaseSelector) -> None:
        try:
            knocking, _ = listening.accept()
        except OSError:  # it has left again
            return
        if len(self._guests) >= _MOST_VISITORS:
            with suppress(OSError):
                knocking.send(_said(_refused(RefusedWhy.BUSY, "too many are at the door")) + b"\n")
            knocking.close()
            return
        knocking.setblocking(False)  # noqa: FBT003 - the library's form
        guest = _Guest(knocking, Visitor(time.monotonic()), _name_of(knocking))
        self._guests[knocking.fileno()] = guest
        selector.register(knocking, selectors.EVENT_READ)

    def _attend(self, guest: _Guest, ready: int, selector: selectors.BaseSelector) -> None:
        try:
            if ready & selectors.EVENT_READ:
                self._hear(guest)
            self._hand_over(guest, selector)
        except (OSError, TooMuch):
            self._show_out(guest, selector)

    def _hear(self, guest: _Guest) -> None:
        try:
            data = guest.socket.recv(_AT_A_TIME_BYTES)
        except BlockingIOError:  # meant for a guest who had this descriptor before
            return
        if not data:
            raise ConnectionResetError
        for line in guest.visitor.hear(data, time.monotonic()):
            if line.strip():
                self._answer(guest, line)

    def _answer(self, guest: _Guest, line: bytes) -> None:
        try:
            asked = load(line, at_most=len(line), depth=2)
            name, given = command_name(asked), command_arguments(asked)
        except Malformed as error:
            guest.visitor.tell(_said(_refused(RefusedWhy.BAD_ARGUMENTS, str(error))))
            return
        if name == LIVE:
            self._begin_live(guest.visitor)
            return
        reply = self._commands.do(name, given, self._clock.read(), asked_by=guest.name)
        guest.visitor.tell(_said(reply))

    def _begin_live(self, visitor: Visitor) -> None:
        visitor.watches = True
        newest = self._board.newest()
        if newest is not None:
            visitor.tell_live(dump(as_line(newest)))

    def _show(self, selector: selectors.BaseSelector) -> None:
        """The newest tick to all who watch."""
        newest = self._board.newest()
        if newest is None or newest.number == self._shown:
            return
        self._shown = newest.number
        watching = [guest for guest in self._guests.values() if guest.visitor.watches]
        if watching:
            line = dump(as_line(newest))
            for guest in watching:
                guest.visitor.tell_live(line)
                self._attend(guest, 0, selector)

    def _hand_over(self, guest: _Guest, selector: selectors.BaseSelector) -> None:
        visitor = guest.visitor
        if visitor.has_unread:
            with suppress(BlockingIOError):
                visitor.fetched(guest.socket.send(visitor.unread(_AT_A_TIME_BYTES)), time.monotonic())
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if visitor.has_unread else 0)
        if selector.get_key(guest.socket).events != wanted:
            selector.modify(guest.socket, wanted)

    def _show_out_the_stuck(self, selector: selectors.BaseSelector) -> None:
        now_s = time.monotonic()
        for guest in list(self._guests.values()):
            if guest.visitor.is_stuck(now_s, longest_s=_LONGEST_SILENCE_S):
                self._show_out(guest, selector)

    def _show_out(self, guest: _Guest, selector: selectors.BaseSelector) -> None:
        if self._guests.pop(guest.socket.fileno(), None) is not None:
            selector.unregister(guest.socket)
            guest.socket.close()


@contextmanager
def _opened(path: Path, group: str) -> Iterator[socket.socket]:
    """The listening socket, at its place only once its mode and group are right."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if _somebody_answers(path):
        message = "another agent answers there"
        raise OSError(message)
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(beside))
        try:
            if group:
                _give_to(beside, group)
            beside.chmod(_MODE)
            listening.listen(_MOST_VISITORS)
            listening.setblocking(False)  # noqa: FBT003 - the library's form
            beside.replace(path)
            yield listening
        finally:
            for name in (beside, path):
                name.unlink(missing_ok=True)


def _give_to(path: Path, group: str) -> None:
    try:
        shutil.chown(path, group=group)
    except LookupError as error:
        message = f"there is no group {group}"
        raise OSError(message) from error


def _somebody_answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knocking:
        knocking.settimeout(1.0)
        try:
            knocking.connect(str(path))
        except OSError:
            return False
        return True


def _name_of(knocking: socket.socket) -> str:
    """Who knocks, as the kernel knows it."""
    process, user, _ = _PEER.unpack(knocking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return f"process {process} of user {user}"


def _refused(why: RefusedWhy, detail: str) -> Reply:
    return Reply("", {}, why, detail)


def _said(reply: Reply) -> bytes:
    return dump(as_table(reply))
