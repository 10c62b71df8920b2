"""`tskaro store backup`, `restore`, `export` and `import`: readings into folders and out of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from server.clock import SystemClock
from server.saying import AsJson, SettingsPath, err, refusals
from server.settings import DEFAULT_PATH
from server.store.archive.comparing import Comparison, Fate
from server.store.archive.package import NO_LICENCE, Package, PackageBroken, read_package
from server.store.archive.packing import Choice, Label, pack_readings
from server.store.archive.unpacking import Unpacked, compare_with, unpack_readings
from server.store.port import ReadingStore
from server.store_saying import bar, leave, opened, rows_in, tell
from server.store_setup_cli import check, compact, init
from server.store_verify_cli import verify
from waterquality.errors import ConfigError, LinkError
from waterquality.readings import from_ms, to_ms

store = typer.Typer(no_args_is_help=True, help="The store of readings: set up, check, back up, restore.")
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of the package.")]
for command in (init, check, compact, verify):
    store.command()(command)
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
    with refusals(), opened(settings) as kept:
        package = _whole(folder)
        _refuse_other_readings(folder, package, kept)
        with bar("restoring", package.whole.rows) as told:
            done = unpack_readings(folder, package, kept, told=told)
        with bar("verifying", package.whole.rows) as told:
            compared = compare_with(folder, package, kept, told=told)
    _say_unpacked(done, as_json=as_json, compared=compared)
    leave(is_well=compared.holds_all)


@store.command("import")
def import_(
    folder: Folder,
    settings: SettingsPath = DEFAULT_PATH,
    replace: Annotated[bool, typer.Option(help="Replace readings that the store has otherwise.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add a package to what a store holds. What is there stays as it is."""
    with refusals(), opened(settings) as kept:
        package = read_package(folder)
        with bar("importing", package.whole.rows) as told:
            done = unpack_readings(folder, package, kept, replace=replace, told=told)
    _say_unpacked(done, as_json=as_json)
    leave(is_well=not done.refused and not done.hours.left_out)


def _pack(folder: Path, settings: Path, choice: Choice, licence: str, *, as_json: bool) -> None:
    with refusals(), opened(settings) as kept:
        total = rows_in(kept, choice)
        label = Label(
            store=type(kept).__name__.removesuffix("ReadingStore").lower(), title=_TITLE, licence=licence
        )
        with bar("packing", total) as told, _disk(folder):
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
        "rolled_hours": sum(file.facts.hours for file in package.hours),
        "licence": licence or NO_LICENCE,
    }
    tell(
        made,
        f"{folder}: {made['rows']} readings in {made['files']} files, checksum {made['checksum']}",
        as_json=as_json,
    )


_TITLE = "Readings of drinking water, by water point and month"


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


def _say_unpacked(done: Unpacked, *, as_json: bool, compared: Comparison | None = None) -> None:
    told: dict[str, Any] = {
        "written": done.written,
        "there_already": done.before.counts[Fate.SAME],
        "there_otherwise": done.before.counts[Fate.CHANGED],
        "refused": dict(done.refused),
        "rolled_hours_written": done.hours.written,
        "rolled_hours_left_out": done.hours.left_out,
    }
    if compared is not None:
        told["verified"] = compared.holds_all
    text = f"{told['written']} readings written, {told['there_already']} were there already"
    if told["there_otherwise"]:
        text += f", {told['there_otherwise']} are there otherwise"
    if done.hours.written:
        text += f"; {done.hours.written} hours whose readings are deleted"
    tell(told, text, as_json=as_json)
    if done.hours.left_out:
        err.print(f"{done.hours.left_out} hours {_LEFT_OUT}", style="red")
    for reason, count in done.refused.items():
        err.print(f"{count} refused by the store: {reason}", style="red", markup=False, highlight=False)


_LEFT_OUT = "were left out: the store has readings as old, and works such hours out itself"


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
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except LinkError:
        raise
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written: {error.strerror or error}; mend it and do it again"
        ) from error
