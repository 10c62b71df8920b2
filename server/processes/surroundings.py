"""What every process of the server stands in, and the threads that it runs."""

import os
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from alerts.holding import DEFAULT_HOLDING, Holding
from server.bus.mqtt import BrokerAddress
from server.clock import Clock
from server.database.engine import Database
from server.ingest.gate import Gate
from server.registry.snapshot import CapabilityOf, capability_of
from server.store.port import ReadingStore, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every process of the server stands in.

    Attributes:
        database: registry, ledger, custody.
        store: readings.
        broker: MQTT.
        clock: the time.
        keep: how long readings are kept.
        late_after: how old an observation may be on arrival and still be about now.
        holding: how long each tier of people has, and how often to remind.
        tick_every_s: how often silence is judged, in seconds of the clock.
        look_every_s: how often the notifier looks without being nudged, in seconds of the clock.
        receipt_every_s: the shortest time between two receipts to one device, in real seconds.
        known: tells what a probe model can show.
        gate: whose messages come in, and how many; one for all in this process that listens to devices.
        written_late: tells the rows that the store has taken after it was given up; None while it is still at them.
    """

    database: Database
    store: ReadingStore
    broker: BrokerAddress
    clock: Clock
    keep: timedelta = timedelta(days=730)
    late_after: timedelta = timedelta(minutes=20)
    holding: Holding = DEFAULT_HOLDING
    tick_every_s: float = 15.0
    look_every_s: float = 1.0
    receipt_every_s: float = 0.2
    known: CapabilityOf = capability_of
    written_late: Callable[[], Sequence[Row] | None] = lambda: ()
    gate: Gate = field(default_factory=Gate)


class Running:
    """Threads that run until they are told to stop."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._nudges: list[Callable[[], None]] = []

    def start(
        self, name: str, run: Callable[[threading.Event], None], nudge: Callable[[], None] = lambda: None
    ) -> None:
        """Run a loop in a thread of its own; `nudge` ends its wait."""
        thread = threading.Thread(target=run, args=(self._stop,), name=name, daemon=True)
        self._threads.append(thread)
        self._nudges.append(nudge)
        thread.start()

    def stop(self) -> None:
        """Stop all of them and wait until they have."""
        self._stop.set()
        for nudge in self._nudges:
            nudge()
        for thread in self._threads:
            thread.join(timeout=10)


def client_id(process: str) -> str:
    """A name that no client of the broker had before."""
    return f"tskaro-{process}-{os.getpid()}-{secrets.token_hex(3)}"
