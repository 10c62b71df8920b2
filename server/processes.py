"""The server's composition root: the only place that puts its parts together.

`tskaro serve` runs all of it in one process; `tskaro ingest`, `web` and `notify` run it apart. The demo composes
the same parts with another clock, another broker and another transport.
"""

import os
import secrets
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from alerts.advisories.ports import Herald
from alerts.answers.answering import Answering
from alerts.holding import DEFAULT_HOLDING, Holding
from alerts.notifier import Notifier, RetryPolicy
from alerts.ports import Change
from alerts.transports.failover import Failover
from alerts.transports.inbox import Inbox
from alerts.transports.port import Transport
from alerts.watch import Watch
from server.advisories.book import AdvisoryBook
from server.advisories.proposer import Proposer
from server.answering import AnswerWorker
from server.broker.eviction import Evictions
from server.bus.live import ALL_NEWS, Voice, read_news
from server.bus.mqtt import BrokerAddress, Bus
from server.bus.takeover import end_session
from server.clock import Clock
from server.conversations import SqlConversations
from server.database.engine import Database
from server.ingest.auditing import Auditor
from server.ingest.books import Books
from server.ingest.detour import Detour
from server.ingest.devices import DeviceNews
from server.ingest.gate import Gate
from server.ingest.intake import Intake
from server.ingest.leases import Leases
from server.ingest.receipts import Receipts
from server.ingest.shards import Shards
from server.ingest.subscriber import Subscriber
from server.ingest.upkeep import Upkeep
from server.ingest.worker import IngestWorker, Ticker, now_s
from server.keeper import StoreKeeper
from server.ledger import SqlLedger
from server.notify import BalanceWatch, NotifyWorker
from server.registry.current import CurrentRegistry
from server.registry.snapshot import CapabilityOf, capability_of
from server.remote.courier import Courier
from server.sole import Sole
from server.store.port import ReadingStore, Row
from server.web.live import LiveEvent, LiveHub
from waterquality.errors import LinkError
from waterquality.readings import Observation, to_ms
from waterquality.topics import CARRIED_ROOT, SHARDS, all_of, carried, of_device, of_shard, shard, uncarried

_FIRST_CONNECTION_S = 10.0
_MOST_PAST = 300  # observations of one device: several hours, and milliseconds to take in


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


def _past(
    store: ReadingStore, water_point: str, device: str, since_ms: int, until_ms: int
) -> Sequence[Observation]:
    """The newest of what a device has sent of late: what a detector missed while nobody ran."""
    rows = store.neighbours(
        water_point, device, since_ms=since_ms, until_ms=until_ms, at_most=_MOST_PAST, newest=True
    )
    return [row.observation for row in rows]


