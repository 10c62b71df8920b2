"""`tskaro-edge`: what a technician types on the Pi. The agent here; the commands at the tap in `edge.tap`."""

import typer

from edge import agent
from edge.desired import Configurations
from edge.settings import DEFAULT_PATH, EdgeSettings
from edge.start import run_agent
from edge.tap import cli as tap
from edge.tap.options import Settings, loaded, out, refusals
from edge.update_trust import public_key

app = typer.Typer(no_args_is_help=True, help="The agent of one device: it samples, keeps and sends.")


@app.command()
def run(settings: Settings = DEFAULT_PATH) -> None:
    """Run the agent until it is told to stop."""
    raise typer.Exit(run_agent(settings))


@app.command()
def check(settings: Settings = DEFAULT_PATH) -> None:
    """Check settings, wiring and certificates without touching anything."""
    read, config = loaded(settings)
    with refusals():
        agent.broker_of(read.mqtt)
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


app.command()(tap.doctor)
app.command()(tap.status)
app.command()(tap.watch)
app.command()(tap.calibrate)
