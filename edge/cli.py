"""`tskaro-edge`: what a technician types on the Pi. The agent here; the commands at the tap in `edge.tap`."""

from pathlib import Path
from typing import Annotated

import typer

from edge.carry import StickUnusable
from edge.composing import broker_of
from edge.desired import Configurations
from edge.machine import machine_serial
from edge.settings import DEFAULT_PATH, EdgeSettings
from edge.start import run_agent
from edge.tap import cli as tap
from edge.tap.carrying import NoOutbox, visit
from edge.tap.options import Settings, Tongue, loaded, out, refusals, refuse, speech_for
from edge.tap.screen import Screen
from edge.update_trust import public_key

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,  # rich's boxes cut names of options at 80 columns
    help="The agent of one device: it samples, keeps and sends.",
)


@app.command()
def run(settings: Settings = DEFAULT_PATH) -> None:
    """Run the agent until it is told to stop."""
    raise typer.Exit(run_agent(settings))


@app.command()
def check(settings: Settings = DEFAULT_PATH) -> None:
    """Check settings, wiring and certificates. Touches nothing."""
    read, config = loaded(settings)
    with refusals():
        broker_of(read.mqtt)
        if read.update.key.exists():
            public_key(read.update.key)
    out.print(f"{config.device}: {len(config.probes)} probes, every {config.observe_every_s:g} s")
    out.print(_origin(read))
    out.print(f"broker {read.mqtt.host}:{read.mqtt.port}, outbox {read.outbox.path}")
    out.print("[green]in order[/green]")


def _origin(settings: EdgeSettings) -> str:
    """Which of the configurations that the device keeps it runs with."""
    kept, _ = Configurations(settings.remote.folder / "config", settings.device_config).in_force()
    return f"configuration {kept.desired.version or 'of the card'}: {kept.path}"


@app.command()
def carry(
    stick: Annotated[Path, typer.Argument(help="Where the stick is mounted, e.g. /media/usb.")],
    settings: Settings = DEFAULT_PATH,
    language: Tongue = None,
) -> None:
    """Carry the outbox on a stick, where there is no network. First obey the receipt that it brings back."""
    read, config = loaded(settings)
    speech = speech_for(language, read)
    try:
        screen = Screen(out, speech)
        visit(read.outbox.path, stick, device=config.device, serial=machine_serial(), screen=screen)
    except (NoOutbox, StickUnusable) as trouble:
        refuse(trouble, speech)
        raise typer.Exit(1) from trouble


app.command()(tap.doctor)
app.command()(tap.status)
app.command()(tap.watch)
app.command()(tap.calibrate)
