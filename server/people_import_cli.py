"""`tskaro people import`: a list of people from a spreadsheet, with what to do about each bad row."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import track
from rich.table import Table

from server.clock import SystemClock
from server.composing import open_database
from server.database.engine import Database
from server.registry.people_import import Fate, Report, import_people
from server.registry.people_sheet import Sheet, SheetRow, read_sheet, write_bad_rows
from server.saying import AsJson, SettingsPath, err, out, refusals, say
from server.settings import DEFAULT_PATH, load_settings
from waterquality.errors import ConfigError

_MANY_ROWS = 200
WordingFile = Annotated[
    Path | None,
    typer.Option("--wording-file", help="What people agreed to whose row has a day and no wording."),
]


def import_(
    file: Annotated[Path, typer.Argument(help="A list of people: CSV, as a spreadsheet saves it.")],
    check: Annotated[bool, typer.Option("--check", help="Only look; take nothing in.")] = False,
    bad_rows: Annotated[
        Path | None, typer.Option("--bad-rows", help="Where bad rows go; left out, FILE.bad.csv.")
    ] = None,
    wording_file: WordingFile = None,
    settings: SettingsPath = DEFAULT_PATH,
    as_json: AsJson = False,
) -> None:
    """Take a list of people in. Good rows go in; bad ones go to a file to be mended.

    Ends with code 1 if there are bad rows. The same list again changes nothing.
    """
    with refusals():
        sheet, wording = read_sheet(file), wording_of("", wording_file)
        database = open_database(load_settings(settings))
        report = _imported(database, sheet, wording, SystemClock().now(), only_checked=check)
        database.close()
        beside = bad_rows or file.with_suffix(".bad.csv")
        if report.bad and not check:
            write_bad_rows(beside, sheet, report.problems())
    if as_json:
        typer.echo(json.dumps(_plain(report, None if check else beside), ensure_ascii=False))
    else:
        _print(report, None if check else beside)
    if report.bad:
        raise typer.Exit(1)


def wording_of(wording: str, file: Path | None) -> str:
    """What people agreed to, word for word: as typed, or what a file holds.

    Raises:
        ConfigError: the file cannot be read; mended by the operator.
    """
    if file is None:
        return wording
    if wording:
        raise ConfigError("give --wording or --wording-file, and not both")
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: its letters cannot be read; save it as UTF-8") from error


def _imported(database: Database, sheet: Sheet, wording: str, now: datetime, *, only_checked: bool) -> Report:
    with database.writing() as connection:
        report = import_people(connection, sheet, wording=wording, now=now, progress=_shown(sheet))
        if only_checked:
            connection.rollback()
    return report


def _shown(sheet: Sheet) -> Callable[[Iterable[SheetRow]], Iterable[SheetRow]]:
    """A bar for long lists."""
    if len(sheet.rows) < _MANY_ROWS:
        return lambda rows: rows
    return lambda rows: track(rows, "people", total=len(sheet.rows), console=err, transient=True)


def _plain(report: Report, bad_rows: Path | None) -> dict[str, Any]:
    return {
        **{str(fate): report.count(fate) for fate in Fate},
        "bad_rows": [asdict(told) for told in report.bad],
        "remarks": [asdict(told) for told in report.remarks],
        "bad_rows_file": str(bad_rows) if bad_rows and report.bad else None,
    }


def _print(report: Report, bad_rows: Path | None) -> None:
    for title, all_told in (("what to do", report.bad), ("good to know", report.remarks)):
        if all_told:
            table = Table("row", "column", title)
            for told in all_told:
                table.add_row(str(told.row), told.column, told.what)
            out.print(table, markup=False)
    say(", ".join(f"{fate}: {report.count(fate)}" for fate in Fate))
    if bad_rows is None:
        say("nothing was taken in: --check only looks")
    elif report.bad:
        say(f"the bad rows are in {bad_rows}: mend them there, and import that file")
