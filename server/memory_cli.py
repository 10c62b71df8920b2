"""`tskaro memory` and `tskaro device moved`: how the store is kept, and where a device really stood."""

import getpass
import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from server.clock import SystemClock
from server.composing import open_database, plain_store
from server.device_cli import Id
from server.keeping import all_moves, forgotten_days
from server.registry.correcting import correct
from server.saying import AsJson, SettingsPath, out, refusals, say
from server.settings import DEFAULT_PATH, load_settings
from waterquality.errors import ConfigError
from waterquality.readings import from_ms, to_ms


def memory(settings: SettingsPath = DEFAULT_PATH, as_json: AsJson = False) -> None:
    """Show what is rolled up, was deleted, and moves."""
    with refusals():
        loaded = load_settings(settings)
        database, store = open_database(loaded), plain_store(loaded.store)
        kept, moves, days = store.upkeep(), all_moves(database), forgotten_days(database)
        store.close()
    if as_json:
        state = {"due_hours": kept.due, "forgotten_ms": kept.forgotten_ms}
        typer.echo(
            json.dumps({**state, "keep_days": loaded.store.keep_days, "deleted": days, "moves": moves})
        )
        return
    say(f"hours whose rollups must be worked out, the hour under way among them: {kept.due}")
    before = f"before {_day(kept.forgotten_ms)}" if kept.forgotten_ms else "none yet"
    say(f"readings deleted, their rollups kept: {before} (keep_days = {loaded.store.keep_days})")
    for day in days:
        say(f"  {day['rows']} of the day before {_day(day['through_ms'])}, on {_minute(day['at_ms'])}")
    if moves:
        out.print(_moves(moves))


def moved(
    id_: Id,
    water_point: Annotated[str, typer.Option("--water-point", help="Where it really stood.")],
    since: Annotated[str, typer.Option(help="Since when, with a zone: 2026-11-20T09:00:00+04:00.")],
    who: Annotated[
        str,
        typer.Option(
            help="Who says so; kept on record.", default_factory=getpass.getuser, show_default="your own name"
        ),
    ],
    until: Annotated[
        str | None, typer.Option(help="Until when; left out, until now and from now on.")
    ] = None,
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Correct where a device stood. What it measured meanwhile moves to that water point.

    Alerts stay as they were told.
    """
    with refusals():
        since_ms, until_ms = _instant(since, "--since"), None if until is None else _instant(until, "--until")
        with open_database(load_settings(settings)).writing() as connection:
            moves = correct(
                connection,
                id_,
                water_point,
                since_ms=since_ms,
                until_ms=until_ms,
                who=who,
                now_ms=to_ms(SystemClock().now()),
            )
    say(f"{id_}: stood at {water_point} since {_minute(since_ms)}")
    for move in moves:
        say(f"what it measured from {_minute(move.since_ms)} on moves there from {move.source}")
    if moves:
        say("the running ingest begins in two minutes; see how far it is: tskaro memory")


def _instant(text: str, option: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{option}: {text!r} is no time; write it as 2026-11-20T09:00:00+04:00") from error
    if at.tzinfo is None:
        raise ConfigError(f"{option}: {text!r} has no zone; write it as {text}+04:00 or {text}Z")
    return to_ms(at.astimezone(UTC))


def _moves(moves: Any) -> Table:
    table = Table("device", "from", "to", "since", "moved", "state")
    for move in moves:
        state = move["refused"] or (
            "waits" if move["done_ms"] is None else f"done {_minute(move['done_ms'])}"
        )
        places = (move["device_id"], move["source"], move["target"], _minute(move["since_ms"]))
        table.add_row(*places, str(move["moved"]), state)
    return table


def _day(at_ms: int) -> str:
    return f"{from_ms(at_ms):%Y-%m-%d}"


def _minute(at_ms: int) -> str:
    return f"{from_ms(at_ms):%Y-%m-%d %H:%M} UTC"
