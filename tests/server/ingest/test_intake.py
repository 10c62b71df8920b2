"""Intake: a round from bytes to booked, on a real database and a real store."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from alerts.memory import MemoryLedger
from alerts.watch import Watch
from server.database.engine import Database
from server.database.migrate import migrate
from server.database.models import QuarantineRow, RecordRow
from server.ingest import quarantine as quarantine_module
from server.ingest.books import Booking, Books
from server.ingest.custody import Book
from server.ingest.intake import Intake, StoreTrouble, Taken
from server.ingest.questions import Questions
from server.ingest.receipts import Receipts
from server.ingest.subscriber import Arrival, Portion, Subscriber
from server.registry.snapshot import Registry, Stay
from server.store.patient import PatientStore
from server.store.port import PointRejected, Row, StoreUnavailable
from server.store.sqlite import SqliteReadingStore
from tests.builders import EPOCH, instant, observation, reading, row
from tests.fakes.patience import eventually
from tests.fakes.slow_store import HandWound, SlowStore
from tests.fakes.town import Town
from waterquality.flags import Flag
from waterquality.intervals import IntervalSet
from waterquality.parameters import Parameter
from waterquality.readings import Observation, to_ms
from waterquality.topics import Envelope, of_device, readings
from waterquality.wire.encode import encode, pack
from waterquality.wire.messages import decode_receipt
from waterquality.wire.records import Certificate, Gap, GapWhy, Note, NoteKind, Record

NOW = instant("2026-11-20T06:00:00Z")
PLENTY = Portion(messages=10, payload_bytes=1_000, numbers=1_000)
KEY = ("kk-0001", EPOCH)
REGISTRY = Registry(
    frozenset({"kk-0001"}),
    {
        "kk-0001": (
            Stay("kk-0001", "algeti", to_ms(NOW - timedelta(days=1)), None),
            Stay("kk-0001", "bolnisi", to_ms(NOW - timedelta(days=9)), to_ms(NOW - timedelta(days=1))),
        )
    },
)


class FlakyStore(SqliteReadingStore):
    """The real store, which may be told to be away or to refuse numbers."""

    is_away = False
    refuses: frozenset[int] = frozenset()

    def write(self, rows: list[Row]) -> None:  # type: ignore[override]
        if self.is_away:
            raise StoreUnavailable("the store is away")
        bad = {at: "refused" for at, row in enumerate(rows) if row.observation.seq in self.refuses}
        super().write([row for at, row in enumerate(rows) if at not in bad])
        if bad:
            raise PointRejected(bad)


class Station:
    """An intake with everything real around it but the network."""

    def __init__(self, folder: Path, database: Database | None = None) -> None:
        self.database = database or Database(f"sqlite:///{folder / 'tskaro.db'}")
        migrate(self.database)
        self.store = FlakyStore(folder / "readings.db")
        self.store.prepare()
        self.ledger = MemoryLedger()
        self.registry = REGISTRY
        self.restart()

    def restart(
        self,
        written_late: Callable[[], Sequence[Row] | None] = lambda: (),
        questions: Questions | None = None,
    ) -> None:
        self.books = Books(self.database)
        self.intake = Intake(
            store=self.store,
            books=self.books,
            watch=Watch(self.ledger, Town()),
            registry=lambda: self.registry,
            keep=timedelta(days=30),
            written_late=written_late,
            questions=questions,
        )

    def take(self, *arrivals: Arrival, **options: bool) -> Taken:
        return self.intake.take(arrivals, NOW, **options)

    def stored(self) -> list[int]:
        identities = {
            found
            for point in ("algeti", "bolnisi")
            for found in self.store.identities(point, "kk-0001", since_ms=0, until_ms=to_ms(NOW))
        }
        return sorted(seq for _, seq, _ in identities)

    def quarantined(self) -> list[tuple[int, int, str, int]]:
        row = QuarantineRow
        with self.database.reading() as connection:
            found = connection.execute(select(row.first, row.last, row.reason, row.times).order_by(row.id))
            return [tuple(one) for one in found]  # type: ignore[misc]

    def settled(self) -> IntervalSet:
        return Books(self.database).of(KEY).settled


@pytest.fixture
def station(tmp_path: Path, database: Database) -> Station:
    return Station(tmp_path, database)


def seen(seq: int, **water: object) -> Observation:
    return observation(seq=seq, at=NOW - timedelta(minutes=60 - seq), **water)  # type: ignore[arg-type]


def batch(*records: Record, held: int = 1, first: int | None = None, last: int | None = None) -> Arrival:
    packed = [pack(record) for record in records]
    packed = [type(one)(one.first, one.last, one.taken_ms or to_ms(NOW), one.body) for one in packed]
    envelope = Envelope(*KEY, first or packed[0].first, last or packed[-1].last)
    return Arrival(readings(envelope), encode(*KEY, held, packed), to_ms(NOW))


def junk(first: int, last: int, payload: bytes = b"junk") -> Arrival:
    return Arrival(readings(Envelope(*KEY, first, last)), payload, to_ms(NOW))


def test_a_batch_is_stored_booked_and_owed_a_receipt(station: Station) -> None:
    taken = station.take(batch(seen(1), seen(2), seen(3)))

    assert station.stored() == [1, 2, 3]
    assert taken.receipts[KEY].receipt(EPOCH, 0).through == 3
    assert {"algeti"} == set(taken.seen)


def test_a_repeated_batch_changes_nothing_and_is_receipted_again(station: Station) -> None:
    station.take(batch(seen(1), seen(2)))
    changes = len(station.ledger.changes)

    taken = station.take(batch(seen(1), seen(2)), batch(seen(2)))

    assert station.stored() == [1, 2]
    assert tuple(taken.stored) == ()
    assert changes == len(station.ledger.changes)
    assert taken.receipts[KEY].receipt(EPOCH, 0).through == 2


def spiking(seq: int, ph: float) -> Observation:
    return seen(seq, ph=reading("ph", ph, flag=Flag.UNKNOWN))


def test_a_neighbour_that_is_judged_anew_is_written_again_and_is_nothing_new(station: Station) -> None:
    station.take(batch(spiking(1, 7.4), spiking(2, 7.65)))
    judged = station.intake.counters["judged"]

    taken = station.take(batch(spiking(3, 7.4)))

    assert [row.observation.seq for row in taken.stored] == [3]
    assert station.intake.counters["judged"] == judged + 1
    assert station.intake.counters["judged_again"] == 1
    assert station.stored() == [1, 2, 3]
    assert Books(station.database).of(KEY).stored.spans == ((1, 3),)
    found = station.store.neighbours(
        "algeti", "kk-0001", since_ms=0, until_ms=to_ms(NOW), at_most=9, newest=True
    )
    assert [row.observation.readings[Parameter.PH].screened.why for row in found] == ["", "spike", ""]


def test_a_neighbour_is_judged_anew_though_the_store_was_away_when_its_successor_came(
    station: Station,
) -> None:
    station.take(batch(spiking(1, 7.4), spiking(2, 7.65)))
    station.store.is_away = True
    with pytest.raises(StoreTrouble):
        station.take(batch(spiking(3, 7.4)))
    station.store.is_away = False

    station.take(batch(spiking(3, 7.4)))

    assert station.stored() == [1, 2, 3]
    assert station.intake.counters["judged_again"] == 1


def test_the_same_batch_twice_in_one_round_counts_once(station: Station) -> None:
    taken = station.take(batch(seen(1)), batch(seen(1)))

    assert len(taken.stored) == 1


@settings(max_examples=25)
@given(data=st.data())
def test_any_order_any_doubling_any_poison_ends_right(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    station = Station(tmp_path_factory.mktemp("station"))
    cuts = sorted(data.draw(st.sets(st.integers(2, 20), max_size=6)) | {1, 21})
    batches = [
        junk(first, after - 1) if data.draw(st.booleans()) else batch(*(seen(n) for n in range(first, after)))
        for first, after in pairwise(cuts)
    ]
    sent = data.draw(st.permutations(batches + data.draw(st.lists(st.sampled_from(batches), max_size=5))))
    for arrival in sent:
        if data.draw(st.booleans()):
            station.restart()
        station.take(arrival)

    book = Books(station.database).of(KEY)
    assert book.settled.spans == ((1, 20),)
    assert not (set(book.stored) & set(book.quarantined))
    assert list(book.stored) == station.stored()


def test_while_the_store_is_away_breaches_are_judged_and_nothing_is_receipted(station: Station) -> None:
    station.store.is_away = True
    breach = [batch(seen(n, ph=5.2)) for n in range(50, 60)]

    with pytest.raises(StoreTrouble) as trouble:
        station.take(*breach)

    assert len(station.ledger.notifications) == 2
    assert trouble.value.taken.receipts[KEY].receipt(EPOCH, 0).through == 0
    assert len(trouble.value.taken.receipts[KEY].settled) == 0

    station.store.is_away = False
    station.take(*breach)
    assert list(range(50, 60)) == station.stored()
    assert len(station.ledger.notifications) == 2


def test_what_is_only_judged_stays_with_the_device(station: Station) -> None:
    taken = station.take(batch(seen(1)), store_is_up=False)

    assert len(taken.receipts[KEY].settled) == 0
    assert station.stored() == []


def test_what_the_store_refuses_is_set_aside_and_the_rest_is_stored(station: Station) -> None:
    station.store.refuses = frozenset({2})

    station.take(batch(seen(1), seen(2), seen(3)))

    assert station.stored() == [1, 3]
    assert station.quarantined() == [(2, 2, "refused_by_store", 1)]
    assert station.settled().spans == ((1, 3),)


def test_an_undecodable_payload_is_booked_by_its_topic_and_the_next_good_one_is_taken(
    station: Station,
) -> None:
    station.take(junk(1, 3), batch(seen(4)))

    assert station.quarantined() == [(1, 3, "not_json", 1)]
    assert station.stored() == [4]
    assert station.settled().spans == ((1, 4),)


def test_a_poisoned_repeat_of_what_is_stored_takes_nothing_back(station: Station) -> None:
    station.take(batch(seen(1), seen(2)))

    station.take(junk(1, 3))

    book = Books(station.database).of(KEY)
    assert book.stored.spans == ((1, 2),)
    assert book.quarantined.spans == ((3, 3),)


def test_an_unknown_device_is_not_receipted_so_that_it_keeps_what_it_has(station: Station) -> None:
    station.registry = Registry()

    taken = station.take(batch(seen(1)), batch(seen(1)))

    assert taken.receipts == {}
    assert station.quarantined() == [(1, 1, "unknown_device", 2)]
    station.registry = REGISTRY
    station.take(batch(seen(1)))
    assert station.stored() == [1]


def test_a_backlog_goes_to_where_the_device_stood_then(station: Station) -> None:
    before = observation(seq=1, at=NOW - timedelta(days=2))

    station.take(batch(before, seen(2)))

    newest = station.store.latest(["algeti", "bolnisi"], since=NOW - timedelta(days=9), until=NOW)
    assert newest["bolnisi"].observation.seq == 1
    assert newest["algeti"].observation.seq == 2


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        pytest.param(NOW + timedelta(minutes=6), "time_in_future", id="six minutes ahead"),
        pytest.param(instant("2100-01-01T00:00:00Z"), "time_in_future", id="the year 2100"),
        pytest.param(NOW - timedelta(days=31), "time_too_old", id="older than we keep"),
        pytest.param(NOW - timedelta(days=20), "no_deployment", id="before it was deployed"),
    ],
)
def test_an_impossible_time_or_place_is_set_aside_and_booked(
    station: Station, at: object, reason: str
) -> None:
    station.take(batch(observation(seq=1, at=at)))  # type: ignore[arg-type]

    assert [(1, 1, reason, 1)] == station.quarantined()
    assert station.settled().spans == ((1, 1),)


def test_a_device_a_little_ahead_of_us_is_believed(station: Station) -> None:
    station.take(batch(observation(seq=1, at=NOW + timedelta(minutes=4))))

    assert station.quarantined() == []


def test_the_same_number_with_other_content_is_an_alarm_and_the_first_one_stays(station: Station) -> None:
    station.take(batch(seen(1, turbidity=0.3)))

    station.take(batch(seen(1, turbidity=7.0)))

    assert station.quarantined() == [(1, 1, "sequence_conflict", 1)]
    newest = station.store.latest(["algeti"], since=NOW - timedelta(days=1), until=NOW)["algeti"]
    assert [one.value for one in newest.observation.readings.values() if one.parameter == "turbidity"] == [
        0.3
    ]


def test_gaps_certificates_and_notes_are_booked(station: Station) -> None:
    station.take(
        batch(
            Gap(1, 5, GapWhy.OUTBOX_FULL),
            Certificate(6, to_ms(NOW), '{"id":"c-1"}'),
            Note(7, to_ms(NOW), NoteKind.SERVICE_BEGUN, "cleaning"),
        )
    )

    book = Books(station.database).of(KEY)
    assert (book.gaps.spans, book.noted.spans) == (((1, 5),), ((6, 7),))
    with station.database.reading() as connection:
        kept = connection.execute(select(RecordRow.kind, RecordRow.body).order_by(RecordRow.seq)).all()
    assert [tuple(one) for one in kept] == [("certificate", '{"id":"c-1"}'), ("service_begun", "cleaning")]


def test_what_a_restored_server_never_got_and_the_device_has_dropped_is_missing(station: Station) -> None:
    taken = station.take(batch(seen(8), seen(9), held=8))

    assert Books(station.database).of(KEY).missing.spans == ((1, 7),)
    assert taken.receipts[KEY].receipt(EPOCH, 0).through == 9


def test_a_topic_that_is_not_ours_is_set_aside(station: Station) -> None:
    station.take(Arrival("tskaro/1/0/kk-0001/readings/nonsense", b"x", to_ms(NOW)), batch(seen(1)))

    assert [reason for _, _, reason, _ in station.quarantined()] == ["wrong_topic"]
    assert station.stored() == [1]


def test_a_store_that_is_slow_and_sound_is_receipted_when_the_device_comes_again(tmp_path: Path) -> None:
    station = Station(tmp_path)
    clock = HandWound()
    slow = SlowStore(tmp_path / "slow.db", clock, takes_s=2.0)
    slow.prepare()
    station.store = PatientStore(slow, patience_s=0.05, clock=clock)  # type: ignore[assignment]
    station.restart()
    three = batch(seen(1), seen(2), seen(3))
    with pytest.raises(StoreUnavailable):  # given up, though it succeeds in the end
        station.take(three)
    eventually(lambda: station.stored() == [1, 2, 3])

    taken = station.take(three)  # which makes sure of the store first, as after any trouble

    assert IntervalSet(((1, 3),)) == taken.receipts[KEY].stored


def test_what_a_store_takes_after_it_was_given_up_is_booked_and_receipted(tmp_path: Path) -> None:
    station = Station(tmp_path)
    clock = HandWound()
    slow = SlowStore(tmp_path / "slow.db", clock, takes_s=60.0)
    slow.prepare()
    patient = PatientStore(slow, patience_s=0.05, longest_s=0.1, clock=clock)
    station.store = patient  # type: ignore[assignment]
    station.restart(written_late=patient.written_late)
    with pytest.raises(StoreUnavailable):
        station.take(batch(seen(1), seen(2)))
    eventually(lambda: station.stored() == [1, 2])

    with pytest.raises(StoreTrouble) as trouble:  # the next one is given up as well
        station.take(batch(seen(3)))

    assert IntervalSet(((1, 2),)) == trouble.value.taken.receipts[KEY].stored
    assert station.intake.counters["stored_late"] == 2


def test_while_the_store_is_still_at_the_last_write_a_round_is_judged_and_asks_it_nothing(
    tmp_path: Path,
) -> None:
    station = Station(tmp_path)
    station.take(batch(seen(1)))
    station.restart(written_late=lambda: None)

    taken = station.take(batch(seen(2)))

    assert station.stored() == [1]
    assert IntervalSet(((1, 1),)) == taken.receipts[KEY].stored
    assert taken.seen
    assert station.intake.counters["judged"] == 1


def test_what_there_is_no_time_to_ask_for_stays_with_its_device_and_is_judged_at_once(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.take(batch(seen(1)))
    station.restart(questions=Questions(at_most_s=0.0))

    taken = station.take(batch(seen(2)))

    assert station.stored() == [1]
    assert taken.seen
    assert station.intake.counters["held_back"] == 1
    station.restart()
    assert IntervalSet(((1, 2),)) == station.take(batch(seen(2))).receipts[KEY].stored


def test_what_a_store_takes_late_is_not_booked_by_who_has_lost_the_device_meanwhile(tmp_path: Path) -> None:
    station = Station(tmp_path)
    given_up = [row(seen(1), water_point="algeti")]
    station.restart(written_late=lambda: given_up)
    station.store.is_away = True
    with pytest.raises(StoreUnavailable):
        station.take(batch(seen(1)))
    station.store.is_away = False
    station.intake.forget(lambda _: True)

    taken = station.take(batch(seen(2)))

    assert IntervalSet(((2, 2),)) == taken.receipts[KEY].stored


def test_a_retained_reading_is_ignored_and_counted() -> None:
    subscriber = Subscriber(lambda: NOW)

    subscriber.take("t", b"x", is_retained=True)

    assert subscriber.drain(PLENTY, 0) == ()
    assert subscriber.counters["retained_ignored"] == 1


def test_a_full_queue_drops_and_counts() -> None:
    subscriber = Subscriber(lambda: NOW, capacity=2)

    for number in range(5):
        subscriber.take(str(number), b"", is_retained=False)

    assert [arrival.topic for arrival in subscriber.drain(PLENTY, 0)] == ["0", "1"]
    assert subscriber.counters["dropped_queue_full"] == 3


def test_a_round_is_no_larger_than_it_may_be_in_messages_bytes_and_numbers() -> None:
    subscriber = Subscriber(lambda: NOW)
    topics = ["0", "1", "2", "3", "r/1-60", "r/61-120", "r/121"]
    for topic in topics:
        subscriber.take(topic, b"x" * 100, is_retained=False)

    rounds = [
        subscriber.drain(replace(PLENTY, messages=2), 0),
        subscriber.drain(replace(PLENTY, payload_bytes=150), 0),
        subscriber.drain(replace(PLENTY, numbers=100), 0),
        subscriber.drain(PLENTY, 0),
    ]

    assert [[arrival.topic for arrival in each] for each in rounds] == [
        ["0", "1"],
        ["2", "3"],
        ["r/1-60", "r/61-120"],
        ["r/121"],
    ]


def test_while_arrivals_wait_or_the_broker_is_away_nobody_is_listening() -> None:
    subscriber = Subscriber(lambda: NOW)
    assert subscriber.listening_since() is None

    subscriber.is_connected(connected=True)
    assert subscriber.listening_since() == NOW

    subscriber.take("t", b"", is_retained=False)
    assert subscriber.listening_since() is None
    subscriber.drain(PLENTY, 0)
    assert subscriber.listening_since() == NOW

    subscriber.is_connected(connected=False)
    assert subscriber.listening_since() is None


class Wire:
    """Where receipts go; may be down."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.is_up = True

    def publish(self, topic: str, payload: bytes) -> bool:
        if self.is_up:
            self.sent.append((topic, payload))
        return self.is_up


