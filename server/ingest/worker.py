"""The ingest loop: rounds of arrivals, receipts, and the ticker that notices silence.

A round that fails is not receipted; its devices come again. A message that trips over a defect of ours is tried
alone, logged and left to come again, so that it holds up nobody else.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from alerts.watch import Watch
from server.bus.live import Voice
from server.clock import Clock
from server.ingest.auditing import Auditor
from server.ingest.intake import Intake, StoreTrouble, Taken
from server.ingest.leases import LeaseLost
from server.ingest.measured import Measured
from server.ingest.receipts import Receipts
from server.ingest.shards import EveryShard, Holding, Shards
from server.ingest.subscriber import Arrival, Portion, Subscriber
from server.registry.current import CurrentRegistry
from server.registry.reserved import DRILL_POINT
from server.store.port import StoreBusy
from waterquality.errors import LinkError
from waterquality.readings import to_ms

_log = structlog.get_logger()
_EVERY_SHARD = EveryShard()
# The more in a round, the less each costs, and the longer a breach waits for it; leases last for ten seconds.
_ROUND = Portion(messages=2_000, payload_bytes=500_000, numbers=5_000)
_IDLE_S = 0.25
_REFRESH_S = 5.0
_UPKEEP_S = 1.0
_STORE_BACKOFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)
_REMEMBERED_LATENCIES = 100_000


class IngestWorker:
    """Runs intake.

    Args:
        subscriber: where arrivals come from.
        intake: takes them in.
        receipts: tells the devices.
        current: the registry in force.
        upkeep: small work to do every second or so, e.g. writing what devices say of themselves.
        voice: tells the screens.
        clock: the server's clock.
        shards: those that this worker holds.
        late_after: as the watch has it; only observations younger than this enter `latencies`,
            as (taken_ms, seconds from the tap to the store).
    """

    def __init__(
        self,
        *,
        subscriber: Subscriber,
        intake: Intake,
        receipts: Receipts,
        current: CurrentRegistry,
        upkeep: Callable[[], None],
        voice: Voice,
        clock: Clock,
        shards: Holding = _EVERY_SHARD,
        late_after: timedelta = timedelta(minutes=20),
    ) -> None:
        self._subscriber, self._intake, self._receipts = subscriber, intake, receipts
        self._current, self._voice, self._clock = current, voice, clock
        self._late_after, self._upkeep, self._shards = late_after, upkeep, shards
        self._store_failures = 0
        self._store_again_s = 0.0
        self._refreshed_s = self._kept_up_s = float("-inf")
        self.counters: Counter[str] = Counter()
        self.latencies: deque[tuple[int, float]] = deque(maxlen=_REMEMBERED_LATENCIES)
        self.measured = Measured()

    def run(self, stop: threading.Event) -> None:
        """Take rounds in until `stop` is set."""
        while not stop.is_set():
            try:
                self.turn(_IDLE_S)
            except LeaseLost as error:
                self._lost(error)
            except LinkError as error:
                self._subscriber.was_deaf()
                self.counters["database_unavailable"] += 1
                _log.warning("database_unavailable", detail=str(error))
                stop.wait(1.0)
            except Exception:  # noqa: BLE001 - the one broad catch of this loop
                self.counters["failed"] += 1
                _log.exception("intake_failed")
                stop.wait(1.0)

    def turn(self, wait_s: float) -> None:
        """One round, waiting so many seconds for something to come."""
        self.measured.turned_at = self._clock.now()
        self._keep_shards()
        self._refresh()
        flush_s = self._receipts.flush(time.monotonic(), to_ms(self._clock.now()))
        wait_s = wait_s if flush_s is None else min(wait_s, max(0.001, flush_s))
        arrivals = self._subscriber.drain(_ROUND, wait_s)
        if arrivals:
            began_s = time.monotonic()
            self._take(arrivals)
            self.measured.took_in(len(arrivals), time.monotonic() - began_s, self._clock.now())

    @property
    def store_is_up(self) -> bool:
        """Whether the store took what it was last given."""
        return self._store_failures == 0

    def _take(self, arrivals: Sequence[Arrival]) -> None:
        """Take arrivals in; where one trips over a defect of ours, the others go on without it."""
        self._keep_shards()
        ours = [arrival for arrival in arrivals if self._shards.is_ours_topic(arrival.topic)]
        self.counters["dropped_not_ours"] += len(arrivals) - len(ours)
        if ours:
            self._take_ours(ours)

    def _take_ours(self, arrivals: Sequence[Arrival]) -> None:
        try:
            self._take_round(arrivals)
        except LinkError:
            raise
        except Exception:  # noqa: BLE001 - one message must not hold up a region
            if len(arrivals) == 1:
                self.counters["failed"] += 1
                _log.exception("intake_failed", topic=arrivals[0].topic)
                return
            for arrival in arrivals:
                self._take([arrival])

    def _take_round(self, arrivals: Sequence[Arrival]) -> None:
        try:
            taken = self._intake.take(arrivals, self._clock.now(), store_is_up=self._may_store())
            self._store_failures = 0 if taken.stored else self._store_failures
        except StoreTrouble as trouble:
            taken = trouble.taken
            self._store_failed(trouble)
        self._receipts.owe(taken.receipts)
        self._receipts.flush(time.monotonic(), to_ms(self._clock.now()))
        self._measure(taken)
        self._tell(taken.seen)

    def _keep_shards(self) -> None:
        since = self._subscriber.listening_since()
        self._shards.keep(now_s(), hears=self._subscriber.hears, since=since)

    def _lost(self, error: LeaseLost) -> None:
        """What was under way is given up; its devices come again, to whoever holds them now."""
        self.counters["lease_lost"] += 1
        _log.warning("lease_lost", detail=str(error))
        self._shards.look_at_once()

    def _refresh(self) -> None:
        if time.monotonic() - self._refreshed_s >= _REFRESH_S:
            self._current.refresh()
            self._refreshed_s = time.monotonic()
        if time.monotonic() - self._kept_up_s >= _UPKEEP_S:
            self._kept_up_s = time.monotonic()
            self._upkeep()

    def _may_store(self) -> bool:
        return time.monotonic() >= self._store_again_s

    def _store_failed(self, trouble: StoreTrouble) -> None:
        wait_s = _STORE_BACKOFF_S[min(self._store_failures, len(_STORE_BACKOFF_S) - 1)]
        if not isinstance(trouble.__cause__, StoreBusy):  # one that is only slow is asked again soon
            self._store_failures += 1
        self._store_again_s = time.monotonic() + wait_s
        self.counters["store_unavailable"] += 1
        _log.warning("store_unavailable", detail=str(trouble.__cause__), again_in_s=wait_s)

    def _measure(self, taken: Taken) -> None:
        now_ms, late_ms = to_ms(self._clock.now()), self._late_after / timedelta(milliseconds=1)
        fresh = [
            (taken_ms, (now_ms - taken_ms) / 1000)
            for taken_ms in (row.observation.taken_ms for row in taken.stored)
            if now_ms - taken_ms <= late_ms
        ]
        self.latencies.extend(fresh)
        self.measured.tap_to_store_s.add([age_s for _, age_s in fresh])

    def _tell(self, seen: Mapping[str, int]) -> None:
        for water_point, at_ms in seen.items():
            self._voice.tell("readings", water_point, at_ms)


def now_s() -> float:
    """Seconds that go on while this process or its machine is stopped."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Ticker:
    """Notices silence: asks the watch, now and then, who has not been heard from.

    Only time in which intake provably listened counts: while the broker is away or arrivals wait unread,
    nobody is called silent. Each worker judges the water points of its own devices; where another worker has a
    device there too, that one must have listened as well.
    """

    def __init__(
        self,
        *,
        watch: Watch,
        subscriber: Subscriber,
        current: CurrentRegistry,
        clock: Clock,
        shards: Shards,
        auditor: Auditor,
        every_s: float = 15.0,
    ) -> None:
        self._watch, self._subscriber, self._current = watch, subscriber, current
        self._auditor = auditor
        self._shards = shards
        self._clock, self._every_s = clock, every_s
        self.ticked_at: datetime | None = None

    def tick(self) -> None:
        """Judge silence now, and now and then whether the record adds up."""
        since = self._subscriber.listening_since()
        if since is not None:
            now = self._clock.now()
            stays = self._current.registry().devices_by_water_point()
            serving = {point: devices for point, devices in stays.items() if point != DRILL_POINT}
            self._watch.judge_silence(self._shards.listening(serving, since), now)
            found = self._auditor.look(now)
            if found is not None:
                self._watch.judge_records(found, now)

    def run(self, stop: threading.Event) -> None:
        """Tick until `stop` is set."""
        while not stop.is_set():
            self._clock.pause(self._every_s, stop)
            try:
                self.tick()
                self.ticked_at = self._clock.now()
            except LeaseLost as error:
                _log.warning("lease_lost", detail=str(error))
            except LinkError as error:
                _log.warning("database_unavailable", detail=str(error))
            except Exception:  # noqa: BLE001 - the one broad catch of this loop
                _log.exception("ticker_failed")
