"""What a device is asked to do now, and what it answers.

A command has an id and an expiry: the same id is answered again without being done twice, and a command that lay
somewhere too long is refused rather than done late. What a command is called is open (an old device answers that it
does not know it); why one is refused is a closed list.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from waterquality.errors import RejectedError
from waterquality.wire.objects import choice, dump, load, milliseconds, text
from waterquality.wire.rejection import Malformed, Rejection

MAX_COMMAND_BYTES = 4 * 1024
MAX_REPLY_BYTES = 48 * 1024
_ID = re.compile(r"[A-Za-z0-9-]{1,40}")
_NAME = re.compile(r"[a-z][a-z_]{0,30}")
_MOST_ARGUMENTS = 8
_LONGEST_TEXT = 200
Argument = str | int | float | bool


class RefusedWhy(StrEnum):
    """Why a command was not done. A closed list."""

    UNKNOWN_COMMAND = "unknown_command"
    BAD_ARGUMENTS = "bad_arguments"
    EXPIRED = "expired"
    UNSUPPORTED = "unsupported"
    BUSY = "busy"
    FAILED = "failed"


class CommandRefused(RejectedError):
    """A command that is not done as it stands; mended by whoever gave it.

    Attributes:
        why: the reason.
        detail: the same for a person.
    """

    def __init__(self, why: RefusedWhy, detail: str) -> None:
        super().__init__(f"{why}: {detail}")
        self.why, self.detail = why, detail


@dataclass(frozen=True, slots=True)
class Command:
    """Something to do now.

    Attributes:
        id: chosen by whoever asks; letters, digits and hyphens, at most 40.
        name: what to do: `burst`, `identify`, `log_tail`, `service` and so on.
        arguments: at most eight numbers, texts or choices.
        expires_ms: when it is not to be done any more, milliseconds since 1970, UTC.
    """

    id: str
    name: str
    expires_ms: int
    arguments: Mapping[str, Argument] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a command.

    Attributes:
        id: that of the command.
        result: what it gave; empty when it was refused.
        refused: why it was not done; None when it was.
        detail: the reason for a person.
    """

    id: str
    result: Mapping[str, Any] = field(default_factory=dict)
    refused: RefusedWhy | None = None
    detail: str = ""


def encode_command(command: Command) -> bytes:
    """The payload of a command."""
    return dump(
        {
            "id": command.id,
            "command": command.name,
            "arguments": dict(command.arguments),
            "expires": command.expires_ms / 1000,
        }
    )


def decode_command(payload: bytes) -> Command:
    """Read a command.

    Raises:
        Malformed: it is none; mended by nobody.
    """
    message = load(payload, at_most=MAX_COMMAND_BYTES, depth=2)
    return Command(
        command_id(message),
        command_name(message),
        milliseconds(message, "expires"),
        command_arguments(message),
    )


def command_id(message: Mapping[str, Any]) -> str:
    """The id in a command or a reply.

    Raises:
        Malformed: there is none; mended by nobody.
    """
    found = text(message, "id", at_most=40)
    if not _ID.fullmatch(found):
        raise Malformed(Rejection.WRONG_TYPE, "id should be letters, digits and hyphens")
    return found


def command_name(message: Mapping[str, Any]) -> str:
    """What a command is called.

    Raises:
        Malformed: no command is called so; mended by nobody.
    """
    found = text(message, "command", at_most=31)
    if not _NAME.fullmatch(found):
        raise Malformed(Rejection.WRONG_TYPE, "command should be small letters and underscores")
    return found


def command_arguments(message: Mapping[str, Any]) -> Mapping[str, Argument]:
    """The arguments of a command.

    Raises:
        Malformed: they are too many, too long or of the wrong kind; mended by nobody.
    """
    given = message.get("arguments", {})
    if not isinstance(given, dict) or len(given) > _MOST_ARGUMENTS:
        raise Malformed(Rejection.WRONG_TYPE, f"arguments should be a table of at most {_MOST_ARGUMENTS}")
    for name, value in given.items():
        if not _NAME.fullmatch(name) or not _is_argument(value):
            raise Malformed(Rejection.WRONG_TYPE, f"arguments: {name[:31]!r} is no argument")
    return given


def _is_argument(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_TEXT
    return isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))


def encode_reply(reply: Reply) -> bytes:
    """The payload of a reply."""
    return dump({"id": reply.id, **as_table(reply)})


def as_table(reply: Reply) -> dict[str, Any]:
    """A reply without its id, as a door on the device tells it."""
    if reply.refused is not None:
        return {"ok": False, "why": reply.refused, "detail": reply.detail}
    return {"ok": True, "result": dict(reply.result)}


def decode_reply(payload: bytes) -> Reply:
    """Read a reply.

    Raises:
        Malformed: it is none; mended by nobody.
    """
    message = load(payload, at_most=MAX_REPLY_BYTES, depth=6)
    answered = command_id(message)
    if not choice(message, "ok"):
        return Reply(answered, {}, *_refusal(message))
    result = message.get("result", {})
    if not isinstance(result, dict):
        raise Malformed(Rejection.WRONG_TYPE, "result should be a table")
    return Reply(answered, result)


def _refusal(message: Mapping[str, Any]) -> tuple[RefusedWhy, str]:
    try:
        why = RefusedWhy(text(message, "why", at_most=40))
    except ValueError as error:
        raise Malformed(Rejection.UNKNOWN_WORD, "why is none of the list") from error
    return why, text(message, "detail", at_most=1000, default="")