def test_receipts_are_coalesced_and_the_newest_is_sent(station: Station) -> None:
    wire = Wire()
    receipts = Receipts(wire.publish, every_s=0.2)
    for seq in (1, 2, 3):
        receipts.owe(station.take(batch(seen(seq))).receipts)
        receipts.flush(100.0, 5_000)

    assert decode_receipt(wire.sent[0][1]).through == 1
    assert pytest.approx(0.1) == receipts.flush(100.1, 5_000)
    assert receipts.flush(100.2, 6_000) is None
    assert [(of_device("kk-0001", "receipt"), 3, 6_000)] == [
        (topic, decode_receipt(payload).through, decode_receipt(payload).server_ms)
        for topic, payload in wire.sent[1:]
    ]


def test_a_receipt_that_could_not_be_sent_stays_owed(station: Station) -> None:
    wire = Wire()
    wire.is_up = False
    receipts = Receipts(wire.publish)
    receipts.owe(station.take(batch(seen(1))).receipts)
    receipts.flush(100.0, 0)
    wire.is_up = True

    receipts.flush(101.0, 0)

    assert len(wire.sent) == 1


def test_the_quarantine_is_bounded(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine_module, "_MAX_QUARANTINED", 5)
    for first in range(1, 21):
        station.take(junk(first, first))

    assert [first for first, *_ in station.quarantined()] == [16, 17, 18, 19, 20]
    assert station.settled().spans == ((1, 20),)


