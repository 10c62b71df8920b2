"""`tskaro-demo`: the whole system on this machine, with simulated or with recorded water."""

import json
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from alerts.lifecycle import Phase
from alerts.ports import Change, Lane
from alerts.recipient import TBILISI
from demo import options as written
from demo import replay as replaying
from demo.clocks import real_now
from demo.columns import parse_mapping
from demo.recorded import BadRow, open_recording
from demo.show import Listeners, Show, ShowOptions
from demo.tally import Tally
from firmware_config.logs import set_up_logs
from server.database.engine import Database
from waterquality.errors import ConfigError, MonitoringError

app = typer.Typer(help="Tskaro on one machine: devices, broker, server, pages and a phone on the screen.")
_NAMED_BAD_ROWS = 20
_COLOURS = {Phase.FIRING: "red", Phase.UNKNOWN: "magenta", Phase.RESOLVED: "green", Phase.PENDING: "yellow"}


@app.callback(invoke_without_command=True)
def demo(
    context: typer.Context,
    seconds: Annotated[
        float | None, typer.Option("--for", min=1, help="Stop after so many real seconds.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the figures as a last line of JSON.")
    ] = False,
    factor: Annotated[
        float, typer.Option(min=1, max=600, help="Seconds of the demo in one real second.")
    ] = 60,
    seed: Annotated[int, typer.Option(help="The same seed gives the same water.")] = 1,
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, help="Port of the pages; 0, or one that is taken, gives any free one."
        ),
    ] = 8000,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the log of every part.")] = False,
) -> None:
    """Seven villages with simulated water: mud, acid, a stuck probe and a device that falls silent."""
    if context.invoked_subcommand is not None:
        return
    out = _console(as_json)
    set_up_logs(level="info" if verbose else "critical", as_json=False)
    with _temporary() as folder, _told_to_stop() as stop:
        options = ShowOptions(
            folder=folder,
            start=real_now().replace(microsecond=0),
            factor=factor,
            seed=seed,
            port=0 if as_json else port,
        )
        tally = _run_show(options, out, stop, seconds)
    _report(tally.as_json(), out, as_json=as_json)
    if seconds is not None and not _is_good(tally):
        raise typer.Exit(1)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="A CSV file, plain or gzipped.")],
    time_column: Annotated[str, typer.Option("--time", help="Name of the column that holds the time.")],
    mapping: Annotated[
        list[str], typer.Option("--map", help="PARAMETER=COLUMN:UNIT, e.g. turbidity=Trueb:NTU; repeatable.")
    ],
    speed: Annotated[str, typer.Option(help="Seconds of the record in one real second, or max.")] = "max",
    keep_time: Annotated[bool, typer.Option("--keep-time", help="Keep the rows' own time.")] = False,
    tz: Annotated[str, typer.Option(help="Zone of times that name none, e.g. Etc/GMT+7.")] = "",
    missing: Annotated[str, typer.Option(help="Words for no value, comma-separated.")] = "NULL,-9999",
    broker: Annotated[str, typer.Option(help="HOST:PORT of an MQTT broker; empty starts one inside.")] = "",
    store: Annotated[
        str,
        typer.Option(
            help=r"http://\[user:password@]HOST:PORT/DATABASE for InfluxDB, or a file; empty for a temporary one."
        ),
    ] = "",
    database: Annotated[
        str, typer.Option(help="SQLAlchemy URL of the ledger; empty for a temporary one.")
    ] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the figures as a last line of JSON.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the log of every part.")] = False,
) -> None:
    """Drive a real agent with a recorded series, through broker, ingest, watch, store and notifier."""
    out = _console(as_json)
    set_up_logs(level="info" if verbose else "critical", as_json=False)
    with _temporary() as folder, _told_to_stop() as stop, _refusals(out):
        recording = open_recording(
            file,
            time_column=time_column,
            mappings=[parse_mapping(one) for one in mapping],
            tz=written.zone(tz),
            missing=frozenset(word.strip() for word in missing.split(",") if word.strip()),
        )
        speed_factor, address = written.speed(speed), written.broker(broker)
        readings = written.store(store, folder)
        with out.status("reading the file once, to know how long it is"):
            span = recording.span()
        options = replaying.ReplayOptions(
            recording=recording,
            span=span,
            folder=folder,
            keeps_time=keep_time,
            speed=speed_factor,
            broker=address,
            store=readings,
            database=Database(database or f"sqlite:///{folder / 'tskaro.db'}"),
        )
        out.print(f"{span.rows} rows from {span.first:%Y-%m-%d %H:%M} to {span.last:%Y-%m-%d %H:%M} UTC")
        result = _run_replay(options, out, stop)
        readings.close()
    _report(result.as_json(), out, as_json=as_json)
    if result.tally.lost:
        raise typer.Exit(1)


