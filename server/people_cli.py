"""`tskaro people`: who gets texts, what they want to hear of and when, and what they have agreed to."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.table import Table
from sqlalchemy import Connection

from alerts.recipient import TBILISI
from firmware_config.errors import ConfigRefused, Problem
from firmware_config.refusal import config_error
from firmware_config.whole_file import PRIVATE, replace_file
from server.clock import SystemClock
from server.composing import open_database
from server.people_import_cli import import_, wording_of
from server.people_options import (
    Given,
    Lang,
    Latin,
    Least,
    Municipalities,
    Name,
    Other,
    Phone,
    Quiet,
    RoleOf,
    Tier,
    WaterPoints,
)
from server.registry.consent import give_consent, opt_out
from server.registry.forgetting import forget, let_back
from server.registry.people import NewPerson, add_person
from server.registry.person_entry import PersonEntry, as_written
from server.registry.places import faults_of, read_places
from server.registry.roll import all_of, listed, plain, roll
from server.registry.telephone import masked, read_telephone
from server.saying import AsJson, SettingsPath, out, refusals, say
from server.settings import DEFAULT_PATH, load_settings
from waterquality.errors import ConfigError
from waterquality.readings import to_ms

people = typer.Typer(
    no_args_is_help=True, help="People: who gets texts, and what they agreed to.", rich_markup_mode=None
)
people.command("import")(import_)
Id = Annotated[str, typer.Argument(metavar="ID", help="The person's id, e.g. nino-kapanadze.")]
On = Annotated[
    datetime | None,
    typer.Option("--on", formats=["%Y-%m-%d"], help="The day they said so; left out, now."),
]


@dataclass(frozen=True, slots=True)
class Desk:
    """What every command here works with: a transaction, and the time."""

    connection: Connection
    now: datetime


@people.command("list")
def list_people(settings: SettingsPath = DEFAULT_PATH, as_json: AsJson = False) -> None:
    """List everybody, and whether they get texts.

    Numbers are not whole.
    """
    with _at_desk(settings) as desk:
        everybody = roll(desk.connection)
    if as_json:
        typer.echo(json.dumps([plain(each, is_whole=False) for each in everybody], ensure_ascii=False))
        return
    if not everybody:
        say("nobody is registered yet: tskaro people add, or tskaro people import FILE")
        return
    table = Table("id", "number", "language", "role", "hears of", "texts")
    for each in everybody:
        person = each.person
        language = f"{person.language}, Latin" if person.is_latin else str(person.language)
        hears_of = ", ".join([*person.municipalities, *person.water_points])
        table.add_row(person.id, masked(person.phone), language, person.role, hears_of, each.standing)
    out.print(table, markup=False)
    silent = sum(not each.gets_texts for each in everybody)
    if silent:
        say(f"{silent} of {len(everybody)} get no texts: tskaro people consent ID --wording …")


@people.command()
def show(id_: Id, settings: SettingsPath = DEFAULT_PATH, as_json: AsJson = False) -> None:
    """Show somebody: their number, what they hear of, what they said."""
    with _at_desk(settings) as desk:
        found = plain(listed(desk.connection, id_), is_whole=True)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for key, value in found.items():
        say(f"{key:16}{_said(value)}")


@people.command()
def add(
    id_: Id,
    name: Name,
    phone: Phone,
    language: Lang,
    role: RoleOf,
    water_point: WaterPoints = None,
    municipality: Municipalities = None,
    tier: Tier = None,
    quiet: Quiet = None,
    least: Least = None,
    latin: Latin = None,
    other_address: Other = None,
    again: Annotated[
        bool, typer.Option("--again", help="They were forgotten, and have come back themselves.")
    ] = False,
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Register somebody. They get texts once they have agreed to: tskaro people consent."""
    given = Given(
        name, phone, language, role, water_point, municipality, tier, quiet, least, latin, other_address
    )
    with _at_desk(settings, writes=True) as desk:
        if any(each.person.id == id_ for each in roll(desk.connection)):
            raise ConfigError(f"{id_}: is registered already; tskaro people edit {id_} changes it")
        new, remark = _checked(desk, {"id": id_} | given.written())
        if again:
            let_back(desk.connection, new.phone)
        add_person(desk.connection, new)
    say(f"{id_}: registered" + (f" ({remark})" if remark else ""))
    say(f"next: tskaro people consent {id_} --wording …")


