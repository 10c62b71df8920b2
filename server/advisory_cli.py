"""`tskaro advisory`: proposed by the system, issued, changed and lifted by named people."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table

from alerts.advisories.life import Step
from alerts.advisories.record import (
    Act,
    Advisory,
    AdvisoryKind,
    Cause,
    Change,
    Confirm,
    Issue,
    Lift,
    Order,
    Withdraw,
)
from server.advisories.book import AdvisoryBook
from server.advisories.composing import advisory_book
from server.advisories.people import authority, hazard, set_hazard
from server.advisories.telling import account, facts
from server.advisory_people_cli import people
from server.clock import SystemClock
from server.composing import open_database
from server.database.engine import Database
from server.saying import AsJson, SettingsPath, out, refusals, say
from server.settings import DEFAULT_PATH, ServerSettings, load_settings
from waterquality.errors import ConfigError
from waterquality.languages import Language, language_named

advisory = typer.Typer(no_args_is_help=True, help="Advisories: boil, do not drink.", rich_markup_mode=None)
advisory.add_typer(people, name="authority")
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="From `tskaro advisory list`.")]
By = Annotated[str, typer.Option("--by", help="Id of a person who may: `tskaro advisory authority list`.")]
Days = Annotated[float | None, typer.Option(help="Days from now until it runs out, unless renewed.")]
Texts = Annotated[list[str] | None, typer.Option("--text", help="Own wording, e.g. --text ka=TEXT.")]
WaterPointId = Annotated[str, typer.Argument(metavar="WATER_POINT", help="Its id in the registry.")]


@advisory.command()
def propose(
    water_point: WaterPointId,
    cause: Annotated[Cause, typer.Option(help="What is thought to be wrong with the water.")],
    reason: Annotated[str, typer.Option(help="What speaks for it.")],
    by: Annotated[str, typer.Option("--by", help="Who proposes: a name.")],
    settings: SettingsPath = DEFAULT_PATH,
    as_json: AsJson = False,
) -> None:
    """Propose an advisory. It tells nobody anything until it is issued."""
    with refusals():
        number = _book(settings).propose(water_point, cause, by, reason, SystemClock().now())
    if as_json:
        typer.echo(json.dumps({"advisory": number}))
    else:
        say(
            f"advisory {number} is proposed; a person with authority issues it: tskaro advisory issue {number}"
        )


@advisory.command("list")
def show_all(
    settings: SettingsPath = DEFAULT_PATH,
    every: Annotated[bool, typer.Option("--all", help="Also what is lifted or withdrawn.")] = False,
    water_point: Annotated[str, typer.Option(help="Of this water point only.")] = "",
    as_json: AsJson = False,
) -> None:
    """List advisories that are proposed, in force or have run out."""
    now = SystemClock().now()
    with refusals():
        found = _book(settings).all(open_only=not every, water_point=water_point)
    if as_json:
        typer.echo(
            json.dumps([facts(number, each, now) for number, each in found.items()], ensure_ascii=False)
        )
    else:
        out.print(_table(found, now))


@advisory.command()
def show(number: Number, settings: SettingsPath = DEFAULT_PATH, as_json: AsJson = False) -> None:
    """Show one: evidence, history, and what may be done.

    Also how far the samples go, and why "boil" is blocked where it is.
    """
    now = SystemClock().now()
    with refusals():
        found, around, history = _book(settings).one(number, now)
    told = facts(number, found, now, around=around, history=history)
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        for line in account(told):
            say(line)


@advisory.command()
def issue(
    number: Number,
    kind: Annotated[AdvisoryKind, typer.Option(help="What people are told.")],
    by: By,
    days: Days = None,
    text: Texts = None,
    settings: SettingsPath = DEFAULT_PATH,
    as_json: AsJson = False,
) -> None:
    """Put a proposal in force."""
    with refusals():
        loaded = load_settings(settings)
        order = _order(kind, days, text, loaded)
        _act(number, by, loaded, lambda who: Issue(by=who, order=order), as_json=as_json)


@advisory.command()
def confirm(number: Number, by: By, settings: SettingsPath = DEFAULT_PATH, as_json: AsJson = False) -> None:
    """Confirm, as the second person, what the first has signed."""
    with refusals():
        _act(number, by, load_settings(settings), lambda who: Confirm(by=who), as_json=as_json)


@advisory.command()
def change(
    number: Number,
    by: By,
    reason: Annotated[str, typer.Option(help="Why; it goes out with the change.")],
    kind: Annotated[AdvisoryKind | None, typer.Option(help="What people are told from now on.")] = None,
    days: Days = None,
    text: Texts = None,
    settings: SettingsPath = DEFAULT_PATH,
    as_json: AsJson = False,
) -> None:
    """Change what people are told, or renew it. Own wording is given anew."""
    with refusals():
        loaded = load_settings(settings)
        found, _, _ = advisory_book(open_database(loaded), loaded).one(number, SystemClock().now())
        before = kind or (None if found.order is None else found.order.kind)
        order = _order(before or AdvisoryKind.DO_NOT_DRINK, days, text, loaded)
        _act(number, by, loaded, lambda who: Change(by=who, order=order, reason=reason), as_json=as_json)


@advisory.command()
def lift(
    number: Number,
    by: By,
    override: Annotated[
        str, typer.Option(help="The reason for lifting without the demanded samples; it stays on record.")
    ] = "",
    settings: SettingsPath = DEFAULT_PATH,
    as_json: AsJson = False,
) -> None:
    """Say that it is over, on clear samples.

    They are written down with `tskaro lab add`; --override does without, and says why.
    """
    with refusals():
        _act(
            number, by, load_settings(settings), lambda who: Lift(by=who, override=override), as_json=as_json
        )


@advisory.command()
def withdraw(
    number: Number,
    by: By,
    reason: Annotated[str, typer.Option(help="Why nothing is to be said.")],
    settings: SettingsPath = DEFAULT_PATH,
    as_json: AsJson = False,
) -> None:
    """Decline a proposal."""
    with refusals():
        _act(
            number, by, load_settings(settings), lambda who: Withdraw(by=who, reason=reason), as_json=as_json
        )


@advisory.command("hazard")
def set_hazard_of(
    water_point: WaterPointId,
    settings: SettingsPath = DEFAULT_PATH,
    why: Annotated[str, typer.Option(help="What boiling would not remove, e.g. a mine upstream.")] = "",
    by: Annotated[str, typer.Option("--by", help="Who says so: a name.")] = "",
    none: Annotated[bool, typer.Option("--none", help="There is no such thing any more.")] = False,
) -> None:
    """Show or say what makes "boil" no advice at a water point."""
    with refusals():
        database = open_database(load_settings(settings))
        if why or none:
            _say_hazard(database, water_point, "" if none else why, by)
        with database.reading() as connection:
            found = hazard(connection, water_point)
    say(f'{water_point}: {found}: "boil" is blocked' if found else f"{water_point}: nothing is known")


def _book(settings: Any) -> AdvisoryBook:
    loaded = load_settings(settings)
    return advisory_book(open_database(loaded), loaded)


def _act(number: int, by: str, loaded: ServerSettings, act: Any, *, as_json: bool) -> None:
    database = open_database(loaded)
    with database.reading() as connection:
        who = authority(connection, by)
    done: Act = act(who)
    taken = advisory_book(database, loaded).act(number, done, SystemClock().now())
    if as_json:
        typer.echo(json.dumps({"advisory": number, "in_effect": taken.done is not None} | _now(taken)))
    else:
        say(_said(number, taken))


def _now(taken: Step) -> dict[str, Any]:
    return {"phase": taken.advisory.phase, "published": taken.publishes}


def _said(number: int, taken: Step) -> str:
    if taken.done is None:
        return (
            f"advisory {number}: signed, and nobody is told yet: a second, other person confirms it with "
            f"tskaro advisory confirm {number} --by ID"
        )
    return f"advisory {number} is {taken.advisory.phase.replace('_', ' ')} now"


def _order(
    kind: AdvisoryKind, days: float | None, text: Sequence[str] | None, loaded: ServerSettings
) -> Order:
    span = timedelta(days=loaded.advisories.valid_days if days is None else days)
    return Order(kind=kind, expires_at=SystemClock().now() + span, own_text=dict(map(_own, text or ())))


def _own(said: str) -> tuple[Language, str]:
    code, _, words = said.partition("=")
    language = language_named(code)
    if language is None or not words.strip():
        raise ConfigError(f"--text {said!r}: write a language ({', '.join(Language)}), =, and the words")
    return language, words.strip()


def _say_hazard(database: Database, water_point: str, why: str, by: str) -> None:
    if why and not by:
        raise ConfigError("--by: who says so?")
    with database.writing() as connection:
        set_hazard(connection, water_point, why, by, SystemClock().now())


def _table(found: Mapping[int, Advisory], now: datetime) -> Table:
    table = Table("no.", "water point", "phase", "kind", "since (UTC)", "reason")
    for number, each in found.items():
        waits = ", waits for a second person" if each.pending is not None else ""
        table.add_row(
            str(number),
            each.water_point,
            each.phase_at(now).replace("_", " ") + waits,
            "" if each.order is None else each.order.kind.replace("_", " "),
            f"{each.issued_at or each.proposed_at:%Y-%m-%d %H:%M}",
            each.reason,
        )
    return table
