"""`tskaro-edge`: what a technician types on the Pi. The agent here; the commands at the tap in `edge.tap`."""

import typer

from edge import agent
from edge.settings import DEFAULT_PATH
from edge.start import run_agent
from edge.tap import cli as tap
from edge.tap.options import Settings, loaded, out, refusals

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
    out.print(f"{config.device}: {len(config.probes)} probes, every {config.observe_every_s:g} s")
    out.print(f"broker {read.mqtt.host}:{read.mqtt.port}, outbox {read.outbox.path}")
    out.print("[green]in order[/green]")


app.command()(tap.doctor)
app.command()(tap.status)
app.command()(tap.watch)
app.command()(tap.calibrate)
