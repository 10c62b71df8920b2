"""`tskaro store backup`, `restore`, `export`, `import` and `verify`: readings into folders and out of them.

`tskaro store init`, `check` and `compact` are beside them, in `server.store_setup_cli`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from server.clock import SystemClock
from server.composing import reading_store
from server.saying import AsJson, SettingsPath, err, refusals, say
from server.settings import DEFAULT_PATH, load_settings
from server.store.archive.comparing import Comparison, Fate
from server.store.archive.package import NO_LICENCE, Package, PackageBroken, read_package
from server.store.archive.packing import Choice, Label, pack_readings
from server.store.archive.unpacking import (
    Unpacked,
    check_package,
    compare_stores,
    compare_with,
    unpack_readings,
)
from server.store.port import ReadingStore
from waterquality.errors import ConfigError, LinkError
from waterquality.readings import from_ms, to_ms

store = typer.Typer(no_args_is_help=True, help="The store of readings: set up, check, back up, restore.")
_DIFFERENT = 1
_DAYS_SHOWN = 20
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of the package.")]
Licence = Annotated[str, typer.Option("--licence", help="The licence of the readings, e.g. CC-BY-4.0.")]


@store.command()
def backup(
    folder: Folder, settings: SettingsPath = DEFAULT_PATH, licence: Licence = "", as_json: AsJson = False
) -> None:
    """Write every reading into a folder. The server may run; a backup that broke off is done again."""
    _pack(folder, settings, Choice(), licence, as_json=as_json)


@store.command()
def export(
    folder: Folder,
    settings: SettingsPath = DEFAULT_PATH,
    since: Annotated[str, typer.Option(help="Taken from then on: 2026-11-01, or with a time and zone.")] = "",
    until: Annotated[str, typer.Option(help="Taken before then.")] = "",
    water_point: Annotated[list[str] | None, typer.Option(help="Of this one; may be said again.")] = None,
    licence: Licence = "",
    as_json: AsJson = False,
) -> None:
    """Write chosen readings into a folder. CSV files with a description, for anybody to read."""
    with refusals():
        choice = Choice(
            since_ms=_instant_ms(since),
            until_ms=_instant_ms(until),
            water_points=frozenset(water_point or ()),
        )
    _pack(folder, settings, choice, licence, as_json=as_json)


@store.command()
def restore(folder: Folder, settings: SettingsPath = DEFAULT_PATH, as_json: AsJson = False) -> None:
    """Bring a backup into an empty store. It sees that all is there; one that broke off goes on."""
    with refusals(), _opened(settings) as kept:
        package = _whole(folder)
        _refuse_other_readings(folder, package, kept)
        with _bar("restoring", package.whole.rows) as told:
            done = unpack_readings(folder, package, kept, told=told)
        with _bar("verifying", package.whole.rows) as told:
            compared = compare_with(folder, package, kept, told=told)
    _say_unpacked(done, as_json=as_json, compared=compared)
    _exit(is_well=compared.holds_all)


@store.command("import")
def import_(
    folder: Folder,
    settings: SettingsPath = DEFAULT_PATH,
    replace: Annotated[bool, typer.Option(help="Replace readings that the store has otherwise.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add a package to what a store holds. What is there stays as it is."""
    with refusals(), _opened(settings) as kept:
        package = read_package(folder)
        with _bar("importing", package.whole.rows) as told:
            done = unpack_readings(folder, package, kept, replace=replace, told=told)
    _say_unpacked(done, as_json=as_json)
    _exit(is_well=not done.refused)


