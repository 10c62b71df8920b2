"""`tskaro alert` and `tskaro silence`: what is wrong, who took it on, and what nobody is told of for a while."""

import json
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table

from alerts.holding import Silence
from alerts.ports import AlertKey
from alerts.recipient import TBILISI
from server.clock import SystemClock
from server.composing import open_database
from server.episodes import Episode, episodes, texts_of
from server.ledger import SqlLedger
from server.registry.silences import add_silence, end_silence, kept_silences
from server.saying import AsJson, SettingsPath, out, refusals, say
from server.settings import DEFAULT_PATH, load_settings
from waterquality.errors import ConfigError
from waterquality.readings import from_ms

alert = typer.Typer(no_args_is_help=True, help="What is wrong, and who knows.", rich_markup_mode=None)
silence = typer.Typer(no_args_is_help=True, help="What nobody is told of for a while.", rich_markup_mode=None)
_HOUR_MIN = 60
Rule = Annotated[str, typer.Argument(metavar="RULE", help="The rule; see `tskaro rules list`.")]
Point = Annotated[str, typer.Argument(metavar="WATER_POINT", help="Its id in the registry.")]
By = Annotated[str, typer.Option("--by", help="Whose word it is; goes on record.")]


@alert.command("list")
def list_alerts(
    settings: SettingsPath = DEFAULT_PATH,
    with_ended: Annotated[bool, typer.Option("--all", help="Those that have ended, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List alerts, the newest first."""
    with refusals(), open_database(load_settings(settings)).reading() as connection:
        found = episodes(connection, only_open=not with_ended)
    if as_json:
        typer.echo(json.dumps([_row(each) for each in found]))
        return
    if not found:
        say("no alert is open" if not with_ended else "there was no alert yet")
        return
    table = Table("since", "water point", "rule", "phase", "acknowledged", "resolved after")
    for each in found:
        table.add_row(
            _moment(each.began_ms),
            each.key.water_point,
            each.key.rule,
            str(each.phase),
            "no"
            if each.acknowledged_ms is None
            else f"{each.acknowledged_by}, {_after(each, each.acknowledged_ms)}",
            _after(each, each.ended_ms),
        )
    out.print(table)


@alert.command("show")
def show_alert(
    point: Point, rule: Rule, settings: SettingsPath = DEFAULT_PATH, as_json: AsJson = False
) -> None:
    """Show how an alert went, who was told, and who is still to be."""
    with refusals(), open_database(load_settings(settings)).reading() as connection:
        found = _newest(episodes(connection, only_open=False), point, rule)
        texts = texts_of(connection, found.key, found.episode)
    if as_json:
        typer.echo(json.dumps(_row(found) | {"texts": texts}))
        return
    say(f"{found.key.rule} at {found.key.water_point}: {found.phase} since {_moment(found.began_ms)}")
    taken = "nobody has acknowledged it"
    if found.acknowledged_ms is not None:
        taken = f"{found.acknowledged_by} acknowledged it {_after(found, found.acknowledged_ms)} later"
    say(taken)
    if found.ended_ms is not None:
        say(f"it ended after {_after(found, found.ended_ms)}")
    table = Table("to", "what", "fate", "when", "why then")
    for each in texts:
        at_ms = each["due_ms"] or each["settled_ms"] or each["owed_ms"]
        table.add_row(
            each["person"], each["kind"], each["fate"], _moment(at_ms), each["held"] or each["detail"]
        )
    out.print(table)


@alert.command("acknowledge")
def acknowledge_alert(point: Point, rule: Rule, by: By, settings: SettingsPath = DEFAULT_PATH) -> None:
    """Take an open alert on.

    Later tiers are not told then, and nobody is reminded.
    """
    with refusals():
        database = open_database(load_settings(settings))
        with database.reading() as connection:
            found = _newest(episodes(connection, only_open=True), point, rule)
        if not SqlLedger(database).acknowledge(found.key, found.episode, by, SystemClock().now()):
            raise ConfigError(
                f"{rule} at {point} was acknowledged already; see tskaro alert show {point} {rule}"
            )
    say(f"{by} has acknowledged {rule} at {point}")


@silence.command("add")
def add(
    reason: Annotated[str, typer.Argument(help="Why; goes on record, and with every text that it holds.")],
    by: By,
    hours: Annotated[float, typer.Option("--hours", help="How long, from now.")],
    point: Annotated[str, typer.Option("--water-point", help="Only there.")] = "",
    municipality: Annotated[str, typer.Option("--municipality", help="Only at its water points.")] = "",
    rule: Annotated[str, typer.Option("--rule", help="Only this rule.")] = "",
    everywhere: Annotated[bool, typer.Option("--everywhere", help="All of it.")] = False,
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Hold new texts back for a while, as during work on a pipe. Judging goes on.

    What is still wrong when the silence ends is told then; what ended meanwhile is told to nobody.
    """
    with refusals():
        if not (point or municipality or rule or everywhere):
            raise ConfigError("say what to silence: --water-point, --municipality or --rule; or --everywhere")
        now = SystemClock().now()
        new = Silence(now, now + timedelta(hours=hours), by, reason, point, municipality, rule)
        with open_database(load_settings(settings)).writing() as connection:
            number = add_silence(connection, new)
    say(f"silence {number}: until {_local(new.until)}; end it sooner with tskaro silence end {number}")


@silence.command("list")
def list_silences(settings: SettingsPath = DEFAULT_PATH, as_json: AsJson = False) -> None:
    """List the silences that are in force."""
    now = SystemClock().now()
    with refusals(), open_database(load_settings(settings)).reading() as connection:
        kept = [each for each in kept_silences(connection) if each.silence.until > now]
    rows = [
        {
            "id": each.id,
            "water_point": each.silence.water_point,
            "municipality": each.silence.municipality,
            "rule": each.silence.rule,
            "until": each.silence.until.isoformat(),
            "by": each.silence.by,
            "reason": each.silence.reason,
        }
        for each in kept
    ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    if not rows:
        say("nothing is silenced")
        return
    table = Table("silence", "what", "until", "by", "why")
    for row, each in zip(rows, kept, strict=True):
        what = " ".join(str(row[name]) for name in ("water_point", "municipality", "rule") if row[name])
        table.add_row(
            str(row["id"]),
            what or "everything",
            _local(each.silence.until),
            each.silence.by,
            each.silence.reason,
        )
    out.print(table)


@silence.command("end")
def end(
    number: Annotated[int, typer.Argument(metavar="SILENCE", help="Its number.")],
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """End a silence now; what it held and is still wrong is told at once."""
    with refusals():
        with open_database(load_settings(settings)).writing() as connection:
            is_news = end_silence(connection, number, SystemClock().now())
        if not is_news:
            raise ConfigError(f"silence {number} is not in force; see tskaro silence list")
    say(f"silence {number} has ended")


def _newest(found: list[Episode], point: str, rule: str) -> Episode:
    key = AlertKey(rule, point)
    for each in found:
        if each.key == key:
            return each
    raise ConfigError(f"there is no such alert of {rule} at {point}; see tskaro alert list --all")


def _row(each: Episode) -> dict[str, Any]:
    return {
        "rule": each.key.rule,
        "water_point": each.key.water_point,
        "episode": each.episode,
        "phase": str(each.phase),
        "began_ms": each.began_ms,
        "acknowledged_by": each.acknowledged_by,
        "acknowledged_ms": each.acknowledged_ms,
        "ended_ms": each.ended_ms,
    }


def _taken(each: Episode) -> str:
    if each.acknowledged_ms is None:
        return "no"
    return f"{each.acknowledged_by}, after {_after(each, each.acknowledged_ms)}"


def _after(each: Episode, at_ms: int | None) -> str:
    if at_ms is None:
        return ""
    minutes = max(0, (at_ms - each.began_ms) // 60_000)
    return (
        f"{minutes // _HOUR_MIN} h {minutes % _HOUR_MIN:02} min" if minutes >= _HOUR_MIN else f"{minutes} min"
    )


def _moment(at_ms: int) -> str:
    return _local(from_ms(at_ms))


def _local(at: datetime) -> str:
    return f"{at.astimezone(TBILISI):%Y-%m-%d %H:%M}"
