"""Where `tskaro-edge` begins. `tskaro-edge run` starts the agent at once; every other command is in `edge.cli`.

The agent runs for months on a small machine, and Typer with what it brings is of no use to it there: so the one
command that systemd runs is read here, by hand, and whatever is not exactly that goes to Typer.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from edge import running
from edge.clock import Clock
from edge.composing import HardwareOf
from edge.hardware.pi import PiHardware
from edge.settings import DEFAULT_PATH, load_settings
from waterquality.errors import ConfigError, CustodyError

_FAILED = 1


def main() -> None:
    """The program `tskaro-edge`."""
    settings = settings_to_run(sys.argv[1:])
    if settings is not None:
        sys.exit(run_agent(settings))
    from edge.cli import app  # noqa: PLC0415 - only here, so that the agent never loads it

    app(prog_name="tskaro-edge")


def settings_to_run(arguments: Sequence[str]) -> Path | None:
    """The settings that a plain `run` names; None for any other command, which is Typer's."""
    match list(arguments):
        case ["run"]:
            return DEFAULT_PATH
        case ["run", "--settings", path]:
            return Path(path)
        case ["run", option] if option.startswith("--settings="):
            return Path(option.partition("=")[2])
    return None


def run_agent(path: Path, *, hardware_of: HardwareOf = PiHardware, clock: Clock | None = None) -> int:
    """Run the agent until it is told to stop; what a person must mend is said plainly.

    Args:
        path: the agent's settings.
        hardware_of: what to open for a configuration.
        clock: None is the clock of this machine.

    Returns:
        The exit code: 78 for a configuration that was refused, 1 where no outbox can be kept, 75 for a new start.
    """
    try:
        return running.run(load_settings(path), path, hardware_of=hardware_of, clock=clock)
    except ConfigError as error:
        return _refused(error, ConfigError.EXIT_CODE)
    except CustodyError as error:
        return _refused(error, _FAILED)


def _refused(error: Exception, exit_code: int) -> int:
    sys.stderr.write(f"{error}\n")
    return exit_code
