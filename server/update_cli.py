"""`tskaro update`: keys, bundles and signatures of the devices' software, and who should run which."""

import getpass
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from server.clock import SystemClock
from server.composing import open_database
from server.remote.releases import Releases
from server.remote.signing import make_bundle, make_keys, offer_of, signed
from server.remote.signing import sign as sign_bundle
from server.saying import AsJson, SettingsPath, out, refusals, say
from server.settings import DEFAULT_PATH, load_settings
from waterquality.readings import to_ms

update = typer.Typer(no_args_is_help=True, help="Signed updates of the devices' software.")
Bundle = Annotated[Path, typer.Argument(metavar="FILE", help="A bundle of wheels.")]
Locked = Annotated[bool, typer.Option("--passphrase", help="Ask for the passphrase of the private key.")]


@update.command()
def keygen(
    name: Annotated[Path, typer.Argument(help="The keys become NAME.key and NAME.pub.")],
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Lock the private key with one.")] = False,
) -> None:
    """Make the pair of keys that sign updates. The public one belongs on every card."""
    private, public = name.with_name(f"{name.name}.key"), name.with_name(f"{name.name}.pub")
    with refusals():
        make_keys(private, public, _asked(passphrase, confirm=True))
    say(f"{private}: keep it off every server; whoever has it runs code on every device")
    say(f"{public}: update.key of every device")


@update.command()
def bundle(
    folder: Annotated[Path, typer.Argument(help="A folder with a wheel of tskaro and all it needs.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The bundle to make.")],
) -> None:
    """Put wheels into one file."""
    with refusals():
        version = make_bundle(folder, file)
    say(f"{file}: tskaro {version}, {file.stat().st_size / 1e6:.1f} MB")


@update.command()
def sign(
    file: Bundle,
    key: Annotated[Path, typer.Option("--key", help="The private key.")],
    min_version: Annotated[str, typer.Option(help="The lowest version to update from.")] = "0.1.0",
    downgrade: Annotated[bool, typer.Option("--downgrade", help="It may replace a higher version.")] = False,
    passphrase: Locked = False,
) -> None:
    """Sign a bundle; the offer is written beside it."""
    with refusals():
        manifest = sign_bundle(
            file,
            key,
            passphrase=_asked(passphrase, confirm=False),
            min_version=min_version,
            allows_downgrade=downgrade,
            now_ms=to_ms(SystemClock().now()),
        )
    say(f"{offer_of(file)}: tskaro {manifest.version}, from {manifest.min_version} on")


@update.command()
def publish(
    file: Bundle,
    url: Annotated[str, typer.Option("--url", help="Where devices fetch the bundle; https.")],
    device: Annotated[list[str] | None, typer.Option("--device", help="Which ones; once for each.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every device that is registered.")] = False,
    who: Annotated[str, typer.Option("--who", help="Who asks; kept on record.")] = "",
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Have devices run a signed bundle. They fetch, try and keep it, or go back by themselves."""
    if bool(device) == every:
        say("name the devices with --device, or say --all")
        raise typer.Exit(2)
    with refusals():
        meant = Releases(open_database(load_settings(settings))).publish(
            signed(file),
            url,
            devices=device or (),
            who=who or getpass.getuser(),
            now_ms=to_ms(SystemClock().now()),
        )
    say(f"told: {', '.join(meant)}; tskaro update status shows how far they have come")


@update.command()
def status(settings: SettingsPath = DEFAULT_PATH, as_json: AsJson = False) -> None:
    """Show how far each device has come."""
    with refusals():
        standings = Releases(open_database(load_settings(settings))).standings()
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in standings]))
        return
    if not standings:
        say("no device was ever asked to run another version")
        return
    table = Table("device", "should run", "runs", "state", "why")
    for each in standings:
        table.add_row(each.device, each.wanted, each.running or "?", each.state, each.reason)
    out.print(table)


def _asked(is_locked: bool, *, confirm: bool) -> bytes:  # noqa: FBT001 - as the option gives it
    return (
        str(typer.prompt("passphrase", hide_input=True, confirmation_prompt=confirm)).encode()
        if is_locked
        else b""
    )