@people.command()
def edit(
    id_: Id,
    name: Name | None = None,
    phone: Phone | None = None,
    language: Lang | None = None,
    role: RoleOf | None = None,
    water_point: WaterPoints = None,
    municipality: Municipalities = None,
    tier: Tier = None,
    quiet: Quiet = None,
    least: Least = None,
    latin: Latin = None,
    other_address: Other = None,
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Change what is said; the rest stays. A list of water points or municipalities is replaced whole."""
    given = Given(
        name, phone, language, role, water_point, municipality, tier, quiet, least, latin, other_address
    )
    with _at_desk(settings, writes=True) as desk:
        before = listed(desk.connection, id_).person
        new, remark = _checked(desk, as_written(before) | given.written())
        add_person(desk.connection, new)
    say(f"{id_}: {'as it was' if new == before else 'changed'}" + (f" ({remark})" if remark else ""))


@people.command()
def consent(
    id_: Id,
    wording: Annotated[str, typer.Option("--wording", help="What they agreed to, word for word.")] = "",
    wording_file: Annotated[
        Path | None, typer.Option("--wording-file", help="A file that holds it, UTF-8.")
    ] = None,
    on: On = None,
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Record that somebody has agreed to get texts. After an opt-out it takes a later day."""
    with _at_desk(settings, writes=True) as desk:
        words, at = wording_of(wording, wording_file), _day(on, desk.now)
        listed(desk.connection, id_)
        now_ms = to_ms(desk.now)
        is_news = give_consent(
            desk.connection, id_, wording=words, at=at, source="tskaro people", now_ms=now_ms
        )
    say(f"{id_}: {'gets texts' if is_news else 'had agreed to that already'}")


@people.command("opt-out")
def opt_out_(id_: Id, on: On = None, settings: SettingsPath = DEFAULT_PATH) -> None:
    """Record that somebody wants no more texts. What waits for them is not sent; no list takes it back."""
    with _at_desk(settings, writes=True) as desk:
        listed(desk.connection, id_)
        at, now_ms = _day(on, desk.now), to_ms(desk.now)
        is_news = opt_out(desk.connection, id_, at=at, source="tskaro people", now_ms=now_ms)
    say(f"{id_}: {'gets no more texts' if is_news else 'had opted out already'}")


@people.command("forget")
def forget_(
    id_: Id,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Erase somebody's name, number and answers. What they were sent stays, without them."""
    if not yes:
        typer.confirm(f"forget {id_} for good?", abort=True)
    with _at_desk(settings, writes=True) as desk:
        name = forget(desk.connection, id_, now=desk.now)
    say(f"{id_}: forgotten; what they were sent is kept under {name}")
    say("copies of the database made before still hold them: throw those away in their time")


@people.command()
def export(
    id_: Id,
    to: Annotated[Path | None, typer.Option("--out", help="A file, instead of the screen.")] = None,
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Give all that is kept of somebody, as JSON, for them to see."""
    with _at_desk(settings) as desk:
        found = json.dumps(all_of(desk.connection, id_), ensure_ascii=False, indent=2)
        if to is not None:
            try:
                replace_file(to, f"{found}\n".encode(), mode=PRIVATE)
            except OSError as error:
                raise ConfigError(f"{to}: cannot be written: {error.strerror}") from error
    typer.echo(found if to is None else f"{to}: all that is kept of {id_}; only you can read the file")


@contextmanager
def _at_desk(settings: Path, *, writes: bool = False) -> Iterator[Desk]:
    with refusals():
        database = open_database(load_settings(settings))
        with database.writing() if writes else database.reading() as connection:
            yield Desk(connection, SystemClock().now())
        database.close()


def _checked(desk: Desk, written: Mapping[str, Any]) -> tuple[NewPerson, str]:
    """Somebody as written down, once nothing is wrong with them, and what should be known of their number.

    Raises:
        ConfigRefused: with everything that is wrong; mended by whoever typed it.
    """
    try:
        entry = PersonEntry.model_validate(written)
    except ValidationError as error:
        raise config_error(str(written["id"]), error, PersonEntry) from error
    holders = [each.person.id for each in roll(desk.connection) if each.person.phone == entry.phone]
    faults = [
        Problem(key, reason, entry.id) for key, reason in faults_of(entry, read_places(desk.connection))
    ]
    faults += [
        Problem("phone", f"is the number of {holder} already; one person, one number", entry.id)
        for holder in holders
        if holder != entry.id
    ]
    if faults:
        raise ConfigRefused(faults)
    return entry.person(), read_telephone(entry.phone).remark


def _day(on: datetime | None, now: datetime) -> datetime:
    """The instant that a day at the command line means.

    Raises:
        ConfigError: it lies ahead; mended by whoever typed it.
    """
    at = now if on is None else datetime.combine(on.date(), time(), TBILISI)
    if at > now:
        raise ConfigError(f"--on {at:%Y-%m-%d} lies in the future")
    return at


def _said(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(_said(each) for each in value) or "–"
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return "–" if value in (None, "") else str(value)
