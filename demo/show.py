"""The whole system in one process: devices, broker, ingest, ledger, notifier, pages. Only the adapters differ."""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import uvicorn

from alerts.ports import Change
from alerts.transports.phone import OnScreenPhone
from demo.broker import EmbeddedBroker
from demo.clocks import ScaledClock
from demo.events import SilentDevice, demo_events
from demo.pi import SimulatedPi
from demo.registering import register
from demo.tally import Tally, take_tally
from demo.villages import the_cast
from demo.water import Water
from edge.outbox import look_into
from edge.uplink import Broker
from server.bus.mqtt import BrokerAddress
from server.database.engine import Database
from server.database.migrate import migrate
from server.phone import DatabaseInbox
from server.processes import Ingest, LiveFeed, Notify, Running, Surroundings
from server.store.sqlite import SqliteReadingStore
from server.web.app import create_app
from server.web.live import LiveHub
from server.web.settings import WebSettings
from waterquality.readings import to_ms

_HOST = "127.0.0.1"
_HISTORY = timedelta(hours=24)
_HISTORY_EVERY = timedelta(minutes=5)
_OBSERVE_EVERY_S = 60.0
_YESTERDAY_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOptions:
    """How the demonstration runs.

    Attributes:
        folder: where its files are.
        start: the instant it shows first.
        factor: seconds of the demonstration in one real second.
        seed: the same seed and start give the same water.
        port: TCP port of the pages; 0 for any free one.
    """

    folder: Path
    start: datetime
    factor: float
    seed: int
    port: int


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told of what happens.

    Attributes:
        changed: alerts changed phase.
        texted: a text reached a phone: address, body.
    """

    changed: Callable[[Sequence[Change]], None]
    texted: Callable[[str, str], None]


class Show:
    """Everything, started and stopped in order."""

    def __init__(self, options: ShowOptions, listeners: Listeners) -> None:
        self._options = options
        self.clock = ScaledClock(options.start, options.factor, is_held=True)
        self._broker = EmbeddedBroker()
        self._database = Database(f"sqlite:///{options.folder / 'tskaro.db'}")
        self._store = SqliteReadingStore(options.folder / "readings.db")
        address = BrokerAddress(_HOST, self._broker.port)
        around = Surroundings(
            database=self._database, store=self._store, broker=address, clock=self.clock, tick_every_s=30
        )
        self._listeners = listeners
        self.ingest = Ingest(around, changed=self._changed)
        inbox = DatabaseInbox(self._database, self.clock.now, self._texted)
        self._notify = Notify(around, OnScreenPhone(inbox))
        self._hub = LiveHub()
        self._feed = LiveFeed(address, self._hub)
        self._web = WebServer(self._app, port=options.port)
        self._events = demo_events(options.start)
        self._pis = [self._pi(village.device) for village in the_cast().villages]
        self._power = Running()

    @property
    def url(self) -> str:
        """Where the pages are."""
        return self._web.url

    def start(self) -> int:
        """Start everything; returns how many observations of the past the devices brought along."""
        self._options.folder.mkdir(parents=True, exist_ok=True)
        migrate(self._database)
        self._store.prepare()
        register(the_cast(), self._database, since=self._options.start - _HISTORY)
        start = self._options.start
        remembered = sum(pi.remember(start - _HISTORY, start, _HISTORY_EVERY) for pi in self._pis)
        self._broker.start()
        self.ingest.start()
        self._notify.start()
        self._feed.start()
        self._web.start()
        for pi in self._pis:
            pi.switch_on()
        self._await_yesterday()
        self.clock.begin()
        for pi in self._pis:
            self._power.start(f"power-{pi.village.device}", partial(self._cut_power, pi))
        return remembered

    def _await_yesterday(self) -> None:
        """Wait until the devices have told their past, so that time begins with nothing in the air."""
        until_s = time.monotonic() + _YESTERDAY_WITHIN_S
        while any(pi.holds() for pi in self._pis) and time.monotonic() < until_s:
            time.sleep(0.05)

    def stop(self) -> Tally:
        """Stop everything, devices first, and count."""
        self._power.stop()
        for pi in self._pis:
            pi.switch_off()
        self._hub.close()
        self._web.stop()
        self._feed.stop()
        self.ingest.stop()
        self._notify.stop()
        self._broker.stop()
        tally = self._tally()
        self._store.close()
        self._database.close()
        return tally

    def _pi(self, device: str) -> SimulatedPi:
        village = next(village for village in the_cast().villages if village.device == device)
        return SimulatedPi(
            village,
            Water(village, seed=self._options.seed, events=self._events),
            self.clock,
            folder=self._options.folder,
            broker=Broker(_HOST, self._broker.port),
            observe_every_s=_OBSERVE_EVERY_S,
        )

    def _app(self) -> object:
        return create_app(
            database=self._database,
            store=self._store,
            live=self._hub,
            now=self.clock.now,
            settings=WebSettings(has_phone=True, is_simulated=True, time_factor=self._options.factor),
        )

    def _cut_power(self, pi: SimulatedPi, stop: threading.Event) -> None:
        """Switch a device off and on as the script has it."""
        for event in self._events:
            if isinstance(event, SilentDevice) and event.water_point == pi.village.water_point:
                self.clock.pause((event.since - self.clock.now()).total_seconds(), stop)
                if not stop.is_set():
                    pi.switch_off()
                self.clock.pause((event.until - self.clock.now()).total_seconds(), stop)
                if not stop.is_set():
                    pi.switch_on()

    def _changed(self, changes: Sequence[Change]) -> None:
        self._notify.nudge()
        self._listeners.changed(changes)

    def _texted(self, address: str, body: str) -> None:
        self.ingest.voice.tell("phone", "", 0)
        self._listeners.texted(address, body)

    def _tally(self) -> Tally:
        paths = sorted(self._options.folder.glob("kk-*-outbox.db"))
        return take_tally(
            depths=[look_into(path)[1] for path in paths],
            database=self._database,
            store=self._store,
            since=self._options.start - _HISTORY,
            until=self.clock.now(),
            latencies_s=[
                age for taken, age in self.ingest.worker.latencies if taken > to_ms(self._options.start)
            ],
            time_factor=self._options.factor,
        )


class WebServer:
    """Pages on a thread of their own.

    Args:
        app: makes the pages, when they are started.
        port: TCP port; 0, or one that is taken, gives any free one.
    """

    def __init__(self, app: Callable[[], object], *, port: int) -> None:
        self._app = app
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((_HOST, port))
        except OSError:  # somebody else's: any other will do, and the address is printed
            self._socket.bind((_HOST, 0))
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where they are."""
        return f"http://{_HOST}:{self._socket.getsockname()[1]}/"

    def start(self) -> None:
        """Start to serve; returns at once."""
        config = uvicorn.Config(self._app(), log_level="error", access_log=False, timeout_graceful_shutdown=5)  # type: ignore[arg-type]
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="web", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop serving."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(timeout=10)
        self._socket.close()
