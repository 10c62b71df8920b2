"""`tskaro advisory authority`: who may issue, change and lift advisories."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from alerts.advisories.record import Authority
from server.advisories.people import add_authority, authorities, end_authority
from server.clock import SystemClock
from server.composing import open_database
from server.saying import AsJson, SettingsPath, out, refusals, say
from server.settings import DEFAULT_PATH, load_settings

people = typer.Typer(no_args_is_help=True, help="Who may issue advisories.", rich_markup_mode=None)


@people.command("add")
def add(
    name: Annotated[str, typer.Argument(metavar="ID", help="A short name for commands.")],
    full_name: Annotated[str, typer.Option("--name", help="Their name, as people will read it.")],
    office: Annotated[str, typer.Option(help="In whose name they speak.")],
    contact: Annotated[str, typer.Option(help="How people reach the office.")] = "",
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Name a person who may issue advisories, or correct an entry."""
    with refusals(), open_database(load_settings(settings)).writing() as connection:
        add_authority(connection, Authority(name, full_name, office, contact), SystemClock().now())
    say(f"{full_name}, {office}, may issue, change and lift advisories")


@people.command("list")
def show_people(settings: SettingsPath = DEFAULT_PATH, as_json: AsJson = False) -> None:
    """List who may issue advisories."""
    with refusals(), open_database(load_settings(settings)).reading() as connection:
        known = authorities(connection)
    if as_json:
        typer.echo(json.dumps([asdict(who) for who in known.values()], ensure_ascii=False))
        return
    table = Table("id", "name", "office", "contact")
    for who in known.values():
        table.add_row(who.id, who.name, who.office, who.contact)
    out.print(table)


@people.command("remove")
def remove(
    name: Annotated[str, typer.Argument(metavar="ID", help="From `tskaro advisory authority list`.")],
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Let a person issue no more. What they did stays on record."""
    with refusals(), open_database(load_settings(settings)).writing() as connection:
        end_authority(connection, name, SystemClock().now())
    say(f"{name} may act on advisories no more")
