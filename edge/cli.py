"""`tskaro-edge`: what a technician types on the Pi."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from edge import agent
from edge.desired import Configurations
from edge.outbox import look_into
from edge.settings import DEFAULT_PATH, EdgeSettings, load_settings
from edge.start import run_agent
from edge.update_trust import public_key
from firmware_config.device import DeviceConfig
from waterquality.errors import ConfigError
from waterquality.readings import from_ms

app = typer.Typer(no_args_is_help=True, help="The agent of one device: it samples, keeps and sends.")
_out, _err = Console(), Console(stderr=True)
Settings = Annotated[Path, typer.Option("--settings", help="The agent's settings (TOML).")]


@app.command()
def run(settings: Settings = DEFAULT_PATH) -> None:
    """Run the agent until it is told to stop."""
    raise typer.Exit(run_agent(settings))


@app.command()
def check(settings: Settings = DEFAULT_PATH) -> None:
    """Check settings, wiring and certificates without touching anything."""
    loaded, config = _load(settings)
    with _refusals():
        agent.broker_of(loaded.mqtt)
        if loaded.update.key.exists():
            public_key(loaded.update.key)
    _out.print(f"{config.device}: {len(config.probes)} probes, every {config.observe_every_s:g} s")
    _out.print(_origin(loaded))
    _out.print(f"broker {loaded.mqtt.host}:{loaded.mqtt.port}, outbox {loaded.outbox.path}")
    _out.print("[green]in order[/green]")


def _origin(settings: EdgeSettings) -> str:
    """Which of the configurations that the device keeps it runs with."""
    kept, _ = Configurations(settings.remote.folder / "config", settings.device_config).in_force()
    return f"configuration {kept.desired.version or 'of the card'}: {kept.path}"


@app.command()
def status(settings: Settings = DEFAULT_PATH) -> None:
    """Show what the outbox holds."""
    loaded, _ = _load(settings)
    try:
        epoch, depth = look_into(loaded.outbox.path)
    except sqlite3.DatabaseError as error:
        _refuse(f"{loaded.outbox.path}: no outbox to look into ({error}); has the agent been started?")
        raise typer.Exit(1) from error
    table = Table(show_header=False, box=None)
    table.add_row("epoch", epoch)
    table.add_row("recorded", str(depth.head))
    table.add_row("waiting for a receipt", str(depth.records))
    table.add_row("dropped (in gaps)", str(depth.in_gaps))
    table.add_row("oldest waiting", "–" if depth.oldest_ms is None else from_ms(depth.oldest_ms).isoformat())
    _out.print(table)


def _load(path: Path) -> tuple[EdgeSettings, DeviceConfig]:
    """Settings and wiring, or the reasons why not and exit code 78."""
    with _refusals():
        settings = load_settings(path)
        kept = Configurations(settings.remote.folder / "config", settings.device_config)
        return settings, kept.in_force()[1]


@contextmanager
def _refusals() -> Iterator[None]:
    """What a person must mend is said plainly, with exit code 78."""
    try:
        yield
    except ConfigError as error:
        _refuse(str(error))
        raise typer.Exit(ConfigError.EXIT_CODE) from error


def _refuse(reason: str) -> None:
    _err.print(reason, style="red", highlight=False, markup=False, soft_wrap=True)
