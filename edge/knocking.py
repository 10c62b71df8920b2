"""Knocking at the door of the agent that runs on this machine, as `tskaro-edge` and other programs do."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from firmware_config.catalogues import said
from waterquality.errors import ConfigError, LinkError
from waterquality.wire.commands import CommandRefused, RefusedWhy
from waterquality.wire.objects import dump

DEFAULT_DOOR = Path("/run/tskaro/edge.sock")
_PATIENCE_S = 10.0


class NobodyAnswers(LinkError):
    """No agent runs on this machine, or it has just stopped; mended by time, or by starting it."""


class NotLetIn(ConfigError):
    """This user may not knock; mended by the operator."""


def ask(path: Path, command: str, *, patience_s: float = _PATIENCE_S, **arguments: object) -> dict[str, Any]:
    """Ask the agent to do something, and wait for its answer.

    Args:
        path: of the door's socket.
        command: what to do: `state`, `service`, `identify`, `burst`, `log_tail`, `certificates`.
        patience_s: how long to wait for the answer, in seconds.
        arguments: of the command.

    Returns:
        What it gave.

    Raises:
        NobodyAnswers: mended by time, or by starting the agent.
        NotLetIn: mended by the operator.
        CommandRefused: with the agent's reason; mended by whoever asks.
    """
    with _knocked(path, patience_s) as knocking:
        _say(knocking, {"command": command, "arguments": arguments})
        answer = next(_lines(path, knocking))
    if not answer.get("ok"):
        raise CommandRefused(RefusedWhy(answer["why"]), str(answer["detail"]))
    return dict(answer["result"])


def live(path: Path, *, patience_s: float | None = None) -> Iterator[dict[str, Any]]:
    """The readings of every tick, from the newest on, until the agent stops or the caller does.

    Args:
        path: of the door's socket.
        patience_s: the longest wait for a tick, in seconds; None waits for ever.

    Raises:
        NobodyAnswers: mended by time, or by starting the agent.
        NotLetIn: mended by the operator.
    """
    with _knocked(path, _PATIENCE_S) as knocking:
        _say(knocking, {"command": "live"})
        knocking.settimeout(patience_s)
        yield from _lines(path, knocking)


def _knocked(path: Path, patience_s: float) -> socket.socket:
    knocking = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    knocking.settimeout(patience_s)
    try:
        knocking.connect(str(path))
    except PermissionError as error:
        knocking.close()
        why = said("%(path)s: you may not ask the agent; your user is not in its group", path=path)
        raise NotLetIn(why) from error
    except OSError as error:
        knocking.close()
        raise NobodyAnswers(said("%(path)s: no agent answers; is it running?", path=path)) from error
    return knocking


def _say(knocking: socket.socket, question: Mapping[str, object]) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):  # shown out already; why stands in its last line
        knocking.sendall(dump(question) + b"\n")


def _lines(path: Path, knocking: socket.socket) -> Iterator[dict[str, Any]]:
    try:
        with knocking.makefile("rb") as lines:
            for line in lines:
                yield json.loads(line)
    except (OSError, ValueError) as error:
        raise NobodyAnswers(
            said("%(path)s: the agent fell silent (%(why)s)", path=path, why=error)
        ) from error
    raise NobodyAnswers(said("%(path)s: the agent has closed the door", path=path))
