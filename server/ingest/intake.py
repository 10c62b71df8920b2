"""Intake: a round of arrivals, from bytes to booked. Decode, resolve, screen, watch, store, book, receipt.

**Order is the promise.** The watch comes before the store, so that breaches text while the store is down; the
receipt comes last, so that a crash anywhere before it makes the device come again; and what comes again changes
nothing, because watch and books know what they have seen.

A round never raises for what a device sent. It raises LinkError when the database cannot be reached: nothing of
the round is then receipted.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from alerts.watch import Sighting, Watch
from server.ingest.books import Booking, Books, Key, Quarantined
from server.ingest.custody import Book
from server.ingest.ended import closed_by
from server.ingest.fenced import WritableStore
from server.ingest.subscriber import Arrival
from server.registry.snapshot import Registry
from server.store.port import PointRejected, Row, StoreUnavailable
from waterquality.intervals import IntervalSet
from waterquality.readings import Observation, from_ms, to_ms
from waterquality.screening import screen
from waterquality.topics import Envelope, device_of, parse_readings
from waterquality.wire.decode import Batch, decode
from waterquality.wire.records import Gap, span_of
from waterquality.wire.rejection import Malformed, Rejection

_log = structlog.get_logger()
_MAX_AHEAD = timedelta(minutes=5)
_REMEMBERED_CONTENTS = 50_000


@dataclass(frozen=True, slots=True)
class Taken:
    """What a round brought.

    Attributes:
        receipts: books to tell the devices of, by (device, epoch).
        seen: water points with new readings, with the newest instant of each.
        stored: rows that went into the store now.
    """

    receipts: dict[Key, Book]
    seen: dict[str, int]
    stored: Sequence[Row]


@dataclass(slots=True)
class _Round:
    """What a round has gathered so far."""

    now: datetime
    booking: Booking = field(default_factory=Booking)
    rows: list[Row] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    touched: set[Key] = field(default_factory=set)
    stored: list[Row] = field(default_factory=list)
    seen: set[tuple[str, str, int]] = field(default_factory=set)


class Intake:
    """Takes arrivals in.

    Args:
        store: where readings go.
        books: the custody of all devices.
        watch: judges readings.
        registry: asked for the registry as it stands.
        keep: how long readings are kept; older ones are refused before they are sent to the store.
    """

    def __init__(
        self,
        *,
        store: WritableStore,
        books: Books,
        watch: Watch,
        registry: Callable[[], Registry],
        keep: timedelta,
    ) -> None:
        self._store, self._books, self._watch, self._registry, self._keep = (
            store,
            books,
            watch,
            registry,
            keep,
        )
        self._store_was_away = False
        self._contents: OrderedDict[tuple[str, str, int], int] = OrderedDict()
        self.counters: Counter[str] = Counter()

    def take(self, arrivals: Sequence[Arrival], now: datetime, *, store_is_up: bool = True) -> Taken:
        """Take a round in.

        Args:
            arrivals: in the order they came.
            now: the server's time.
            store_is_up: False to judge only; what is judged stays with the device and comes again.

        Raises:
            LinkError: the database cannot be reached; nothing is receipted; mended by time.
            StoreUnavailable: judged and booked but for the readings, which come again; mended by time.
        """
        the_round = _Round(now)
        registry = self._registry()
        for arrival in arrivals:
            self._read(arrival, registry, the_round)
        self._watch.judge(the_round.sightings, now)
        trouble = self._keep_rows(the_round) if store_is_up else None
        self._books.book(the_round.booking, to_ms(now))
        self._count(the_round, len(arrivals))
        taken = Taken(
            {key: self._books.of(key) for key in the_round.touched},
            _newest(the_round.sightings),
            the_round.stored,
        )
        if trouble is not None:
            raise StoreTrouble(taken) from trouble
        return taken

    def forget(self, of: Callable[[str], bool]) -> None:
        """Forget what these devices sent: another worker may have taken in more of it."""
        self._contents = OrderedDict(
            (name, content) for name, content in self._contents.items() if not of(name[0])
        )

    def _read(self, arrival: Arrival, registry: Registry, the_round: _Round) -> None:
        envelope = parse_readings(arrival.topic)
        if envelope is None:
            nowhere = Envelope(device_of(arrival.topic)[:16], "", 0, 0)
            self._set_aside(arrival, nowhere, Rejection.WRONG_TOPIC, "no readings topic", the_round)
            return
        if envelope.device not in registry.devices:
            # Not receipted: the device keeps its observations until somebody registers it.
            self._set_aside(arrival, envelope, Rejection.UNKNOWN_DEVICE, "register it", the_round)
            return
        key = (envelope.device, envelope.epoch)
        the_round.touched.add(key)
        try:
            batch = decode(arrival.payload, envelope)
        except Malformed as fault:
            self._poison(arrival, envelope, (fault.reason, fault.detail), the_round)
        except Exception as defect:  # noqa: BLE001 - a defect of ours must not stop the intake
            _log.exception("decoding_failed", topic=arrival.topic)
            self._poison(arrival, envelope, (Rejection.DEFECT, repr(defect)), the_round)
        else:
            self._take_batch(batch, arrival, envelope, registry, the_round)

    def _take_batch(
        self, batch: Batch, arrival: Arrival, envelope: Envelope, registry: Registry, the_round: _Round
    ) -> None:
        key = (envelope.device, envelope.epoch)
        for poisoned in batch.poisoned:
            part = replace(envelope, first=poisoned.first, last=poisoned.last)
            self._poison(arrival, part, (poisoned.reason, poisoned.detail), the_round)
        for record in batch.records:
            if isinstance(record, Observation):
                self._take_observation(record, arrival, registry, the_round)
                continue
            book = self._book(key, the_round)
            unsettled = IntervalSet((span_of(record),)) - book.settled
            if isinstance(record, Gap):
                the_round.booking.books[key] = replace(book, gaps=book.gaps | unsettled)
            elif unsettled:
                the_round.booking.noted.append((key, record))
                the_round.booking.books[key] = replace(book, noted=book.noted | unsettled)
                the_round.booking.books |= closed_by(
                    record, envelope.device, lambda of: self._book(of, the_round)
                )
        the_round.booking.books[key] = self._book(key, the_round).told_held(batch.held)

    def _take_observation(
        self, observation: Observation, arrival: Arrival, registry: Registry, the_round: _Round
    ) -> None:
        key = (observation.device, observation.epoch)
        place = Envelope(*key, observation.seq, observation.seq)
        if self._is_known(observation, key, arrival, place, the_round):
            return
        fault = self._misplaced_in_time(observation.taken_ms, the_round.now)
        water_point = registry.water_point(observation.device, observation.taken_ms)
        if fault is not None:
            self._poison(arrival, place, (fault, observation.taken_at.isoformat()), the_round)
        elif water_point is None:
            detail = f"{observation.device} was deployed nowhere at {observation.taken_at.isoformat()}"
            self._poison(arrival, place, (Rejection.NO_DEPLOYMENT, detail), the_round)
        else:
            screened = screen(observation, registry.spans(observation.device))
            the_round.sightings.append(Sighting(water_point, screened, from_ms(arrival.received_ms)))
            the_round.rows.append(Row(water_point, screened, arrival.received_ms))

    def _is_known(
        self, observation: Observation, key: Key, arrival: Arrival, place: Envelope, the_round: _Round
    ) -> bool:
        """Whether we have it already; the same number with other content is an alarm, not a duplicate."""
        name = (*key, observation.seq)
        content = hash((observation.taken_ms, tuple(observation.readings.values())))
        if self._contents.get(name, content) != content:
            self._alarm_conflict(observation, arrival, place, the_round)
            return True
        self._contents[name] = content
        if len(self._contents) > _REMEMBERED_CONTENTS:
            self._contents.popitem(last=False)
        if name in the_round.seen or observation.seq in self._book(key, the_round).received:
            self.counters["repeated"] += 1
            return True
        the_round.seen.add(name)
        return False

    def _alarm_conflict(
        self, observation: Observation, arrival: Arrival, place: Envelope, the_round: _Round
    ) -> None:
        _log.error("sequence_conflict", device=place.device, epoch=place.epoch, seq=observation.seq)
        detail = f"seq {observation.seq} came with other content"
        if observation.seq in self._book((place.device, place.epoch), the_round).settled:
            self._set_aside(arrival, place, Rejection.SEQUENCE_CONFLICT, detail, the_round)
        else:  # nothing holds this number yet: book it, or the device would come with it for ever
            self._poison(arrival, place, (Rejection.SEQUENCE_CONFLICT, detail), the_round)

    def _misplaced_in_time(self, taken_ms: int, now: datetime) -> Rejection | None:
        if taken_ms > to_ms(now + _MAX_AHEAD):
            return Rejection.TIME_IN_FUTURE
        return Rejection.TIME_TOO_OLD if taken_ms < to_ms(now - self._keep) else None

    def _keep_rows(self, the_round: _Round) -> StoreUnavailable | None:
        """Write the rows and book them; returns the trouble when the store takes nothing now."""
        refused: dict[int, str] = {}
        try:
            if self._store_was_away:  # it may come back empty, or was away when we started
                self._store.prepare()
            if the_round.rows:
                self._store.write(the_round.rows)
        except StoreUnavailable as trouble:
            self._store_was_away = True
            return trouble
        except PointRejected as rejected:
            refused = rejected.reasons
        self._store_was_away = False
        for index, row in enumerate(the_round.rows):
            observation = row.observation
            key = (observation.device, observation.epoch)
            if index in refused:
                place = Envelope(*key, observation.seq, observation.seq)
                arrival = Arrival("", repr(observation).encode(), row.received_ms)
                self._poison(arrival, place, (Rejection.REFUSED_BY_STORE, refused[index]), the_round)
                continue
            the_round.stored.append(row)
        self._book_stored(the_round)
        return None

    def _book_stored(self, the_round: _Round) -> None:
        numbers: dict[Key, list[int]] = {}
        for row in the_round.stored:
            observation = row.observation
            numbers.setdefault((observation.device, observation.epoch), []).append(observation.seq)
        for key, seqs in numbers.items():
            book = self._book(key, the_round)
            stored = IntervalSet.of_numbers(seqs)
            the_round.booking.books[key] = replace(
                book, stored=book.stored | stored, missing=book.missing - stored
            )

    def _poison(
        self, arrival: Arrival, place: Envelope, fault: tuple[Rejection, str], the_round: _Round
    ) -> None:
        """Set numbers aside and book them, so that the device may forget them."""
        key = (place.device, place.epoch)
        book = self._book(key, the_round)
        unsettled = IntervalSet(((place.first, place.last),)) - book.settled
        if not unsettled:
            self.counters["repeated"] += 1
            return
        the_round.booking.books[key] = replace(book, quarantined=book.quarantined | unsettled)
        self._set_aside(arrival, place, *fault, the_round)

    def _set_aside(
        self, arrival: Arrival, place: Envelope, reason: Rejection, detail: str, the_round: _Round
    ) -> None:
        self.counters[f"quarantined_{reason}"] += 1
        _log.warning("arrival_quarantined", topic=arrival.topic, reason=str(reason), detail=detail)
        the_round.booking.quarantined.append(
            Quarantined(
                place.device,
                place.epoch,
                place.first,
                place.last,
                arrival.topic,
                reason,
                detail,
                arrival.payload,
                arrival.received_ms,
            )
        )

    def _book(self, key: Key, the_round: _Round) -> Book:
        return the_round.booking.books.get(key) or self._books.of(key)

    def _count(self, the_round: _Round, arrivals: int) -> None:
        self.counters["arrivals"] += arrivals
        self.counters["stored"] += len(the_round.stored)
        self.counters["judged"] += len(the_round.sightings)


class StoreTrouble(StoreUnavailable):
    """The store took nothing of this round; all else of it is done.

    Attributes:
        taken: what the round brought nevertheless.
    """

    def __init__(self, taken: Taken) -> None:
        super().__init__("the store takes nothing now")
        self.taken = taken


def _newest(sightings: Iterable[Sighting]) -> dict[str, int]:
    newest: dict[str, int] = {}
    for sighting in sightings:
        at_ms = sighting.observation.taken_ms
        newest[sighting.water_point] = max(at_ms, newest.get(sighting.water_point, at_ms))
    return newest
