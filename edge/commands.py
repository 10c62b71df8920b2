"""What a running agent can be asked to do, by a technician at its door or by the server over MQTT alike.

**Invariants**
* A command does something at once or asks a loop to; none waits for the network or for a probe.
* Whatever is wrong with one is answered; nothing that is asked ends the loop that asked it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import structlog

from edge.clock import Instant
from waterquality.wire.commands import Argument, CommandRefused, RefusedWhy, Reply

_log = structlog.get_logger()
Arguments = Mapping[str, Argument]
Deed = Callable[[Arguments, Instant], Mapping[str, Any]]


class Commands:
    """The commands of an agent, by name.

    Args:
        deeds: what each does; a deed gives what to answer, or raises `CommandRefused`.
    """

    def __init__(self, deeds: Mapping[str, Deed]) -> None:
        self._deeds = dict(deeds)

    def do(self, name: str, arguments: Arguments, now: Instant, *, asked_by: str, id: str = "") -> Reply:  # noqa: A002
        """Do one, or say why not.

        Args:
            name: of the command.
            arguments: as given.
            now: the time.
            asked_by: who asks, for the log.
            id: of the command, for the reply.
        """
        try:
            result = self._deed(name)(arguments, now)
        except CommandRefused as refused:
            _log.warning("command_refused", command=name, asked_by=asked_by, why=refused.why)
            return Reply(id, {}, refused.why, refused.detail)
        except OSError as error:
            _log.warning("command_refused", command=name, asked_by=asked_by, why=str(error))
            return Reply(id, {}, RefusedWhy.FAILED, str(error))
        except Exception as error:  # noqa: BLE001 - what one command trips over must not end who asks
            _log.exception("command_failed", command=name, asked_by=asked_by)
            return Reply(id, {}, RefusedWhy.FAILED, f"a defect of ours: {error!r}"[:200])
        _log.info("command_done", command=name, asked_by=asked_by)
        return Reply(id, result)

    def _deed(self, name: str) -> Deed:
        deed = self._deeds.get(name)
        if deed is None:
            known = ", ".join(sorted(self._deeds))
            raise CommandRefused(RefusedWhy.UNKNOWN_COMMAND, f"there is no {name}; there are {known}")
        return deed


def number(
    arguments: Arguments, key: str, *, least: float, most: float, default: float | None = None
) -> float:
    """A number among the arguments, which may hold nothing else.

    Raises:
        CommandRefused: there is none, it is outside `least` to `most`, or there is something else.
    """
    only(arguments, key)
    value = arguments.get(key, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
        raise CommandRefused(RefusedWhy.BAD_ARGUMENTS, f"{key} should be a number from {least:g} to {most:g}")
    return float(value)


def only(arguments: Arguments, *keys: str) -> None:
    """Refuse arguments that nobody would read.

    Raises:
        CommandRefused: there is one that is none of these.
    """
    strange = sorted(set(arguments) - set(keys))
    if strange:
        known = f"; it takes {', '.join(keys)}" if keys else "; it takes none"
        raise CommandRefused(RefusedWhy.BAD_ARGUMENTS, f"unknown argument {strange[0]}{known}")
