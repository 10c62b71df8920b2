"""Small work on the books: receipts after a break, what a look into the store found, epochs that were left."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from server.database.engine import Database
from server.database.models import CustodyDayRow
from server.ingest.books import Booking
from server.ingest.custody import Book
from server.ingest.devices import DeviceNews
from server.ingest.receipts import Receipts
from server.ingest.reconciling import Check, look_for, write_check
from server.ingest.upkeep import Upkeep
from server.registry.writing import add_device
from tests.server.ingest.test_intake import KEY, NOW, Station, batch, seen
from waterquality.intervals import IntervalSet
from waterquality.readings import to_ms
from waterquality.topics import of_device
from waterquality.wire.messages import Health, decode_receipt, encode_health

DAY = timedelta(days=1)


class Keeping:
    """The upkeep of a station, and what it tells devices."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.station = Station(folder, database)
        self.receipts = Receipts(self._publish, every_s=0)
        self.news = DeviceNews(lambda: NOW)
        self.told: list[tuple[str, int]] = []
        self.begin()

    def begin(self) -> None:
        self.upkeep = Upkeep(
            database=self.station.database,
            books=self.station.books,
            intake=self.station.intake,
            receipts=self.receipts,
            news=self.news,
            keep=timedelta(days=30),
        )

    def turn(self, now: datetime = NOW) -> None:
        self.upkeep.turn(now)
        self.receipts.flush(1.0, to_ms(now))

    def is_in_epoch(self, epoch: str) -> None:
        health = Health(epoch, 9, 1, 9, 0, True, 1.0, to_ms(NOW))
        self.news.take(of_device("kk-0001", "health"), encode_health(health), False)

    def _publish(self, topic: str, payload: bytes) -> bool:
        receipt = decode_receipt(payload)
        self.told.append((receipt.epoch, receipt.through))
        return True


@pytest.fixture
def keeping(tmp_path: Path, database: Database) -> Keeping:
    return Keeping(tmp_path, database)


def test_after_each_connection_the_newest_receipt_of_every_device_is_published_again(
    keeping: Keeping,
) -> None:
    older = Booking({("kk-0001", "00000001"): Book(stored=IntervalSet(((1, 70),)))})
    keeping.station.books.book(older, to_ms(NOW - DAY))
    keeping.station.take(batch(seen(1), seen(2)))
    keeping.station.restart()
    keeping.begin()
    keeping.turn()
    assert keeping.told == []

    for _ in range(2):
        keeping.upkeep.is_connected(connected=False)
        keeping.upkeep.is_connected(connected=True)
        keeping.turn()
        keeping.turn()

    assert keeping.told == [(KEY[1], 2), (KEY[1], 2)]


def test_what_is_missing_and_is_found_in_the_store_is_booked_as_stored(keeping: Keeping) -> None:
    station = keeping.station
    station.take(batch(seen(1)), batch(*(seen(n) for n in range(2, 9))), batch(seen(9)))
    forgotten = Book(stored=IntervalSet(((1, 1), (9, 9))), missing=IntervalSet(((2, 8),)))
    station.books.book(Booking({KEY: forgotten}), to_ms(NOW))

    found = look_for(station.store, station.books, KEY, IntervalSet(((2, 8),)), ["algeti", "bolnisi"])
    with station.database.writing() as connection:
        write_check(connection, KEY, Check(found=found))
    keeping.turn()
    keeping.turn()

    book = station.books.of(KEY)
    assert (book.stored.spans, book.missing.spans, book.missing_ms) == (((1, 9),), (), None)


def test_what_the_store_has_lost_is_booked_as_missing_and_stays_settled(keeping: Keeping) -> None:
    keeping.station.take(batch(*(seen(n) for n in range(1, 9))))
    with keeping.station.database.writing() as connection:
        write_check(connection, KEY, Check(lost=IntervalSet(((3, 4), (50, 60)))))

    keeping.turn()

    book = keeping.station.books.of(KEY)
    assert (book.stored.spans, book.missing.spans) == (((1, 2), (5, 8)), ((3, 4),))
    assert (book.through, book.missing_ms) == (8, to_ms(NOW))


def test_what_an_epoch_that_was_left_still_waits_for_is_missing_after_a_day(keeping: Keeping) -> None:
    station = keeping.station
    with station.database.writing() as connection:
        add_device(connection, "kk-0001", {}, to_ms(NOW))
    station.take(batch(seen(1)), batch(seen(5)))
    keeping.is_in_epoch(KEY[1])
    keeping.turn(NOW + 2 * DAY)
    assert station.books.of(KEY).missing.spans == ()  # it may still come: the device is still in this epoch

    keeping.is_in_epoch("00000002")
    keeping.turn(NOW + DAY - timedelta(minutes=1))
    assert station.books.of(KEY).missing.spans == ()
    keeping.turn(NOW + 3 * DAY)

    assert station.books.of(KEY).missing.spans == ((2, 4),)
    assert station.books.of(KEY).awaited_ms is None


def test_days_are_forgotten_with_their_readings(keeping: Keeping) -> None:
    keeping.station.take(batch(seen(1)))

    def days() -> int:
        with keeping.station.database.reading() as connection:
            return len(connection.execute(select(CustodyDayRow.day)).all())

    keeping.turn(NOW + timedelta(days=29))
    assert days() == 1
    keeping.turn(NOW + timedelta(days=32))
    assert days() == 0
