"""`tskaro rules`: what is judged, in plain words, and why it can or cannot be judged at a water point."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.table import Table

from alerts.events.detector import Detector
from alerts.ports import Ledger
from alerts.rules import AnyRule, EventRule, OffRule
from alerts.rules.checking import Mistake, mistakes
from alerts.rules.explaining import KINDS, explain
from alerts.specs import RuleBook
from firmware_config.refusal import config_error, read_toml
from server.composing import open_database
from server.ledger import SqlLedger
from server.registry.directory import SnapshotDirectory, read_directory
from server.registry.snapshot import read_registry
from server.registry.writing import set_supply
from server.saying import AsJson, SettingsPath, out, refusals, say
from server.settings import DEFAULT_PATH, load_settings
from waterquality.errors import ConfigError

rules = typer.Typer(no_args_is_help=True, help="What is judged, and why.", rich_markup_mode=None)
water_point = typer.Typer(no_args_is_help=True, help="What is known of a water point.", rich_markup_mode=None)
WaterPointId = Annotated[str, typer.Argument(metavar="WATER_POINT", help="Its id in the registry.")]


@rules.command("check")
def check(
    file: Annotated[
        Path | None, typer.Argument(help="A registry file with rules; left out, those in the database.")
    ] = None,
    settings: SettingsPath = DEFAULT_PATH,
    as_json: AsJson = False,
) -> None:
    """Name every mistake in the rules, with its place and how to mend it. Exit code 1 when there is one."""
    with refusals():
        known = _directory(settings)
        found = list(_mistakes(known, file))
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found]))
    for each in [] if as_json else found:
        say(f"{each.rule or 'all rules'}: {each.what}: {each.mend}")
    if found:
        raise typer.Exit(1)
    if not as_json:
        say("nothing is wrong with the rules")


@rules.command("list")
def list_rules(settings: SettingsPath = DEFAULT_PATH, as_json: AsJson = False) -> None:
    """List the rules."""
    with refusals():
        rows = [_row(rule) for rule in _directory(settings).rules().values()]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = Table("rule", "kind", "severity", "told", "where")
    for row in rows:
        where = ", ".join(row["water_points"]) or "everywhere"
        replaces = f" (instead of {row['replaces']})" if row["replaces"] else ""
        table.add_row(
            row["rule"], row["kind"], ", ".join(row["severity"]), ", ".join(row["told"]), where + replaces
        )
    out.print(table)


@rules.command("explain")
def explain_rules(
    point: Annotated[
        str | None, typer.Argument(metavar="WATER_POINT", help="What can be judged there, and why not.")
    ] = None,
    settings: SettingsPath = DEFAULT_PATH,
    as_json: AsJson = False,
) -> None:
    """Say in plain words when rules fire, end, and tell whom."""
    with refusals():
        database = open_database(load_settings(settings))
        directory = read_directory(database, read_registry(database))
        if point is not None and point not in directory.places:
            raise ConfigError(f"{point}: no water point of this id is registered")
        rows = list(_explained(directory, point))
        learned = {} if point is None else _learned(directory, SqlLedger(database), point)
    if as_json:
        typer.echo(json.dumps({"rules": rows, "learned": learned}))
        return
    for row in rows:
        say(_said(row))
    for device, share in learned.items():
        say(
            f"{device}: "
            + ("has learnt what is usual" if share >= 1 else f"still learning what is usual: {share:.0%}")
        )


@water_point.command("supply")
def supply(
    point: WaterPointId,
    hours: Annotated[
        list[str] | None,
        typer.Argument(help="`mon-fri 06:00-09:00; sat,sun 06:00-22:00`, or `always`; left out: shown."),
    ] = None,
    settings: SettingsPath = DEFAULT_PATH,
    unknown: Annotated[bool, typer.Option("--unknown", help="Take back what was said.")] = False,
) -> None:
    """Say when water is due at a water point, or show what was said. Hours are those of Tbilisi."""
    with refusals():
        database = open_database(load_settings(settings))
        if hours or unknown:
            with database.writing() as connection:
                set_supply(connection, point, "" if unknown else " ".join(hours or ()))
        place = read_directory(database, read_registry(database)).places.get(point)
        if place is None:
            raise ConfigError(f"{point}: no water point of this id is registered")
    if place.supply is None:
        say(f"{point}: nobody has said when water is due there")
    else:
        say(f"{point}: {place.supply} ({place.supply.hours_a_week():g} hours a week)")


def _directory(settings: Path) -> SnapshotDirectory:
    database = open_database(load_settings(settings))
    return read_directory(database, read_registry(database))


def _mistakes(known: SnapshotDirectory, file: Path | None) -> Iterator[Mistake]:
    """What is wrong with the rules in force, or as they would be with those of a file."""
    book = dict(known.rules())
    if file is not None:
        written = read_toml(file).get("rule", [])
        try:
            read = RuleBook.model_validate({"rule": written}).rule
        except ValidationError as error:
            raise config_error(file, error, RuleBook) from error
        book |= {spec.id: spec.to_rule() for spec in read}
    yield from mistakes(list(book.values()), known.places.keys() if known.places else None)


def _row(rule: AnyRule) -> dict[str, Any]:
    is_off = isinstance(rule, OffRule)
    steps = [str(step.severity) for step in getattr(rule, "steps", ())]
    return {
        "rule": rule.id,
        "kind": "off" if is_off else KINDS[type(rule)],
        "severity": [] if isinstance(rule, OffRule) else steps or [str(rule.severity)],
        "told": [] if isinstance(rule, OffRule) else sorted(rule.audience),
        "water_points": sorted(rule.scope.water_points),
        "replaces": rule.scope.replaces,
    }


def _explained(directory: SnapshotDirectory, point: str | None) -> Iterator[dict[str, Any]]:
    if point is None:
        there: Sequence[AnyRule] = list(directory.rules().values())
        refused: dict[str, str] = {}
        unproven: dict[str, tuple[str, ...]] = {}
    else:
        placed = directory.placed(point)
        there, refused, unproven = placed.rules, placed.refused, placed.unproven
    for rule in there:
        if isinstance(rule, OffRule):
            continue
        said = explain(rule)
        yield {
            "rule": rule.id,
            "judged": True,
            "fires": list(said.fires),
            "clears": said.clears,
            "told": said.told,
            "unproven": list(unproven.get(rule.id, ())),
        }
    for name, why in refused.items():
        yield {"rule": name, "judged": False, "why": why}


def _learned(directory: SnapshotDirectory, ledger: Ledger, point: str) -> dict[str, float]:
    """How much of what is usual each device at a water point has learnt, from 0 to 1; as last saved."""
    if not any(isinstance(rule, EventRule) for rule in directory.placed(point).rules):
        return {}
    devices = directory.registry.devices_by_water_point().get(point, ())
    saved = ledger.detectors([(point, device) for device in devices])
    return {device: _share(saved.get((point, device))) for device in sorted(devices)}


def _share(saved: bytes | None) -> float:
    try:
        return 0.0 if saved is None else round(Detector.restore(saved).learned, 3)
    except ValueError:
        return 0.0


def _said(row: dict[str, Any]) -> str:
    if not row["judged"]:
        return f"{row['rule']}: not judged: {row['why']}"
    lines = [
        f"{row['rule']}",
        *(f"  {fires}" for fires in row["fires"]),
        f"  {row['clears']}",
        f"  {row['told']}",
    ]
    return "\n".join([*lines, *(f"  not judged there: {why}" for why in row["unproven"])])
