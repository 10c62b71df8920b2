"""`tskaro completeness` and `tskaro quarantine`: what became of everything, and what could not be taken in."""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.progress import track
from rich.table import Table

from server.clock import SystemClock
from server.composing import open_database, plain_store
from server.database.engine import Database
from server.database.models import QuarantineRow
from server.ingest.books import Books
from server.ingest.completeness import Account, accounts, days_of
from server.ingest.quarantine import Entry, ask_replay, entries
from server.ingest.reconciling import check_epoch, write_check
from server.registry.snapshot import read_registry
from server.saying import AsJson, SettingsPath, err, out, refusals, say
from server.settings import DEFAULT_PATH, load_settings
from waterquality.errors import ConfigError
from waterquality.readings import from_ms, to_ms
from waterquality.wire.rejection import Rejection

_PATIENCE_S = 60.0
_LOOK_S = 0.5
_ENTRY = ("id", "device_id", "epoch", "first", "last", "reason", "detail", "times")

completeness = typer.Typer(help="What became of every number of every device.", rich_markup_mode=None)
quarantine = typer.Typer(help="What arrived and could not be taken in.", rich_markup_mode=None)
OfDevice = Annotated[str, typer.Option("--device", help="Of this device only.")]
Since = Annotated[
    datetime | None,
    typer.Option("--since", formats=["%Y-%m-%d"], help="By day, from this day in Tbilisi on."),
]


