"""How the administrator's commands speak: results to standard output, refusals and the log to standard error."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from waterquality.errors import ConfigError, LinkError

out, err = Console(), Console(stderr=True)
_TEMPORARY_FAILURE = 75  # EX_TEMPFAIL of sysexits.h: systemd tries again
SettingsPath = Annotated[Path, typer.Option("--settings", help="The server's settings (TOML).")]
AsJson = Annotated[bool, typer.Option("--json", help="For a script.")]


def say(text: str) -> None:
    """A sentence, as it stands: no markup, no colours of numbers, no line breaks of its own."""
    out.print(text, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def refusals() -> Iterator[None]:
    """What a person must mend is said plainly, with the exit code that says who mends it."""
    try:
        yield
    except (ConfigError, LinkError) as error:
        err.print(str(error), style="red", highlight=False, markup=False, soft_wrap=True)
        code = ConfigError.EXIT_CODE if isinstance(error, ConfigError) else _TEMPORARY_FAILURE
        raise typer.Exit(code) from error