def _run_show(options: ShowOptions, out: Console, stop: threading.Event, seconds: float | None) -> Tally:
    show = Show(options, Listeners(changed=lambda changes: _say_changes(changes, out), texted=_teller(out)))
    with out.status("recording yesterday, starting broker, server and seven devices"):
        remembered = show.start()
    if options.port and f":{options.port}/" not in show.url:
        out.print(
            f"port {options.port} is taken; the pages are here instead:", style="yellow", highlight=False
        )
    out.print(f"[bold]{show.url}[/bold]  time runs {options.factor:g} times as fast; Ctrl-C stops")
    out.print(f"seven devices bring {remembered} observations of the last day along", soft_wrap=True)
    stop.wait(seconds)
    with out.status("stopping"):
        return show.stop()


def _run_replay(options: replaying.ReplayOptions, out: Console, stop: threading.Event) -> replaying.Replayed:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    named = 0

    def refuse(row: BadRow) -> None:
        nonlocal named
        named += 1
        if named <= _NAMED_BAD_ROWS:
            out.print(f"line {row.line}: {row.reason}", style="yellow", highlight=False, markup=False)

    with Progress(*columns, console=out, transient=True) as progress:
        task = progress.add_task("replaying", total=options.span.rows)

        def progressed(rows: int, at: datetime) -> None:
            progress.update(task, completed=rows, description=f"{at:%Y-%m-%d %H:%M}")

        listeners = replaying.Listeners(
            changed=lambda changes: _say_changes(changes, out),
            texted=_teller(out),
            refused=refuse,
            progressed=progressed,
        )
        return replaying.Replay(options, listeners).run(stop)


def _say_changes(changes: Sequence[Change], out: Console) -> None:
    for change in changes:
        transition = change.transition
        late = " (found in late data)" if change.key.lane is Lane.LATE else ""
        colour = _COLOURS.get(transition.after, "white")
        out.print(
            f"{transition.at.astimezone(TBILISI):%d.%m %H:%M} [{colour}]{transition.after:>10}[/{colour}]"
            f"  {change.key.water_point}  {change.key.rule}: {transition.reason}{late}",
            highlight=False,
            soft_wrap=True,
        )


def _teller(out: Console) -> Callable[[str, str], None]:
    def tell(address: str, body: str) -> None:
        out.print(f"            [cyan]SMS[/cyan]  {address}  {body}", highlight=False, soft_wrap=True)

    return tell


def _is_good(tally: Tally) -> bool:
    return tally.lost == 0 and tally.alerts_fired > 0 and tally.sms_delivered > 0


def _report(figures: dict[str, object], out: Console, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(figures))
        return
    for name, value in figures.items():
        out.print(f"{name.replace('_', ' '):>24}  {value}", highlight=False)


def _console(as_json: bool) -> Console:  # noqa: FBT001 - the option itself
    """Where people read; JSON has standard output for itself."""
    return Console(stderr=as_json)


@contextmanager
def _temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tskaro-demo-") as folder:
        yield Path(folder)


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """Set by Ctrl-C and SIGTERM; a second Ctrl-C does not wait."""
    stop = threading.Event()

    def told(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, told) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _refusals(out: Console) -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        out.print(str(error), style="red", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(ConfigError.EXIT_CODE) from error
    except MonitoringError as error:
        out.print(str(error), style="red", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