class Ingest:
    """Subscriber, intake, watch, receipts, ticker and the upkeep of the store.

    Args:
        around: what it stands in.
        changed: called with every change of an alert, after it was recorded.
        herald: is told of advisories that the system proposes.
    """

    def __init__(
        self,
        around: Surroundings,
        *,
        changed: Callable[[Sequence[Change]], None] = lambda _: None,
        herald: Herald | None = None,
    ) -> None:
        clock = around.clock
        self._around, self._changed = around, changed
        self.subscriber = Subscriber(clock.now)
        self.news = DeviceNews(clock.now)
        self.bus = Bus(
            around.broker,
            client_id=_client_id("ingest"),
            subscriptions={},
            takers={
                all_of("readings/#"): around.gate.guard(self._take),
                f"{CARRIED_ROOT}/#": self._take_carried,
                all_of("status"): around.gate.guard(self.news.take),
                all_of("health"): around.gate.guard(self.news.take),
            },
            qos=0,  # the device repeats what gets no receipt; an acknowledgement to the broker is only work
            connected=self._connected,
        )
        self.voice = Voice(self.bus.publish)
        self._current = current = CurrentRegistry(around.database, around.known)
        self.shards = Shards(Leases(around.database), now=clock.now)
        self.watch = Watch(
            SqlLedger(around.database, self.shards.guard),
            current,
            late_after=around.late_after,
            holding=around.holding,
            changed=self._tell,
            shared=lambda points: self.shards.shared(current.registry().shards_of, points),
            past=partial(_past, around.store),
        )
        self.books = Books(around.database, self.shards.guard)
        self.intake = Intake(
            store=around.store,
            written_late=around.written_late,
            books=self.books,
            watch=self.watch,
            registry=current.registry,
            keep=around.keep,
            confirm=lambda: self.shards.confirm(now_s()),
            gate=around.gate,
        )
        self.receipts = Receipts(self._publish_receipt, around.receipt_every_s)
        self._upkeep = Upkeep(
            database=around.database,
            books=self.books,
            intake=self.intake,
            receipts=self.receipts,
            news=self.news,
            keep=around.keep,
            owns=self.shards.is_ours,
            guard=self.shards.guard,
        )
        self.worker = IngestWorker(
            subscriber=self.subscriber,
            intake=self.intake,
            receipts=self.receipts,
            current=current,
            upkeep=self._keep_up,
            voice=self.voice,
            clock=clock,
            shards=self.shards,
            late_after=around.late_after,
        )
        self.ticker = Ticker(
            watch=self.watch,
            subscriber=self.subscriber,
            current=current,
            clock=clock,
            shards=self.shards,
            auditor=Auditor(around.database, around.store, current.registry, self.shards.is_ours),
            every_s=around.tick_every_s,
        )
        self._keeper = StoreKeeper(
            around.store,
            around.database,
            clock,
            around.keep,
            is_ours=lambda: SHARDS[0] in self.shards.held,  # one worker is enough; two would do no harm
        )
        self._proposer = Proposer(
            around.database,
            around.store,
            AdvisoryBook(around.database),
            clock,
            registry=current.registry,
            rules_at=current.rules_for,
            herald=herald,
            is_ours=lambda: SHARDS[0] in self.shards.held,
        )
        self._detour = Detour(
            follow=self.bus.follow, leave=self.bus.leave, whole=_said_by_all, named=_said_by_one
        )
        self.evictions = Evictions(
            around.database,
            partial(end_session, around.broker),
            clock,
            owns=self.shards.is_ours,
            heard=around.gate.knocked,
        )
        self.shards.forgets(self._forget)
        self.shards.tells(partial(_follow, self.bus, _taken_in))
        self._running = Running()

    def start(self) -> bool:
        """Start; returns whether the broker answered (it goes on trying when it did not)."""
        with suppress(LinkError):  # before the broker is there: what comes first is not to be missed
            self.shards.look(now_s(), hears=True, since=None)
        self.bus.start()
        answered = self.bus.wait_until_connected(_FIRST_CONNECTION_S)
        self._running.start("ingest", self.worker.run)
        self._running.start("ticker", self.ticker.run)
        self._running.start("keeper", self._keeper.run)
        self._running.start("evictions", self.evictions.run)
        self._running.start("proposer", self._proposer.run)
        return answered

    def stop(self) -> None:
        """Stop, give back what was held, and leave the broker."""
        self._running.stop()
        with suppress(LinkError):  # it runs out by itself
            self.shards.release()
        self.bus.stop()

    def _forget(self, lost: frozenset[str], gained: frozenset[str]) -> None:
        """Others have worked for these, or will: what is remembered of them is not true any more."""
        changed = lost | gained

        def of(device: str) -> bool:
            return shard(device) in changed

        self.watch.forget(of)
        self.books.forget(of)
        self.intake.forget(of)
        self.receipts.forget(of)

    def _connected(self, is_up: bool) -> None:  # noqa: FBT001 - the bus's form
        self.subscriber.is_connected(connected=is_up)
        self._upkeep.is_connected(connected=is_up)

    def _keep_up(self) -> None:
        gate, registry = self._around.gate, self._current.registry()
        gate.shut_out(registry.shut_out)
        self._detour.turn(
            gate.report(),
            flooding=gate.over(),
            devices=registry.devices,
            held=self.shards.held,
            now_s=now_s(),
        )
        self._upkeep.turn(self._around.clock.now())

    def _take(self, topic: str, payload: bytes, is_retained: bool) -> None:  # noqa: FBT001 - the bus's form
        self.subscriber.take(topic, payload, is_retained=is_retained)

    def _take_carried(self, topic: str, payload: bytes, is_retained: bool) -> None:  # noqa: FBT001
        self._take(uncarried(topic), payload, is_retained)

    def _tell(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self.voice.tell("alert", change.key.water_point, to_ms(change.transition.at))
        self._changed(changes)

    def _publish_receipt(self, topic: str, payload: bytes) -> bool:
        return self.bus.publish(topic, payload, retain=True)  # repeated whenever the device comes again


class Notify:
    """The notifier with its transport, and whoever reads what people text back."""

    def __init__(
        self,
        around: Surroundings,
        transport: Transport,
        policy: RetryPolicy | None = None,
        inbox: Inbox | None = None,
    ) -> None:
        self.transport = transport
        self.ledger = SqlLedger(around.database)
        self._sole = Sole(around.database, "notify")
        notifier = Notifier(
            self.ledger, transport, policy=policy or RetryPolicy(), is_ours=self._sole.is_ours
        )
        self._clock = around.clock
        self.bus = Bus(around.broker, client_id=_client_id("notify"), subscriptions={})
        self._voice = Voice(self.bus.publish)
        self.worker = NotifyWorker(notifier, around.clock, every_s=around.look_every_s, tried=self._tell)
        self.answers = None if inbox is None else self._answers(inbox, around)
        self._running = Running()

    def nudge(self) -> None:
        """Something is owed."""
        self.worker.nudge()

    def start(self) -> None:
        """Start; texts do not wait for the broker."""
        self.bus.start()
        self._running.start("notify", self.worker.run, self.worker.nudge)
        if isinstance(self.transport, Failover):
            self._running.start("balances", BalanceWatch(self.transport).run)
        if self.answers is not None:
            self._running.start("answers", self.answers.run)

    def stop(self) -> None:
        """Stop after the text under way."""
        self._running.stop()
        with suppress(LinkError):
            self._sole.release()
        self.bus.stop()

    def _answers(self, inbox: Inbox, around: Surroundings) -> AnswerWorker:
        def answered() -> None:
            self.worker.nudge()
            self._tell()

        answering = Answering(inbox, SqlConversations(around.database))
        return AnswerWorker(answering, around.clock, every_s=around.look_every_s, answered=answered)

    def _tell(self) -> None:
        self._voice.tell("alert", "", to_ms(self._clock.now()))


class Remote:
    """Carries configurations, commands and updates to devices, and their answers back.

    Args:
        around: what it stands in.
        shards: whose devices it serves: those of the ingest in the same process.
    """

    def __init__(self, around: Surroundings, shards: Shards) -> None:
        self.courier = Courier(around.database, self._publish, around.clock, shards.is_ours)
        self.bus = Bus(
            around.broker,
            client_id=_client_id("remote"),
            subscriptions={},
            takers={all_of(name): around.gate.guard(self.courier.take) for name in self.courier.channels},
            connected=lambda is_up: self.courier.is_connected(connected=is_up),
        )
        shards.tells(self._follow)
        self._running = Running()

    def start(self) -> None:
        """Start; returns at once."""
        self.bus.start()
        self._running.start("remote", self.courier.run)

    def stop(self) -> None:
        """Stop, and leave the broker."""
        self._running.stop()
        self.bus.stop()

    def _follow(self, lost: frozenset[str], gained: frozenset[str]) -> None:
        _follow(self.bus, lambda each: [of_shard(each, name) for name in self.courier.channels], lost, gained)
        self.courier.is_connected(connected=bool(gained))  # another courier may have left something undone

    def _publish(self, topic: str, payload: bytes, is_retained: bool) -> bool:  # noqa: FBT001 - the courier's form
        return self.bus.publish(topic, payload, qos=1, retain=is_retained)


class LiveFeed:
    """From the bus to the screens: passes live news on to the hub."""

    def __init__(self, broker: BrokerAddress, hub: LiveHub) -> None:
        self.hub = hub
        self.bus = Bus(broker, client_id=_client_id("web"), subscriptions={ALL_NEWS: self._take})

    def start(self) -> None:
        """Start; returns at once."""
        self.bus.start()

    def stop(self) -> None:
        """Leave the broker."""
        self.bus.stop()

    def _take(self, _topic: str, payload: bytes, is_retained: bool) -> None:  # noqa: FBT001 - the bus's form
        news = None if is_retained else read_news(payload)
        if news is not None:
            self.hub.publish(LiveEvent(*news))


_SAID = ("readings/#", "status", "health")


def _taken_in(each: str) -> list[str]:
    """What ingest listens to of a shard."""
    return [*_said_by_all(each), carried(of_shard(each, "readings/#"))]


def _said_by_all(each: str) -> list[str]:
    return [of_shard(each, name) for name in _SAID]


def _said_by_one(device: str) -> list[str]:
    return [of_device(device, name) for name in _SAID]


def _follow(
    bus: Bus, topics_of: Callable[[str], list[str]], lost: frozenset[str], gained: frozenset[str]
) -> None:
    """Listen to the shards gained, and no more to those lost."""
    bus.leave([topic for each in lost - gained for topic in topics_of(each)])
    bus.follow([topic for each in gained for topic in topics_of(each)])


def _client_id(process: str) -> str:
    return f"tskaro-{process}-{os.getpid()}-{secrets.token_hex(3)}"
