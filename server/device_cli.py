"""`tskaro device`: give a device its papers, look at them, change them, take them back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from firmware_config.logs import set_up_logs
from server.authority.office import Office
from server.authority.records import Listed
from server.clock import SystemClock
from server.composing import open_database
from server.saying import AsJson, SettingsPath, out, refusals, say
from server.settings import DEFAULT_PATH, ServerSettings, load_settings
from waterquality.readings import from_ms, to_ms

device = typer.Typer(name="device", no_args_is_help=True, help="Devices: papers, cards, replacement.")
_DAY_MS = 86_400_000
_SOON_DAYS = 60
Id = Annotated[str, typer.Argument(metavar="ID", help="The device, e.g. kk-0007.")]
Models = Annotated[
    list[str] | None,
    typer.Option("--probe", help="A probe's model, e.g. sen0189; once for each.", metavar="MODEL"),
]


@dataclass(frozen=True, slots=True)
class Desk:
    """What every command here works with."""

    settings: ServerSettings
    office: Office
    now: datetime


@device.command()
def create(
    id_: Id,
    water_point: Annotated[str | None, typer.Option("--water-point", help="Where it stands.")] = None,
    probe: Models = None,
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Register a device and give it a certificate. It stands at the water point from now on."""
    with at_desk(settings) as desk:
        issued = desk.office.create(id_, water_point=water_point, models=probe or (), now=desk.now)
    say(f"{id_}: registered; its certificate is valid until {issued.not_after:%Y-%m-%d}")
    say(f"next: tskaro device card {id_} --out FOLDER")


@device.command("list")
def list_devices(settings: SettingsPath = DEFAULT_PATH, as_json: AsJson = False) -> None:
    """List devices: water point, certificate, last heard."""
    with at_desk(settings) as desk:
        listed, now_ms = desk.office.devices(), to_ms(desk.now)
    if as_json:
        typer.echo(json.dumps([_plain(each, now_ms) for each in listed]))
        return
    if not listed:
        say("there is no device yet: tskaro device create ID --water-point ID")
        return
    table = Table("device", "water point", "certificate", "last heard")
    for each in listed:
        table.add_row(each.device, each.water_point or "–", _certificate(each, now_ms), _heard(each))
    out.print(table)


@device.command()
def revoke(
    id_: Id,
    why: Annotated[str, typer.Option("--why", help="The reason, which is kept.")],
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Take back a device's certificates. The broker lets it in no more, once it has read the list."""
    with at_desk(settings) as desk:
        taken = desk.office.revoke(id_, why=why, now=desk.now)
        crl = desk.office.safe.revocations
    say(
        f"{id_}: {taken} taken back"
        if taken
        else f"{id_}: nothing was left to take back; the list is written anew"
    )
    say(_tell_broker(str(crl)))


@device.command()
def replace(
    id_: Id,
    why: Annotated[str, typer.Option("--why", help="The reason, which is kept.")] = "replaced",
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Give a device a new certificate for a new Pi. The old one is taken back; the water point stays."""
    with at_desk(settings) as desk:
        issued = desk.office.replace(id_, why=why, now=desk.now)
        crl = desk.office.safe.revocations
    say(f"{id_}: a new certificate, valid until {issued.not_after:%Y-%m-%d}; the old ones are taken back")
    say(f"next: tskaro device card {id_} --out FOLDER")
    say(_tell_broker(str(crl)))


@contextmanager
def at_desk(settings: SettingsPath) -> Iterator[Desk]:
    """Settings, office and the time; refusals are said plainly."""
    with refusals():
        loaded = load_settings(settings)
        set_up_logs(level=loaded.log.level, as_json=loaded.log.format == "json")
        database = open_database(loaded)
        try:
            yield Desk(loaded, Office(loaded.authority, database), SystemClock().now())
        finally:
            database.close()


def _tell_broker(crl: str) -> str:
    return f"{crl} is written anew; tskaro-revocations.path has the broker read it, or do it by hand: see the guide"


def _plain(each: Listed, now_ms: int) -> dict[str, object]:
    held = each.certificate
    return {
        "device": each.device,
        "water_point": each.water_point,
        "probes": list(each.models),
        "certificate": _state(each, now_ms),
        "expires": None if held is None else from_ms(held.not_after_ms).isoformat(),
        "last_seen": None if each.seen_ms is None else from_ms(each.seen_ms).isoformat(),
    }


def _state(each: Listed, now_ms: int) -> str:
    held = each.certificate
    if held is None:
        return "none"
    if held.revoked_ms is not None:
        return "revoked"
    return "valid" if held.is_in_force(now_ms) else "expired"


def _certificate(each: Listed, now_ms: int) -> str:
    held, state = each.certificate, _state(each, now_ms)
    if held is None or state == "revoked":
        return f"[red]{state}[/red]"
    days = (held.not_after_ms - now_ms) // _DAY_MS
    colour = "red" if days < 0 else "yellow" if days < _SOON_DAYS else "green"
    return f"[{colour}]{from_ms(held.not_after_ms):%Y-%m-%d}, {days} days[/{colour}]"


def _heard(each: Listed) -> str:
    return "never" if each.seen_ms is None else f"{from_ms(each.seen_ms):%Y-%m-%d %H:%M} UTC"
