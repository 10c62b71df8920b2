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
from edge.carry import StickUnusable
from edge.carrying import NoOutbox, visit
from edge.outbox import look_into
from edge.settings import DEFAULT_PATH, EdgeSettings, load_settings
from firmware_config.device import DeviceConfig, load_device_config
from waterquality.errors import ConfigError, CustodyError
from waterquality.readings import from_ms

app = typer.Typer(no_args_is_help=True, help="The agent of one device: it samples, keeps and sends.")
_out, _err = Console(), Console(stderr=True)
Settings = Annotated[Path, typer.Option("--settings", help="The agent's settings (TOML).")]


@app.command()
def run(settings: Settings = DEFAULT_PATH) -> None:
    """Run the agent until it is told to stop."""
    loaded, _ = _load(settings)
    try:
        with _refusals():
            agent.run(loaded)
    except CustodyError as error:
        _refuse(str(error))
        raise typer.Exit(1) from error


@app.command()
def check(settings: Settings = DEFAULT_PATH) -> None:
    """Check settings, wiring and certificates without touching anything."""
    loaded, config = _load(settings)
    with _refusals():
        agent.broker_of(loaded.mqtt)
    _out.print(f"{config.device}: {len(config.probes)} probes, every {config.observe_every_s:g} s")
    _out.print(f"broker {loaded.mqtt.host}:{loaded.mqtt.port}, outbox {loaded.outbox.path}")
    _out.print("[green]in order[/green]")


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


@app.command()
def carry(
    stick: Annotated[Path, typer.Argument(help="Where the stick is mounted, e.g. /media/usb.")],
    settings: Settings = DEFAULT_PATH,
) -> None:
    """Carry the outbox on a stick, for places without a network; first obey the receipt that it brings back."""
    loaded, config = _load(settings)
    try:
        visit(loaded.outbox.path, stick, device=config.device, serial=agent.machine_serial(), out=_out)
    except (NoOutbox, StickUnusable) as trouble:
        _refuse(str(trouble))
        raise typer.Exit(1) from trouble


def _load(path: Path) -> tuple[EdgeSettings, DeviceConfig]:
    """Settings and wiring, or the reasons why not and exit code 78."""
    with _refusals():
        settings = load_settings(path)
        return settings, load_device_config(settings.device_config)


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
