"""A round while it is taken in: what it has gathered, and what it will change in the books."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from alerts.watch import Sighting
from server.ingest.books import Booking, Books, Key
from server.ingest.custody import Book
from server.ingest.quarantine import Quarantined
from server.ingest.subscriber import Arrival, Replayed
from server.registry.snapshot import Registry
from server.store.port import Row
from waterquality.intervals import IntervalSet
from waterquality.readings import Observation, to_ms
from waterquality.topics import Envelope
from waterquality.wire.rejection import Rejection

_log = structlog.get_logger()
_MAX_AHEAD = timedelta(minutes=5)


@dataclass(slots=True)
class Round:
    """What a round has gathered so far.

    Attributes:
        now: the server's time.
        registry: as it stood when the round began.
        books: as they stood when the round began.
        counters: of the intake; what is set aside is counted at once.
        earliest_ms: what was taken before is no observation of this water; milliseconds since 1970, UTC.
        latest_ms: nor is what was taken after.
        booking: what it changes in the books.
        rows: what is to be stored.
        again: rows of earlier rounds, judged otherwise now.
        sources: what each row came with.
        sightings: what the watch is to judge.
        touched: whom to give a receipt.
        stored: rows that the store has taken.
        seen: numbers that came in this round, as (device, epoch, number).
        forgotten: what came again and is not remembered, by topic.
    """

    now: datetime
    registry: Registry
    books: Books
    counters: Counter[str]
    earliest_ms: int
    latest_ms: int
    booking: Booking = field(default_factory=Booking)
    rows: list[Row] = field(default_factory=list)
    again: Sequence[Row] = ()
    sources: list[Arrival] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    touched: set[Key] = field(default_factory=set)
    stored: list[Row] = field(default_factory=list)
    seen: set[tuple[str, str, int]] = field(default_factory=set)
    forgotten: dict[str, tuple[Arrival, list[Observation]]] = field(default_factory=dict)

    @classmethod
    def beginning(
        cls, now: datetime, registry: Registry, books: Books, counters: Counter[str], keep: timedelta
    ) -> "Round":
        """A round that begins now and takes nothing that is older than `keep`."""
        earliest_ms, latest_ms = to_ms(now - keep), to_ms(now + _MAX_AHEAD)
        return cls(now, registry, books, counters, earliest_ms=earliest_ms, latest_ms=latest_ms)

    def book(self, key: Key) -> Book:
        """The book of a (device, epoch) as this round has changed it."""
        return self.booking.books.get(key) or self.books.of(key)

    def change(self, key: Key, book: Book) -> None:
        """This is how it stands now."""
        self.booking.books[key] = book

    def misplaced_in_time(self, taken_ms: int) -> Rejection | None:
        """Why an instant can be none of an observation that comes now; None where it can."""
        if taken_ms > self.latest_ms:
            return Rejection.TIME_IN_FUTURE
        return Rejection.TIME_TOO_OLD if taken_ms < self.earliest_ms else None

    def poison(self, arrival: Arrival, place: Envelope, reason: Rejection, detail: str) -> None:
        """Set numbers aside and book them, so that the device may forget them."""
        key = (place.device, place.epoch)
        book = self.book(key)
        unsettled = IntervalSet(((place.first, place.last),)) - book.settled
        if not unsettled:
            self.counters["repeated"] += 1
            return
        self.change(key, replace(book, quarantined=book.quarantined | unsettled))
        self.set_aside(arrival, place, reason, detail)

    def set_aside(self, arrival: Arrival, place: Envelope, reason: Rejection, detail: str) -> None:
        """Keep what came, with the reason; nothing is booked."""
        self.counters[f"quarantined_{reason}"] += 1
        _log.warning("arrival_quarantined", topic=arrival.topic, reason=str(reason), detail=detail)
        self.booking.quarantined.append(
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

    def alarm_conflict(self, observation: Observation, arrival: Arrival) -> None:
        """The same number came with other content: an alarm, and no repeat."""
        place = place_of(observation)
        key = (place.device, place.epoch)
        self.change(key, replace(self.book(key), conflict_ms=to_ms(self.now)))
        _log.error("sequence_conflict", device=place.device, epoch=place.epoch, seq=observation.seq)
        detail = f"seq {observation.seq} came with other content"
        if observation.seq in self.book(key).settled:
            self.set_aside(arrival, place, Rejection.SEQUENCE_CONFLICT, detail)
        else:  # nothing holds this number yet: book it, or the device would come with it for ever
            self.poison(arrival, place, Rejection.SEQUENCE_CONFLICT, detail)


def place_of(observation: Observation) -> Envelope:
    """The envelope of an observation alone."""
    return Envelope(observation.device, observation.epoch, observation.seq, observation.seq)