def test_two_writers_of_one_database_wait_for_each_other(station: Station) -> None:
    other = Database(station.database.url)
    failures: list[Exception] = []

    def write(database: Database, start: int) -> None:
        books = Books(database)
        try:
            for n in range(20):
                key = ("kk-0001", f"{start + n:08x}")
                books.book(Booking({key: Book(stored=IntervalSet(((1, n + 1),)))}), 0)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test names it
            failures.append(error)

    threads = [
        threading.Thread(target=write, args=(one, n * 100)) for n, one in enumerate((station.database, other))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(Books(station.database).all()) == 40


def test_what_was_missing_and_comes_after_all_is_stored(station: Station) -> None:
    station.take(batch(seen(8), held=8))

    station.take(batch(seen(3), held=1))

    book = Books(station.database).of(KEY)
    assert [3, 8] == station.stored()
    assert ((1, 2), (4, 7)) == book.missing.spans


def test_a_number_that_came_with_two_contents_before_it_was_stored_is_booked(station: Station) -> None:
    station.take(batch(seen(1, turbidity=0.3)), store_is_up=False)

    station.take(batch(seen(1, turbidity=7.0)))

    assert [(1, 1, "sequence_conflict", 1)] == station.quarantined()
    assert ((1, 1),) == station.settled().spans


def test_after_a_restart_other_content_under_a_stored_number_is_still_an_alarm(station: Station) -> None:
    station.take(batch(seen(1), seen(2), seen(3)))
    station.restart()

    taken = station.take(batch(observation(seq=2, at=NOW - timedelta(minutes=5))), batch(seen(3)))

    assert station.quarantined() == [(2, 2, "sequence_conflict", 1)]
    assert taken.receipts[KEY].conflict_ms == to_ms(NOW)
    assert station.stored() == [1, 2, 3]
    assert station.intake.counters["repeated"] == 2


def test_what_the_store_has_lost_and_a_device_still_holds_is_stored_again(
    station: Station, tmp_path: Path
) -> None:
    station.take(batch(seen(1), seen(2), seen(3)))
    for file in tmp_path.glob("readings.db*"):
        file.unlink()
    station.store = FlakyStore(tmp_path / "readings.db")
    station.store.prepare()
    station.restart()

    station.take(batch(seen(2), seen(3)))

    assert station.stored() == [2, 3]
    assert station.quarantined() == []
    assert station.intake.counters["stored_again"] == 2


def test_repeats_that_cannot_be_compared_are_counted(station: Station) -> None:
    many = [batch(seen(n)) for n in range(1, 26)]
    station.take(*many)
    station.restart()

    station.take(*many)

    assert station.intake.counters["repeated_uncompared"] == 5
    assert station.quarantined() == []


def test_since_when_a_number_waits_is_known_also_after_a_restart(station: Station) -> None:
    station.take(batch(seen(1)), batch(seen(4)))
    first = station.books.of(KEY).awaited_ms
    station.restart()
    station.intake.take([batch(seen(5))], NOW + timedelta(minutes=30))

    assert first == to_ms(NOW)
    assert station.books.of(KEY).awaited_ms == first
    assert (station.books.of(KEY).through, station.books.of(KEY).head) == (1, 5)

    station.intake.take([batch(seen(2))], NOW + timedelta(minutes=31))
    assert station.books.of(KEY).awaited_ms == to_ms(NOW + timedelta(minutes=31))
    station.intake.take([batch(seen(3))], NOW + timedelta(minutes=32))
    assert station.books.of(KEY).awaited_ms is None
