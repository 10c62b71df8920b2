"""`tskaro store verify`: a folder, another store, or the books, against what the store holds."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from server.clock import SystemClock
from server.composing import open_database
from server.ingest.books import Books
from server.saying import AsJson, SettingsPath, refusals, say
from server.settings import DEFAULT_PATH, load_settings
from server.store.archive.comparing import Comparison, Fate
from server.store.archive.package import read_package
from server.store.archive.unpacking import check_package, compare_stores, compare_with
from server.store_books import not_there
from server.store_saying import bar, leave, opened, rows_in, tell
from waterquality.errors import ConfigError
from waterquality.readings import to_ms

_DAYS_SHOWN = 20


def verify(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="The folder of a backup or export.")
    ] = None,
    settings: SettingsPath = DEFAULT_PATH,
    files_only: Annotated[bool, typer.Option(help="Look at the folder, and at no store.")] = False,
    against: Annotated[
        Path | None, typer.Option(metavar="SETTINGS", help="The settings of another server, to compare with.")
    ] = None,
    books: Annotated[bool, typer.Option(help="See that what the books call stored is in the store.")] = False,
    as_json: AsJson = False,
) -> None:
    """Hold a folder, or two stores, against one another. Files, checksums and every row."""
    with refusals():
        if [folder is None, against is None, not books].count(False) != 1:
            raise ConfigError("say a FOLDER, or --against the settings of another server, or --books")
        if books:
            _verify_books(settings, as_json=as_json)
            return
        if folder is not None and files_only:
            compared = _verified_files(folder)
        elif folder is not None:
            _verified_files(folder)
            compared = _verified_store(folder, settings)
        else:
            assert against is not None
            compared = _verified_stores(settings, against)
    _say_compared(compared, as_json=as_json)
    leave(is_well=compared.holds_all and (folder is not None or not compared.counts[Fate.ADDED]))


def _verified_files(folder: Path) -> Comparison:
    package = read_package(folder)
    with bar("reading the files", package.whole.rows) as told:
        check_package(folder, package, told=told)
    sound = Comparison()
    sound.counts[Fate.SAME] = package.whole.rows
    return sound


def _verified_store(folder: Path, settings: Path) -> Comparison:
    package = read_package(folder)
    with opened(settings) as kept, bar("reading the store", package.whole.rows) as told:
        return compare_with(folder, package, kept, told=told)


def _verified_stores(settings: Path, against: Path) -> Comparison:
    with (
        opened(settings) as found,
        opened(against) as wanted,
        bar("reading both stores", rows_in(wanted)) as told,
    ):
        return compare_stores(wanted, found, told=told)


def _verify_books(settings: Path, *, as_json: bool) -> None:
    loaded = load_settings(settings)
    kept_since_ms = to_ms(SystemClock().now() - timedelta(days=loaded.store.keep_days))
    database = open_database(loaded)
    with opened(settings) as kept, bar("reading the store", rows_in(kept)) as told:
        missing = not_there(Books(database), kept, kept_since_ms=kept_since_ms, told=told)
    database.close()
    rows = [
        {"device": device, "epoch": epoch, "not_there": len(numbers), "spans": numbers.spans}
        for (device, epoch), numbers in sorted(missing.items())
    ]
    lines = [
        f"{row['device']} epoch {row['epoch']}: {row['not_there']} booked as stored, not there"
        for row in rows
    ]
    tell({"missing": rows}, "\n".join(lines) or "all that the books call stored is there", as_json=as_json)
    leave(is_well=not rows)


def _say_compared(compared: Comparison, *, as_json: bool) -> None:
    days = [
        {"device": device, "day": day, "fate": str(fate), "rows": rows}
        for (device, day, fate), rows in sorted(compared.days.items())
    ]
    counts = {str(fate): compared.counts[fate] for fate in Fate}
    hours = {str(fate): compared.hours[fate] for fate in Fate}
    text = ", ".join(f"{rows} {fate}" for fate, rows in counts.items())
    if compared.hours:
        text += "; hours whose readings are deleted: "
        text += ", ".join(f"{rows} {fate}" for fate, rows in hours.items())
    tell(counts | {"days": days, "rolled_hours": hours}, text, as_json=as_json)
    if not as_json:
        for day in days[:_DAYS_SHOWN]:
            say(f"  {day['device']} {day['day']}: {day['rows']} {day['fate']}")
        if len(days) > _DAYS_SHOWN:
            say(f"  and {len(days) - _DAYS_SHOWN} more; --json names all")
