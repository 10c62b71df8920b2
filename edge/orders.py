"""Commands that come over MQTT: done once, in time, and answered as often as they are asked.

**Invariants**
* The same id is answered again with the same words and not done a second time, even after a restart. (What only
  reads, as the tail of the log does, is too long to be remembered over a restart and is read again.)
* What has expired is refused and not done; so is what is no command.
"""

import json
from collections import Counter, OrderedDict
from pathlib import Path

import structlog

from edge.clock import Instant
from edge.commands import Commands
from firmware_config.whole_file import replace_file
from waterquality.wire.commands import (
    MAX_REPLY_BYTES,
    Command,
    RefusedWhy,
    Reply,
    decode_command,
    encode_reply,
)
from waterquality.wire.rejection import Malformed

_log = structlog.get_logger()
_REMEMBERED = 32
_LONGEST_KEPT_BYTES = 2 * 1024


class Orders:
    """Answers the commands of one device.

    Args:
        commands: what may be asked.
        path: where answers are remembered; None forgets them with the process.
    """

    def __init__(self, commands: Commands, path: Path | None) -> None:
        self._commands, self._path = commands, path
        self._answered: OrderedDict[str, bytes] = _remembered(path)
        self.counters: Counter[str] = Counter()

    def answer(self, payload: bytes, now: Instant) -> bytes | None:
        """Do what is asked; the payload of the reply, or None when it was no command.

        Args:
            payload: as it came.
            now: the time.
        """
        try:
            command = decode_command(payload)
        except Malformed as error:
            self.counters["commands_malformed"] += 1
            _log.warning("command_malformed", detail=str(error))
            return None
        if command.id in self._answered:
            return self._answered[command.id]
        if now.wall_ms > command.expires_ms:
            return encode_reply(_expired(command, now))
        return self._do(command, now)

    def _do(self, command: Command, now: Instant) -> bytes:
        reply = self._commands.do(command.name, command.arguments, now, asked_by="the server", id=command.id)
        payload = encode_reply(reply)
        if len(payload) > MAX_REPLY_BYTES:
            payload = encode_reply(Reply(command.id, {}, RefusedWhy.FAILED, "the answer is too long"))
        self._answered[command.id] = payload
        while len(self._answered) > _REMEMBERED:
            self._answered.popitem(last=False)
        self._remember()
        return payload

    def _remember(self) -> None:
        if self._path is None:
            return
        kept = {
            id_: answer.decode()
            for id_, answer in self._answered.items()
            if len(answer) <= _LONGEST_KEPT_BYTES
        }
        try:
            replace_file(self._path, json.dumps(kept).encode())
        except OSError as error:  # the answer goes out all the same
            _log.error("answer_not_remembered", detail=str(error))


def _expired(command: Command, now: Instant) -> Reply:
    late_s = (now.wall_ms - command.expires_ms) / 1000
    return Reply(
        command.id, {}, RefusedWhy.EXPIRED, f"it came {late_s:.0f} s too late by this device's clock"
    )


def _remembered(path: Path | None) -> OrderedDict[str, bytes]:
    if path is None or not path.exists():
        return OrderedDict()
    try:
        kept = json.loads(path.read_bytes())
        return OrderedDict((str(id_), str(answer).encode()) for id_, answer in kept.items())
    except (OSError, ValueError, AttributeError) as error:
        _log.warning("answers_forgotten", detail=str(error))
        return OrderedDict()
