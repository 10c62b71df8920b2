"""`tskaro lab`: what laboratories found."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from alerts.advisories.lab import UNITS, Verdict
from server.advisories.entering import bounds_of, read_results, result_from
from server.advisories.laboratory import Kept, add_result, results, void_result
from server.clock import SystemClock
from server.composing import open_database
from server.saying import AsJson, SettingsPath, out, refusals, say
from server.settings import DEFAULT_PATH, load_settings
from waterquality.errors import ConfigError

lab = typer.Typer(no_args_is_help=True, help="What laboratories found.", rich_markup_mode=None)
By = Annotated[str, typer.Option("--by", help="Who writes it down: a name.")]


@lab.command("add")
def add(
    water_point: Annotated[str, typer.Argument(metavar="WATER_POINT", help="Its id in the registry.")],
    taken: Annotated[str, typer.Option(help="When the sample was taken: 2026-11-20T10:30 (Tbilisi).")],
    laboratory: Annotated[str, typer.Option(help="Who tested it.")],
    parameter: Annotated[str, typer.Option(help="e_coli, coliforms, turbidity, ph, copper and others.")],
    value: Annotated[str, typer.Option(help="As the laboratory writes it: 3, <1 or >200.")],
    unit: Annotated[str, typer.Option(help="CFU/100mL, MPN/100mL, NTU, pH, uS/cm, mg/L or ug/L.")],
    certificate: Annotated[str, typer.Option(help="The number of the laboratory's certificate.")],
    by: By,
    low: Annotated[str, typer.Option(help="The lowest allowed value.")] = "",
    high: Annotated[str, typer.Option(help="The highest allowed value.")] = "",
    authority: Annotated[str, typer.Option(help="Whose limit that is.")] = "",
    settings: SettingsPath = DEFAULT_PATH,
    as_json: AsJson = False,
) -> None:
    """Write a result down. Without a limit, the one that ships is used."""
    said = {"water_point": water_point, "taken_at": taken, "laboratory": laboratory, "parameter": parameter}
    said |= {"value": value, "unit": unit, "certificate": certificate}
    said |= {"low": low, "high": high, "authority": authority}
    with refusals():
        try:
            result = result_from(said, by)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        with open_database(load_settings(settings)).writing() as connection:
            is_new = add_result(connection, water_point, result, SystemClock().now())
    if as_json:
        typer.echo(json.dumps({"new": is_new, "verdict": result.verdict}))
        return
    bounds = " and ".join(bounds_of(result.limit))
    say(
        f"{'written down' if is_new else 'known already'}: {result.verdict} ({bounds}, {result.limit.authority})"
    )
    if result.verdict is Verdict.BAD:
        say(f"No advisory follows by itself: tskaro advisory list, or tskaro advisory propose {water_point}")


@lab.command("list")
def show(
    water_point: Annotated[str, typer.Argument(metavar="WATER_POINT", help="Its id; all without.")] = "",
    settings: SettingsPath = DEFAULT_PATH,
    voided: Annotated[bool, typer.Option("--voided", help="Also those that count no more.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what was found, oldest sample first."""
    with refusals(), open_database(load_settings(settings)).reading() as connection:
        found = results(connection, water_point, with_voided=voided)
    if as_json:
        typer.echo(json.dumps([_facts(kept) for kept in found], ensure_ascii=False))
    else:
        out.print(_table(found))


@lab.command("import")
def take_in(
    file: Annotated[Path, typer.Argument(help="A CSV file; the guide has its columns.")],
    by: By,
    settings: SettingsPath = DEFAULT_PATH,
    as_json: AsJson = False,
) -> None:
    """Take a file of results in: all of it, or nothing."""
    with refusals():
        read, now = read_results(file, by), SystemClock().now()
        with open_database(load_settings(settings)).writing() as connection:
            new = sum(add_result(connection, point, result, now) for point, result in read)
    bad = sum(result.verdict is Verdict.BAD for _, result in read)
    if as_json:
        typer.echo(json.dumps({"new": new, "known": len(read) - new, "bad": bad}))
    else:
        say(f"{new} results written down, {len(read) - new} known already, {bad} beyond their limit")


@lab.command("void")
def void(
    number: Annotated[int, typer.Argument(help="Of the result, from `tskaro lab list`.")],
    by: By,
    reason: Annotated[str, typer.Option(help="What is wrong with it.")],
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Let a wrong entry count no more. It stays on record."""
    with refusals(), open_database(load_settings(settings)).writing() as connection:
        void_result(connection, number, by, reason, SystemClock().now())
    say(f"result {number} counts no more")


def _facts(kept: Kept) -> dict[str, Any]:
    result = kept.result
    return {
        "number": kept.number,
        "water_point": kept.water_point,
        "taken_at": result.taken_at.isoformat(),
        "laboratory": result.laboratory,
        "parameter": result.parameter,
        "value": result.measured.value,
        "sign": result.measured.sign,
        "unit": next(iter(UNITS[result.parameter])),
        "low": result.limit.low,
        "high": result.limit.high,
        "authority": result.limit.authority,
        "verdict": result.verdict,
        "certificate": result.certificate,
        "entered_by": result.entered_by,
        "voided_by": kept.voided_by,
        "void_reason": kept.void_reason,
    }


def _table(found: Sequence[Kept]) -> Table:
    table = Table(
        "no.", "water point", "taken (UTC)", "parameter", "value", "limit", "verdict", "certificate"
    )
    for kept in found:
        result = kept.result
        table.add_row(
            str(kept.number),
            kept.water_point,
            f"{result.taken_at:%Y-%m-%d %H:%M}",
            str(result.parameter),
            f"{result.measured.sign}{result.measured.value:g} {next(iter(UNITS[result.parameter]))}",
            f"{' and '.join(bounds_of(result.limit))} ({result.limit.authority})",
            f"voided: {kept.void_reason}" if kept.voided_by else str(result.verdict),
            f"{result.certificate}, {result.laboratory}",
        )
    return table
