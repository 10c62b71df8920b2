"""`tskaro`: the server, and what an administrator types."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from firmware_config.logs import set_up_logs
from server.advisory_cli import advisory
from server.alert_cli import alert, silence
from server.authority_cli import authority
from server.broker_cli import broker as broker_cli
from server.card_cli import card
from server.clock import SystemClock
from server.composing import broker, inbox, open_database, surroundings, transport
from server.custody_cli import completeness, quarantine
from server.drill_cli import drill
from server.handing_in import hand_in
from server.heap import collect_seldom
from server.lab_cli import lab
from server.memory_cli import memory, moved
from server.people_cli import people
from server.processes import Ingest, LiveFeed, Notify, Remote, Surroundings
from server.registry.file import load_registry, read_registry_file
from server.remote_cli import device
from server.rules_cli import rules, water_point
from server.saying import SettingsPath, out, refusals
from server.screening_cli import screening
from server.settings import DEFAULT_PATH, ServerSettings, TransportKind, load_settings
from server.sms_cli import sms
from server.store_cli import store
from server.telemetry.composing import telling
from server.telemetry.listener import Process
from server.update_cli import update
from server.web.app import create_app
from server.web.live import LiveHub
from server.web.settings import WebSettings
from waterquality.errors import LinkError
from waterquality.readings import to_ms

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,  # rich's boxes cut names of options at 80 columns
    help="Tskaro: watches drinking water and tells the people who must act.",
)
registry = typer.Typer(no_args_is_help=True, help="Water points, devices and people.")
app.add_typer(registry, name="registry")
app.add_typer(completeness, name="completeness")
app.add_typer(quarantine, name="quarantine")
app.add_typer(screening, name="screening")
app.add_typer(rules, name="rules")
app.add_typer(water_point, name="water-point")
device.command()(card)
device.command()(moved)
app.command()(memory)
app.add_typer(device)
app.add_typer(authority)
app.add_typer(broker_cli)
app.add_typer(update, name="update")
app.add_typer(store, name="store")
app.add_typer(advisory, name="advisory")
app.add_typer(lab, name="lab")
app.add_typer(sms, name="sms")
app.add_typer(drill, name="drill")
app.add_typer(people, name="people")
app.add_typer(alert, name="alert")
app.add_typer(silence, name="silence")


@app.command()
def serve(settings: SettingsPath = DEFAULT_PATH) -> None:
    """Run everything in one process: ingest, notifier and pages."""
    with _started(settings) as (loaded, around, stop):
        notify = Notify(
            around, transport(loaded.notify, around.database, around.clock), inbox=inbox(loaded.notify)
        )
        ingest = Ingest(around, changed=lambda _: notify.nudge())
        parts = (ingest, Remote(around, ingest.shards), notify)
        starts, stops = tuple(part.start for part in parts), tuple(part.stop for part in parts)
        feed = LiveFeed(around.broker, LiveHub())
        collect_seldom()
        with telling(Process.SERVE, loaded.metrics, around, *parts, feed):
            _run(stop, starts, stops, pages=(loaded, around, feed))


@app.command()
def ingest(settings: SettingsPath = DEFAULT_PATH) -> None:
    """Take readings in, judge them and keep them. Carry to devices what they are told."""
    with _started(settings) as (loaded, around, stop):
        ingest = Ingest(around)
        remote = Remote(around, ingest.shards)
        collect_seldom()
        with telling(Process.INGEST, loaded.metrics, around, ingest, remote):
            _run(stop, (ingest.start, remote.start), (ingest.stop, remote.stop))


@app.command()
def notify(settings: SettingsPath = DEFAULT_PATH) -> None:
    """Send the texts that are owed."""
    with _started(settings) as (loaded, around, stop):
        process = Notify(
            around, transport(loaded.notify, around.database, around.clock), inbox=inbox(loaded.notify)
        )
        with telling(Process.NOTIFY, loaded.metrics, around, process):
            _run(stop, (process.start,), (process.stop,))


@app.command()
def web(settings: SettingsPath = DEFAULT_PATH) -> None:
    """Serve the pages and the API."""
    with _started(settings) as (loaded, around, stop):
        feed = LiveFeed(around.broker, LiveHub())
        with telling(Process.WEB, loaded.metrics, around, feed):
            _run(stop, (), (), pages=(loaded, around, feed))


@registry.command("load")
def registry_load(
    file: Annotated[Path, typer.Argument(help="A registry file (TOML).")],
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Register what a file holds; loading it again changes nothing."""
    with refusals():
        contents = read_registry_file(file)
        load_registry(contents, open_database(load_settings(settings)), to_ms(SystemClock().now()))
    out.print(
        f"water points: {len(contents.water_point)}, devices: {len(contents.device)}, "
        f"people: {len(contents.person)}, rules: {len(contents.rule)}, screening: {len(contents.screening)}"
    )


@app.command()
def intake(
    paths: Annotated[
        list[Path], typer.Argument(help="Files that devices put on a stick, or the stick itself.")
    ],
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Take in what devices put on a stick. It goes through the running ingest; receipts are written back."""
    with refusals():
        loaded = load_settings(settings)
        is_well = hand_in(paths, database=open_database(loaded), broker=broker(loaded.mqtt), out=out)
    if not is_well:
        raise typer.Exit(1)


def _run(
    stop: threading.Event,
    start: tuple[Callable[[], object], ...],
    end: tuple[Callable[[], None], ...],
    *,
    pages: tuple[ServerSettings, Surroundings, LiveFeed] | None = None,
) -> None:
    """Start parts, serve pages if there are any, wait until told to stop, stop the parts in turn."""
    for begin in start:
        begin()
    try:
        if pages is not None:
            _serve_pages(*pages, stop)
        else:
            stop.wait()
    finally:
        for finish in end:
            finish()


def _serve_pages(
    settings: ServerSettings, around: Surroundings, feed: LiveFeed, stop: threading.Event
) -> None:
    pages = create_app(
        database=around.database,
        store=around.store,
        live=feed.hub,
        now=around.clock.now,
        settings=WebSettings(
            has_phone=settings.notify.transport is TransportKind.PHONE,
            tile_url=settings.web.tile_url,
            public_url=settings.web.public_url,
        ),
    )
    server = uvicorn.Server(
        uvicorn.Config(
            pages,
            host=settings.web.host,
            port=settings.web.port,
            log_level="warning",
            timeout_graceful_shutdown=5,
        )
    )
    thread = threading.Thread(target=server.run, name="web", daemon=True)
    feed.start()
    thread.start()
    while not stop.wait(0.2) and thread.is_alive():
        pass
    feed.hub.close()
    server.should_exit = True
    thread.join(timeout=10)
    feed.stop()
    if not stop.is_set():
        raise LinkError(
            f"the pages cannot be served at {settings.web.host}:{settings.web.port} (web.host, web.port)"
        )


@contextmanager
def _started(path: Path) -> Iterator[tuple[ServerSettings, Surroundings, threading.Event]]:
    """Settings, surroundings, and an event that SIGTERM and SIGINT set."""
    with refusals():
        settings = load_settings(path)
        set_up_logs(level=settings.log.level, as_json=settings.log.format == "json")
        around = surroundings(settings)
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        try:
            yield settings, around, stop
        finally:
            around.store.close()
            around.database.close()