@completeness.callback(invoke_without_command=True)
def show_completeness(
    context: typer.Context,
    settings: SettingsPath = DEFAULT_PATH,
    device: OfDevice = "",
    since: Since = None,
    days: Annotated[bool, typer.Option("--days", help="By day.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what became of every number: by epoch, or by day."""
    if context.invoked_subcommand is not None:
        return
    with refusals(), open_database(load_settings(settings)).reading() as connection:
        all_of = accounts(connection, [device] if device else None)
        if days or since is not None:
            first = None if since is None else since.date()
            rows = [
                {"device": each.device, "epoch": each.epoch, "day": None if each.on is None else str(each.on)}
                | each.fates.counts
                | {"adds_up": each.fates.adds_up}
                for each in days_of(connection, all_of, first)
            ]
        else:
            rows = [_row(each) for each in all_of]
    _show(rows, as_json=as_json, nothing="no device has sent anything yet")


@completeness.command("check")
def check(
    settings: SettingsPath = DEFAULT_PATH,
    device: OfDevice = "",
    book: Annotated[bool, typer.Option("--book", help="Correct the books by what is found.")] = False,
    as_json: AsJson = False,
) -> None:
    """Hold the books against the store, after a restore.

    Exits with 1 where they differ. With --book the running ingest takes over what was found.
    """
    with refusals():
        loaded = load_settings(settings)
        database, store = open_database(loaded), plain_store(loaded.store)
        registry, books = read_registry(database), Books(database)
        with database.reading() as connection:
            keys = [(each.device, each.epoch) for each in accounts(connection, [device] if device else None)]
        differs: list[dict[str, Any]] = []
        oldest_ms = to_ms(SystemClock().now() - timedelta(days=loaded.store.keep_days - 1))
        for key in track(keys, "looking into the store", console=err, transient=True):
            points = [stay.water_point for stay in registry.stays.get(key[0], ())]
            found = check_epoch(store, books, key, points, oldest_ms=oldest_ms)
            if found:
                counts = {"found": len(found.found), "lost": len(found.lost)}
                differs.append({"device": key[0], "epoch": key[1]} | counts)
            if found and book:
                with database.writing() as connection:
                    write_check(connection, key, found)
        store.close()
    _show(differs, as_json=as_json, nothing="the store holds what the books say")
    if differs:
        raise typer.Exit(1)


@quarantine.callback(invoke_without_command=True)
def show_quarantine(
    context: typer.Context, settings: SettingsPath = DEFAULT_PATH, as_json: AsJson = False
) -> None:
    """List what arrived and could not be taken in."""
    if context.invoked_subcommand is not None:
        return
    with refusals(), open_database(load_settings(settings)).reading() as connection:
        found = entries(connection)
    if as_json:
        typer.echo(json.dumps([_entry(each) | {"received_ms": each.received_ms} for each in found]))
        return
    rows = [{"last seen": f"{from_ms(each.received_ms):%Y-%m-%d %H:%M:%S}"} | _entry(each) for each in found]
    _show(rows, as_json=False, nothing="everything that arrived was taken in")


@quarantine.command("replay")
def replay(
    ids: Annotated[
        list[int] | None, typer.Argument(help="Numbers of entries, as `tskaro quarantine` lists them.")
    ] = None,
    settings: SettingsPath = DEFAULT_PATH,
    reason: Annotated[
        Rejection | None, typer.Option(metavar="REASON", help="All that was refused so.")
    ] = None,
    device: OfDevice = "",
    wait_s: Annotated[float, typer.Option(help="How long to wait for the ingest, in seconds.")] = _PATIENCE_S,
    as_json: AsJson = False,
) -> None:
    """Take in again what lies in quarantine. The running ingest does it; what still fails stays.

    Exits with 1 where anything stays.
    """
    with refusals():
        if not (ids or reason or device):
            raise ConfigError("say which: the numbers of entries, --reason or --device")
        database = open_database(load_settings(settings))
        wanted = _wanted(database, ids or (), reason, device)
        able = [each for each in wanted if not each.why_not]
        with database.writing() as connection:
            ask_replay(connection, [each.id for each in able], to_ms(SystemClock().now()))
        left, waiting = _await(database, able, wait_s)
    report = {
        "asked": len(able),
        "taken_in": len(able) - len(left) - len(waiting),
        "still": [_entry(each) for each in left],
        "waiting": [each.id for each in waiting],
        "cannot": {each.id: each.why_not for each in wanted if each.why_not},
    }
    _tell_replay(report, as_json=as_json)
    if left or waiting or len(able) < len(wanted):
        raise typer.Exit(1)


def _wanted(database: Database, ids: Sequence[int], reason: Rejection | None, device: str) -> Sequence[Entry]:
    where = [
        *([QuarantineRow.id.in_(ids)] if ids else ()),
        *([QuarantineRow.reason == str(reason)] if reason else ()),
        *([QuarantineRow.device_id == device] if device else ()),
    ]
    with database.reading() as connection:
        found = entries(connection, *where)
    absent = sorted(set(ids) - {each.id for each in found})
    if absent:
        raise ConfigError(f"no such entry: {', '.join(map(str, absent))}; `tskaro quarantine` lists them")
    return found


def _await(
    database: Database, asked: Sequence[Entry], wait_s: float
) -> tuple[Sequence[Entry], Sequence[Entry]]:
    """Wait until the ingest has tried all of them; returns what stays, and what it has not tried."""
    ids, until_s = [each.id for each in asked], time.monotonic() + wait_s
    while True:
        with database.reading() as connection:
            found = entries(connection, QuarantineRow.id.in_(ids))
        waiting = [each for each in found if each.is_asked]
        if not waiting or time.monotonic() > until_s:
            return [each for each in found if not each.is_asked], waiting
        time.sleep(_LOOK_S)


def _tell_replay(report: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report))
        return
    say(f"taken in: {report['taken_in']} of {report['asked']}")
    for each in report["still"]:
        say(f"{each['id']} stays: {each['reason']}: {each['detail']}")
    for number, why in report["cannot"].items():
        say(f"{number} cannot be taken in again: {why}")
    if report["waiting"]:
        say(
            f"{len(report['waiting'])} wait for an ingest that runs and a store that answers; they stay asked for"
        )


def _row(account: Account) -> dict[str, Any]:
    place = {"device": account.device, "epoch": account.epoch, "through": account.through}
    return place | account.fates.counts | {"adds_up": account.fates.adds_up}


def _entry(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name.removesuffix("_id")) for name in _ENTRY}


def _show(rows: Sequence[Mapping[str, Any]], *, as_json: bool, nothing: str) -> None:
    if as_json:
        typer.echo(json.dumps(rows))
    elif not rows:
        out.print(nothing)
    else:
        table = Table(*(name.removesuffix("_id").replace("_", " ") for name in rows[0]))
        for row in rows:
            table.add_row(*map(_cell, row.values()))
        out.print(table)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return ("yes" if value else "NO") if isinstance(value, bool) else str(value)
