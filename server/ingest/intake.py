"""Intake: a round of arrivals, from bytes to booked. Decode, resolve, screen, watch, store, book, receipt.

**Order is the promise.** The watch comes before the store, so that breaches text while the store is down; the
receipt comes last, so that a crash anywhere before it makes the device come again; and what comes again changes
nothing, because watch and books know what they have seen.

A round never raises for what a device sent. It raises LinkError when the database cannot be reached: nothing of
the round is then receipted.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from alerts.watch import Sighting, Watch
from server.ingest.books import Booking, Books, Key
from server.ingest.comparing import AT_ONCE, Contents, Same, compare
from server.ingest.custody import Book
from server.ingest.ended import closed_by
from server.ingest.gate import Gate
from server.ingest.quarantine import Quarantined
from server.ingest.screener import Screener
from server.ingest.subscriber import Arrival, Replayed
from server.registry.snapshot import Registry
from server.store.port import PointRejected, ReadingStore, Row, StoreUnavailable
from waterquality.intervals import IntervalSet
from waterquality.readings import Observation, from_ms, to_ms
from waterquality.topics import Envelope, device_of, parse_readings
from waterquality.wire.decode import Batch, decode
from waterquality.wire.records import Gap, span_of
from waterquality.wire.rejection import Malformed, Rejection

_log = structlog.get_logger()
_MAX_AHEAD = timedelta(minutes=5)


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
    earliest_ms: int  # what was taken before or after is no observation of this water
    latest_ms: int
    booking: Booking = field(default_factory=Booking)
    rows: list[Row] = field(default_factory=list)
    again: Sequence[Row] = ()  # of earlier rounds, judged otherwise now
    sources: list[Arrival] = field(default_factory=list)  # what each row came with
    sightings: list[Sighting] = field(default_factory=list)
    touched: set[Key] = field(default_factory=set)
    stored: list[Row] = field(default_factory=list)
    seen: set[tuple[str, str, int]] = field(default_factory=set)
    forgotten: dict[str, tuple[Arrival, list[Observation]]] = field(default_factory=dict)  # by topic


class Intake:
    """Takes arrivals in.

    Args:
        store: where readings go.
        books: the custody of all devices.
        watch: judges readings.
        registry: asked for the registry as it stands.
        keep: how long readings are kept; older ones are refused before they are sent to the store.
        confirm: asked before rows are sent to the store, which cannot ask, whether the shards are still ours.
            What is sent late nevertheless is what the device sent, under its own name; only its flags may differ.
        gate: told what taking in the messages of each device takes.
    """

    def __init__(
        self,
        *,
        store: ReadingStore,
        books: Books,
        watch: Watch,
        registry: Callable[[], Registry],
        keep: timedelta,
        confirm: Callable[[], None] = lambda: None,
        gate: Gate | None = None,
    ) -> None:
        self._store, self._books, self._watch, self._registry, self._keep = (
            store,
            books,
            watch,
            registry,
            keep,
        )
        self._confirm, self._gate = confirm, gate or Gate()
        self._store_was_away = False
        self._contents = Contents()
        self._screener = Screener(store, lambda key: bool(books.of(key).stored))
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
        the_round = self._begin(now)
        registry = self._registry()
        envelopes = [parse_readings(arrival.topic) for arrival in arrivals]
        self._books.recall({(each.device, each.epoch) for each in envelopes if each is not None})
        for arrival, envelope in self._gate.in_turn(zip(arrivals, envelopes, strict=True)):
            self._read(arrival, envelope, registry, the_round)
        if the_round.forgotten and store_is_up:
            self._compare(registry, the_round)
        self._screen(registry, the_round, may_ask=store_is_up)
        self._watch.judge(the_round.sightings, now)
        trouble = self._keep_rows(the_round) if store_is_up else None
        taken = self._finish(the_round, len(arrivals))
        if trouble is not None:
            raise StoreTrouble(taken) from trouble
        return taken

    def replay(self, kept: Replayed, now: datetime) -> Taken:
        """Take in again what lies in quarantine: what can be read leaves it, the rest stays with its new reason.

        Raises:
            LinkError: the database or the store takes nothing now; nothing has changed; mended by time.
        """
        the_round = self._begin(now)
        envelope = parse_readings(kept.topic)
        if envelope is not None:
            key, part = (envelope.device, envelope.epoch), IntervalSet(((kept.first, kept.last),))
            book = self._books.of(key)
            the_round.booking.books[key] = replace(book, quarantined=book.quarantined - part)
        registry = self._registry()
        self._read(kept, envelope, registry, the_round)
        self._screen(registry, the_round, may_ask=True)
        self._watch.judge(the_round.sightings, now)
        trouble = self._keep_rows(the_round)
        if trouble is not None:
            raise trouble
        the_round.booking.replayed.append(kept.entry)
        for key, book in the_round.booking.books.items():  # a conflict that is looked at again is no new one
            the_round.booking.books[key] = replace(book, conflict_ms=self._books.of(key).conflict_ms)
        return self._finish(the_round, 0)

    def _finish(self, the_round: _Round, arrivals: int) -> Taken:
        self._books.book(the_round.booking, to_ms(the_round.now))
        self._count(the_round, arrivals)
        return Taken(
            {key: self._books.of(key) for key in the_round.touched},
            _newest(the_round.sightings),
            the_round.stored,
        )

    def forget(self, of: Callable[[str], bool]) -> None:
        """Forget what these devices sent: another worker may have taken in more of it."""
        self._contents.forget(of)
        self._screener.forget(of)

    def _begin(self, now: datetime) -> _Round:
        return _Round(now, earliest_ms=to_ms(now - self._keep), latest_ms=to_ms(now + _MAX_AHEAD))

    def _read(
        self, arrival: Arrival, envelope: Envelope | None, registry: Registry, the_round: _Round
    ) -> None:
        if envelope is None:
            nowhere = Envelope(device_of(arrival.topic)[:16], "", 0, 0)
            self._set_aside(arrival, nowhere, Rejection.WRONG_TOPIC, "no readings topic", the_round)
            return
        if envelope.device not in registry.devices:
            # Not receipted: the device keeps its observations until somebody registers it.
            part = _part(arrival, envelope)
            self._set_aside(arrival, part, Rejection.UNKNOWN_DEVICE, "register it", the_round)
            return
        key = (envelope.device, envelope.epoch)
        the_round.touched.add(key)
        try:
            batch = decode(arrival.payload, envelope)
        except Malformed as fault:
            self._poison(arrival, _part(arrival, envelope), (fault.reason, fault.detail), the_round)
        except Exception as defect:  # noqa: BLE001 - a defect of ours must not stop the intake
            _log.exception("decoding_failed", topic=arrival.topic)
            self._poison(arrival, _part(arrival, envelope), (Rejection.DEFECT, repr(defect)), the_round)
        else:
            self._take_batch(_only(batch, arrival), arrival, envelope, registry, the_round)

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
                the_round.booking.timed.setdefault(key, []).append((record.seq, record.taken_ms))
                the_round.booking.books[key] = replace(book, noted=book.noted | unsettled)
                the_round.booking.books |= closed_by(
                    record, envelope.device, lambda of: self._book(of, the_round)
                )
        the_round.booking.books[key] = self._book(key, the_round).told_held(batch.held)

    def _take_observation(
        self, observation: Observation, arrival: Arrival, registry: Registry, the_round: _Round
    ) -> None:
        if not self._is_known(observation, arrival, the_round):
            self._take_new(observation, arrival, registry, the_round)

    def _take_new(
        self, observation: Observation, arrival: Arrival, registry: Registry, the_round: _Round
    ) -> None:
        fault = _misplaced_in_time(observation.taken_ms, the_round)
        water_point = registry.water_point(observation.device, observation.taken_ms)
        if fault is not None:
            self._poison(arrival, _place(observation), (fault, observation.taken_at.isoformat()), the_round)
        elif water_point is None:
            detail = f"{observation.device} was deployed nowhere at {observation.taken_at.isoformat()}"
            self._poison(arrival, _place(observation), (Rejection.NO_DEPLOYMENT, detail), the_round)
        else:
            the_round.rows.append(Row(water_point, observation, arrival.received_ms))
            the_round.sources.append(arrival)

    def _is_known(self, observation: Observation, arrival: Arrival, the_round: _Round) -> bool:
        """Whether we have it already; the same number with other content is an alarm, not a duplicate."""
        is_same = self._contents.is_same(observation)
        if is_same is False:
            self._alarm_conflict(observation, arrival, the_round)
            return True
        name, book = (observation.device, observation.epoch, observation.seq), None
        if name not in the_round.seen:
            book = self._book(name[:2], the_round)
            if observation.seq not in book.received:
                self._contents.remember(observation)
                the_round.seen.add(name)
                return False
        self.counters["repeated"] += 1
        if is_same is None and book is not None and observation.seq in book.stored:
            the_round.forgotten.setdefault(arrival.topic, (arrival, []))[1].append(observation)
        return True

    def _compare(self, registry: Registry, the_round: _Round) -> None:
        """Compare what came again, and is not remembered, with what the store holds under its number."""
        batches = list(the_round.forgotten.values())
        self.counters["repeated_uncompared"] += sum(len(repeated) for _, repeated in batches[AT_ONCE:])
        for arrival, repeated in batches[:AT_ONCE]:
            points = (stay.water_point for stay in registry.stays.get(repeated[0].device, ()))
            try:
                same = compare(self._store, self._books, repeated, points)
            except StoreUnavailable:
                self.counters["repeated_uncompared"] += len(repeated)
                return
            for observation in repeated:
                if same[observation.seq] is Same.NO:
                    self._alarm_conflict(observation, arrival, the_round)
                    continue
                self._contents.remember(observation)
                if same[observation.seq] is Same.LOST:
                    self.counters["stored_again"] += 1
                    self._take_new(observation, arrival, registry, the_round)

    def _alarm_conflict(self, observation: Observation, arrival: Arrival, the_round: _Round) -> None:
        place = _place(observation)
        key = (place.device, place.epoch)
        book = replace(self._book(key, the_round), conflict_ms=to_ms(the_round.now))
        the_round.booking.books[key] = book
        _log.error("sequence_conflict", device=place.device, epoch=place.epoch, seq=observation.seq)
        detail = f"seq {observation.seq} came with other content"
        if observation.seq in book.settled:
            self._set_aside(arrival, place, Rejection.SEQUENCE_CONFLICT, detail, the_round)
        else:  # nothing holds this number yet: book it, or the device would come with it for ever
            self._poison(arrival, place, (Rejection.SEQUENCE_CONFLICT, detail), the_round)

    def _screen(self, registry: Registry, the_round: _Round, *, may_ask: bool) -> None:
        """Judge what is new among its neighbours; until it is stored, none of it is taken for settled."""
        judged = self._screener.screen(the_round.rows, registry.bounds, may_ask=may_ask)
        the_round.rows, the_round.again = judged.rows, judged.again
        the_round.sightings = [
            Sighting(row.water_point, row.observation, from_ms(row.received_ms)) for row in judged.rows
        ]

    def _keep_rows(self, the_round: _Round) -> StoreUnavailable | None:
        """Write the rows and book them; returns the trouble when the store takes nothing now."""
        refused: dict[int, str] = {}
        try:
            if self._store_was_away:  # it may come back empty, or was away when we started
                self._store.prepare()
            if the_round.rows:
                self._confirm()
                self._store.write([*the_round.rows, *the_round.again])
        except StoreUnavailable as trouble:
            self._store_was_away = True
            return trouble
        except PointRejected as rejected:
            refused = rejected.reasons
        self._store_was_away = False
        for index, row in enumerate(the_round.rows):
            observation = row.observation
            if index in refused:
                fault = (Rejection.REFUSED_BY_STORE, refused[index])
                self._poison(the_round.sources[index], _place(observation), fault, the_round)
                continue
            the_round.stored.append(row)
        self._screener.stored(refused=[row for at, row in enumerate(the_round.rows) if at in refused])
        self.counters["judged_again"] += len(the_round.again)
        self._book_stored(the_round)
        return None

    def _book_stored(self, the_round: _Round) -> None:
        timed: dict[Key, list[tuple[int, int]]] = {}
        for row in the_round.stored:
            observation = row.observation
            pair = (observation.seq, observation.taken_ms)
            timed.setdefault((observation.device, observation.epoch), []).append(pair)
        for key, pairs in timed.items():
            the_round.booking.timed.setdefault(key, []).extend(pairs)
            book = self._book(key, the_round)
            stored = IntervalSet.of_numbers(seq for seq, _ in pairs)
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
                arrival.entry if isinstance(arrival, Replayed) else None,
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


def _misplaced_in_time(taken_ms: int, the_round: _Round) -> Rejection | None:
    if taken_ms > the_round.latest_ms:
        return Rejection.TIME_IN_FUTURE
    return Rejection.TIME_TOO_OLD if taken_ms < the_round.earliest_ms else None


def _newest(sightings: Iterable[Sighting]) -> dict[str, int]:
    newest: dict[str, int] = {}
    for sighting in sightings:
        at_ms = sighting.observation.taken_ms
        newest[sighting.water_point] = max(at_ms, newest.get(sighting.water_point, at_ms))
    return newest


def _place(observation: Observation) -> Envelope:
    return Envelope(observation.device, observation.epoch, observation.seq, observation.seq)


def _part(arrival: Arrival, envelope: Envelope) -> Envelope:
    """Which numbers of an envelope an arrival stands for."""
    if not isinstance(arrival, Replayed):
        return envelope
    return replace(envelope, first=arrival.first, last=arrival.last)


def _only(batch: Batch, arrival: Arrival) -> Batch:
    """What of a batch an arrival stands for; the rest of a batch in quarantine was taken in when it came."""
    if not isinstance(arrival, Replayed):
        return batch
    records = (each for each in batch.records if _overlaps(arrival, *span_of(each)))
    poisoned = (each for each in batch.poisoned if _overlaps(arrival, each.first, each.last))
    return Batch(batch.held, tuple(records), tuple(poisoned))


def _overlaps(kept: Replayed, first: int, last: int) -> bool:
    return first <= kept.last and last >= kept.first
