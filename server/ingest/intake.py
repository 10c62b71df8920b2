"""Intake: a round of arrivals, from bytes to booked. Decode, resolve, screen, watch, store, book, receipt.

**Order is the promise.** The watch comes before the store, so that breaches text while the store is down; the
receipt comes last, so that a crash anywhere before it makes the device come again; and what comes again changes
nothing, because watch and books know what they have seen.

A round never raises for what a device sent. It raises LinkError when the database cannot be reached: nothing of
the round is then receipted.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from alerts.watch import Sighting, Watch
from server.ingest.books import Books, Key
from server.ingest.custody import Book
from server.ingest.gate import Gate
from server.ingest.opening import opened
from server.ingest.questions import Questions
from server.ingest.repeats import Repeats
from server.ingest.round import Round, place_of
from server.ingest.screener import Screener
from server.ingest.subscriber import Arrival, Replayed
from server.registry.snapshot import Registry
from server.store.port import PointRejected, ReadingStore, Row, StoreUnavailable
from waterquality.intervals import IntervalSet
from waterquality.readings import Observation, from_ms, to_ms
from waterquality.topics import parse_readings
from waterquality.wire.rejection import Rejection

_T = TypeVar("_T")


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


class StoreTrouble(StoreUnavailable):
    """The store took nothing of this round; all else of it is done.

    Attributes:
        taken: what the round brought nevertheless.
    """

    def __init__(self, taken: Taken) -> None:
        super().__init__("the store takes nothing now")
        self.taken = taken


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
        written_late: tells the rows that the store has taken after it was given up, each once; None while it is
            still at them, and takes no others.
        questions: how long a round may ask the store.
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
        written_late: Callable[[], Sequence[Row] | None] = lambda: (),
        questions: Questions | None = None,
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
        self._written_late, self._questions = written_late, questions or Questions()
        self._given_up: set[Key] = set()  # whose rows may be written late
        self._repeats = Repeats(store)
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
        late = self._written_late()
        store_is_up = store_is_up and late is not None
        self._book_late(the_round, late or ())
        envelopes = [parse_readings(arrival.topic) for arrival in arrivals]
        self._books.recall({(each.device, each.epoch) for each in envelopes if each is not None})
        for arrival, envelope in self._gate.in_turn(zip(arrivals, envelopes, strict=True)):
            for observation in opened(arrival, envelope, the_round):
                if not self._repeats.is_known(observation, arrival, the_round):
                    _take_new(observation, arrival, the_round)
        if the_round.forgotten and store_is_up:
            for observation, arrival in self._repeats.lost(the_round, self._questions):
                _take_new(observation, arrival, the_round)
        self._screen(the_round, may_ask=store_is_up)
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
            the_round.change(key, replace(book, quarantined=book.quarantined - part))
        for observation in opened(kept, envelope, the_round):
            if not self._repeats.is_known(observation, kept, the_round):
                _take_new(observation, kept, the_round)
        self._screen(the_round, may_ask=True)
        self._watch.judge(the_round.sightings, now)
        trouble = self._keep_rows(the_round)
        if trouble is not None:
            raise trouble
        the_round.booking.replayed.append(kept.entry)
        for key, book in the_round.booking.books.items():  # a conflict that is looked at again is no new one
            the_round.change(key, replace(book, conflict_ms=self._books.of(key).conflict_ms))
        return self._finish(the_round, 0)

    def forget(self, of: Callable[[str], bool]) -> None:
        """Forget what these devices sent: another worker may have taken in more of it."""
        self._given_up = {key for key in self._given_up if not of(key[0])}
        self._repeats.forget(of)
        self._screener.forget(of)

    def _begin(self, now: datetime) -> Round:
        self._questions.begin()
        return Round.beginning(now, self._registry(), self._books, self.counters, self._keep)

    def _screen(self, the_round: Round, *, may_ask: bool) -> None:
        """Judge what is new among its neighbours; until it is stored, none of it is taken for settled.

        What there was no time to ask for is judged by what is in memory, and stays with its device for now.
        """
        judged = self._screener.screen(
            the_round.rows, the_round.registry.bounds, may_ask=lambda: may_ask and self._questions.may_go_on
        )
        the_round.sightings = [
            Sighting(row.water_point, row.observation, from_ms(row.received_ms)) for row in judged.rows
        ]
        the_round.rows, the_round.again = judged.rows, judged.again
        if may_ask and judged.held_back:
            self.counters["held_back"] += len(judged.held_back)
            the_round.rows = _but_for(judged.held_back, judged.rows)
            the_round.sources = _but_for(judged.held_back, the_round.sources)

    def _keep_rows(self, the_round: Round) -> StoreUnavailable | None:
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
            self._given_up |= {_key(row) for row in the_round.rows}
            return trouble
        except PointRejected as rejected:
            refused = rejected.reasons
        self._store_was_away = False
        self._sort_out(the_round, refused)
        self.counters["judged_again"] += len(the_round.again)
        _book_stored(the_round, the_round.stored)
        return None

    def _book_late(self, the_round: Round, written: Sequence[Row]) -> None:
        """Book what the store has taken after all, unless somebody else has the device now."""
        late = [row for row in written if _key(row) in self._given_up]
        if late:
            keys = {_key(row) for row in late}
            self._given_up -= keys
            self._books.recall(keys)
            _book_stored(the_round, late)
            the_round.touched |= keys
            self.counters["stored_late"] += len(late)

    def _sort_out(self, the_round: Round, refused: Mapping[int, str]) -> None:
        """What the store refused for good is set aside; the rest is stored."""
        for index, row in enumerate(the_round.rows):
            if index not in refused:
                the_round.stored.append(row)
                continue
            place = place_of(row.observation)
            the_round.poison(the_round.sources[index], place, Rejection.REFUSED_BY_STORE, refused[index])
        self._screener.stored(refused=[row for at, row in enumerate(the_round.rows) if at in refused])

    def _finish(self, the_round: Round, arrivals: int) -> Taken:
        self._books.book(the_round.booking, to_ms(the_round.now))
        self.counters["arrivals"] += arrivals
        self.counters["stored"] += len(the_round.stored)
        self.counters["judged"] += len(the_round.sightings)
        return Taken(
            {key: self._books.of(key) for key in the_round.touched},
            _newest(the_round.sightings),
            the_round.stored,
        )


def _take_new(observation: Observation, arrival: Arrival, the_round: Round) -> None:
    """Find where it was taken; what was taken nowhere, or at no time that can be, is set aside."""
    fault = the_round.misplaced_in_time(observation.taken_ms)
    water_point = the_round.registry.water_point(observation.device, observation.taken_ms)
    if fault is not None:
        the_round.poison(arrival, place_of(observation), fault, observation.taken_at.isoformat())
    elif water_point is None:
        detail = f"{observation.device} was deployed nowhere at {observation.taken_at.isoformat()}"
        the_round.poison(arrival, place_of(observation), Rejection.NO_DEPLOYMENT, detail)
    else:
        the_round.rows.append(Row(water_point, observation, arrival.received_ms))
        the_round.sources.append(arrival)


def _but_for(indexes: frozenset[int], of: Sequence[_T]) -> list[_T]:
    return [each for index, each in enumerate(of) if index not in indexes]


def _key(row: Row) -> Key:
    return row.observation.device, row.observation.epoch


def _book_stored(the_round: Round, rows: Iterable[Row]) -> None:
    timed: dict[Key, list[tuple[int, int]]] = {}
    for row in rows:
        timed.setdefault(_key(row), []).append((row.observation.seq, row.observation.taken_ms))
    for key, pairs in timed.items():
        the_round.booking.timed.setdefault(key, []).extend(pairs)
        book, stored = the_round.book(key), IntervalSet.of_numbers(seq for seq, _ in pairs)
        the_round.change(key, replace(book, stored=book.stored | stored, missing=book.missing - stored))


def _newest(sightings: Iterable[Sighting]) -> dict[str, int]:
    newest: dict[str, int] = {}
    for sighting in sightings:
        at_ms = sighting.observation.taken_ms
        newest[sighting.water_point] = max(at_ms, newest.get(sighting.water_point, at_ms))
    return newest
