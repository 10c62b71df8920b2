"""What the commands of `tskaro store` have in common: the store, a bar, and how they end."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from server.composing import plain_store
from server.saying import err, say
from server.settings import load_settings
from server.store.archive.packing import Choice
from server.store.influx import InfluxReadingStore
from server.store.port import ReadingStore
from server.store.sqlite import SqliteReadingStore
from waterquality.readings import from_ms

DIFFERENT = 1


def tell(told: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """What came of it: for a script or for a person."""
    if as_json:
        typer.echo(json.dumps(told))
    else:
        say(text)


def leave(*, is_well: bool) -> None:
    """Exit with 1 where something differs."""
    if not is_well:
        raise typer.Exit(DIFFERENT)


@contextmanager
def opened(settings: Path) -> Iterator[SqliteReadingStore | InfluxReadingStore]:
    """The store of a server, prepared."""
    kept = plain_store(load_settings(settings).store)
    kept.prepare()
    try:
        yield kept
    finally:
        kept.close()


@contextmanager
def bar(doing: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar that shows how far it is; what it yields is told the rows that are done."""
    columns: Sequence[Any] = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(doing, total=total)
        yield lambda rows: progress.advance(task, rows)


def rows_in(kept: ReadingStore, choice: Choice | None = None) -> int:
    """How many rows a store holds, or of some choice."""
    since_ms, until_ms = (choice or Choice()).span(kept.extent())
    return kept.count(since=from_ms(since_ms), until=from_ms(until_ms - 1)) if since_ms < until_ms else 0
