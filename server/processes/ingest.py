"""`tskaro ingest`: readings in, judged, stored and receipted, and what whoever holds the first shard does."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from alerts.advisories.ports import Herald
from alerts.ports import Change
from alerts.watch import Watch
from server.advisories.book import AdvisoryBook
from server.advisories.proposer import Proposer
from server.broker.eviction import Evictions
from server.bus.live import Voice
from server.bus.mqtt import Bus
from server.bus.takeover import end_session
from server.ingest.auditing import Auditor
from server.ingest.books import Books
from server.ingest.detour import Detour
from server.ingest.devices import DeviceNews
from server.ingest.intake import Intake
from server.ingest.leases import Leases
from server.ingest.receipts import Receipts
from server.ingest.shards import Shards
from server.ingest.subscriber import Subscriber
from server.ingest.upkeep import Upkeep
from server.ingest.worker import IngestWorker, Ticker, now_s
from server.keeper import StoreKeeper
from server.ledger import SqlLedger
from server.processes.listening import follow, said_by_all, said_by_one, taken_in
from server.processes.surroundings import Running, Surroundings, client_id
from server.registry.current import CurrentRegistry
from server.store.port import ReadingStore
from waterquality.errors import LinkError
from waterquality.readings import Observation, to_ms
from waterquality.topics import CARRIED_ROOT, SHARDS, all_of, shard, uncarried

_FIRST_CONNECTION_S = 10.0
_MOST_PAST = 300  # observations of one device: several hours, and milliseconds to take in


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
            client_id=client_id("ingest"),
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
            follow=self.bus.follow, leave=self.bus.leave, whole=said_by_all, named=said_by_one
        )
        self.evictions = Evictions(
            around.database,
            partial(end_session, around.broker),
            clock,
            owns=self.shards.is_ours,
            heard=around.gate.knocked,
        )
        self.shards.forgets(self._forget)
        self.shards.tells(partial(follow, self.bus, taken_in))
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