@store.command()
def verify(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="The folder of a backup or export.")
    ] = None,
    settings: SettingsPath = DEFAULT_PATH,
    files_only: Annotated[bool, typer.Option(help="Look at the folder, and at no store.")] = False,
    against: Annotated[
        Path | None, typer.Option(metavar="SETTINGS", help="The settings of another server, to compare with.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold a folder, or two stores, against one another. Files, checksums and every row."""
    with refusals():
        if (folder is None) == (against is None):
            raise ConfigError("say either a FOLDER or --against the settings of another server")
        if folder is not None and files_only:
            compared = _verified_files(folder)
        elif folder is not None:
            _verified_files(folder)
            compared = _verified_store(folder, settings)
        else:
            assert against is not None
            compared = _verified_stores(settings, against)
    _say_compared(compared, as_json=as_json)
    _exit(is_well=compared.holds_all and (folder is not None or not compared.counts[Fate.ADDED]))


def _pack(folder: Path, settings: Path, choice: Choice, licence: str, *, as_json: bool) -> None:
    with refusals(), _opened(settings) as kept:
        total = _rows_in(kept, choice)
        label = Label(
            store=type(kept).__name__.removesuffix("ReadingStore").lower(), title=_TITLE, licence=licence
        )
        with _bar("packing", total) as told, _disk(folder):
            package = pack_readings(
                kept, folder, choice=choice, label=label, now=SystemClock().now(), told=told
            )
    made = {
        "folder": str(folder),
        "rows": package.whole.rows,
        "checksum": package.whole.checksum,
        "files": len(package.resources),
        "bytes": sum(resource.size for resource in package.resources),
        "is_whole": package.whole.is_whole,
        "licence": licence or NO_LICENCE,
    }
    _say(
        made,
        f"{folder}: {made['rows']} readings in {made['files']} files, checksum {made['checksum']}",
        as_json,
    )


_TITLE = "Readings of drinking water, by water point and month"


def _rows_in(kept: ReadingStore, choice: Choice) -> int:
    since_ms, until_ms = choice.span(kept.extent())
    return kept.count(since=from_ms(since_ms), until=from_ms(until_ms - 1)) if since_ms < until_ms else 0


def _whole(folder: Path) -> Package:
    package = read_package(folder)
    if not package.whole.is_whole:
        raise PackageBroken(f"{folder} is an export of a part: `tskaro store import` brings it in")
    return package


def _refuse_other_readings(folder: Path, package: Package, kept: ReadingStore) -> None:
    """A restore goes into an empty store, or into one that holds a part of the same backup."""
    extent = kept.extent()
    if extent is None:
        return
    compared = compare_with(folder, package, kept)
    same = compared.counts[Fate.SAME]
    held = kept.count(since=from_ms(extent[0]), until=from_ms(extent[1]))
    if held != same:
        raise ConfigError(
            f"the store holds {held - same} readings that this backup has not, or has otherwise: restore into an "
            "empty store, or bring the backup in beside them with `tskaro store import`"
        )


def _verified_files(folder: Path) -> Comparison:
    package = read_package(folder)
    with _bar("reading the files", package.whole.rows) as told:
        check_package(folder, package, told=told)
    sound = Comparison()
    sound.counts[Fate.SAME] = package.whole.rows
    return sound


def _verified_store(folder: Path, settings: Path) -> Comparison:
    package = read_package(folder)
    with _opened(settings) as kept, _bar("reading the store", package.whole.rows) as told:
        return compare_with(folder, package, kept, told=told)


def _verified_stores(settings: Path, against: Path) -> Comparison:
    with (
        _opened(settings) as found,
        _opened(against) as wanted,
        _bar("reading both stores", _rows_in(wanted, Choice())) as told,
    ):
        return compare_stores(wanted, found, told=told)


def _say_unpacked(done: Unpacked, *, as_json: bool, compared: Comparison | None = None) -> None:
    told: dict[str, Any] = {
        "written": done.written,
        "there_already": done.before.counts[Fate.SAME],
        "there_otherwise": done.before.counts[Fate.CHANGED],
        "refused": dict(done.refused),
    }
    if compared is not None:
        told["verified"] = compared.holds_all
    text = f"{told['written']} readings written, {told['there_already']} were there already"
    if told["there_otherwise"]:
        text += f", {told['there_otherwise']} are there otherwise"
    _say(told, text, as_json)
    for reason, count in done.refused.items():
        err.print(f"{count} refused by the store: {reason}", style="red", markup=False, highlight=False)


def _say_compared(compared: Comparison, *, as_json: bool) -> None:
    days = [
        {"device": device, "day": day, "fate": str(fate), "rows": rows}
        for (device, day, fate), rows in sorted(compared.days.items())
    ]
    counts = {str(fate): compared.counts[fate] for fate in Fate}
    _say(counts | {"days": days}, ", ".join(f"{rows} {fate}" for fate, rows in counts.items()), as_json)
    if not as_json:
        for day in days[:_DAYS_SHOWN]:
            say(f"  {day['device']} {day['day']}: {day['rows']} {day['fate']}")
        if len(days) > _DAYS_SHOWN:
            say(f"  and {len(days) - _DAYS_SHOWN} more; --json names all")


def _say(told: Mapping[str, Any], text: str, as_json: bool) -> None:  # noqa: FBT001 - the option's own form
    if as_json:
        typer.echo(json.dumps(told))
    else:
        say(text)


def _exit(*, is_well: bool) -> None:
    if not is_well:
        raise typer.Exit(_DIFFERENT)


def _instant_ms(text: str) -> int | None:
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"{text!r} is no time: say it like 2026-11-01 or 2026-11-01T06:00:00+04:00"
        ) from None
    return to_ms(instant if instant.tzinfo else instant.replace(tzinfo=UTC))


@contextmanager
def _opened(settings: Path) -> Iterator[ReadingStore]:
    kept = reading_store(load_settings(settings).store)
    kept.prepare()
    try:
        yield kept
    finally:
        kept.close()


@contextmanager
def _bar(doing: str, total: int) -> Iterator[Callable[[int], None]]:
    columns: Sequence[Any] = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(doing, total=total)
        yield lambda rows: progress.advance(task, rows)


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except LinkError:
        raise
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written: {error.strerror or error}; mend it and do it again"
        ) from error
