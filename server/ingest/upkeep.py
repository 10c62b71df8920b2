"""What the ingest loop does beside taking rounds in, now and then: small work on the books that are its own.

* What devices say of themselves is written down.
* After each connection the newest receipt of every device is published again: the broker may have forgotten it,
  and a device whose card was put back from a copy knows by it that it was.
* What is to be replayed from quarantine is taken in again.
* What a look into the store found is booked.
* What an epoch that its device has left still waits for is booked as missing after a day: nobody will send it.
* Days that are older than the readings are forgotten.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, delete, select

from server.database.engine import Database
from server.database.models import CustodyDayRow, CustodyRow, Device
from server.ingest.books import Booking, Books, Key
from server.ingest.custody import Book
from server.ingest.days import day_of
from server.ingest.devices import DeviceNews
from server.ingest.intake import Intake
from server.ingest.quarantine import asked, give_up_replay
from server.ingest.receipts import Receipts
from server.ingest.reconciling import checks, forget_check
from server.store.port import StoreUnavailable
from waterquality.errors import LinkError
from waterquality.intervals import IntervalSet
from waterquality.readings import to_ms

_log = structlog.get_logger()
_SELDOM = timedelta(minutes=1)
_LEFT_FOR = timedelta(days=1)


class Upkeep:
    """The small work of one ingest.

    Args:
        database: where books and quarantine are.
        books: the custody of all devices, as the intake has it.
        intake: takes in again what is replayed.
        receipts: tells the devices.
        news: what devices say of themselves.
        keep: how long readings are kept.
        owns: whether this ingest holds the books of a device.
        guard: asked within a transaction, before its commit, whether it still does.
    """

    def __init__(
        self,
        *,
        database: Database,
        books: Books,
        intake: Intake,
        receipts: Receipts,
        news: DeviceNews,
        keep: timedelta,
        owns: Callable[[str], bool] = lambda _: True,
        guard: Callable[[Connection], None] = lambda _: None,
    ) -> None:
        self._database, self._books, self._intake, self._receipts = database, books, intake, receipts
        self._news, self._keep, self._owns, self._guard = news, keep, owns, guard
        self._has_come_back = threading.Event()
        self._seldom: datetime | None = None

    def is_connected(self, *, connected: bool) -> None:
        """The bus tells us whether it hears the broker; one that was away may have forgotten everything."""
        if connected:
            self._has_come_back.set()

    def turn(self, now: datetime) -> None:
        """Do what there is to do.

        Raises:
            DatabaseUnavailable: the rest is done later; mended by time.
        """
        self._news.write(self._database, self._guard)
        if self._has_come_back.is_set():
            self._has_come_back.clear()
            self._receipts.owe(self._owned(self._books.newest()))
        self._replay(now)
        self._book_checks(now)
        if self._seldom is None or now - self._seldom >= _SELDOM:
            self._seldom = now
            self._close_left(now)
            self._forget_days(now)

    def _owned(self, books: Mapping[Key, Book]) -> Mapping[Key, Book]:
        return {key: book for key, book in books.items() if self._owns(key[0])}

    def _replay(self, now: datetime) -> None:
        with self._database.reading() as connection:
            waiting = [kept for device, kept in asked(connection) if self._owns(device)]
        for kept in waiting:
            try:
                taken = self._intake.replay(kept, now)
            except StoreUnavailable:
                return  # it stays asked for
            except LinkError:
                raise
            except Exception:  # noqa: BLE001 - one entry must not hold up the others
                _log.exception("replay_failed", entry=kept.entry, topic=kept.topic)
                with self._database.writing() as connection:
                    give_up_replay(connection, kept.entry)
                continue
            self._receipts.owe(taken.receipts)
            _log.info("replayed", entry=kept.entry, topic=kept.topic, stored=len(taken.stored))

    def _book_checks(self, now: datetime) -> None:
        with self._database.reading() as connection:
            found = [(key, check) for key, check in checks(connection) if self._owns(key[0])]
        for key, check in found:
            self._books.book(Booking({key: check.booked(self._books.of(key))}), to_ms(now))
            with self._database.writing() as connection:
                forget_check(connection, key)
            _log.warning(
                "books_corrected", device=key[0], epoch=key[1], found=len(check.found), lost=len(check.lost)
            )

    def _close_left(self, now: datetime) -> None:
        """Give a fate to what waits in an epoch that its device has left."""
        columns = (CustodyRow.device_id, CustodyRow.epoch, Device.health)
        waits = CustodyRow.awaited_ms < to_ms(now - _LEFT_FOR)
        query = select(*columns).join(Device, Device.id == CustodyRow.device_id).where(waits)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        for device, epoch, health in rows:
            if self._owns(device) and (health or {}).get("epoch", epoch) != epoch:
                self._close((device, epoch), now)

    def _close(self, key: Key, now: datetime) -> None:
        book = self._books.of(key)
        waiting = IntervalSet(((1, book.head),)) - book.settled
        self._books.book(Booking({key: replace(book, missing=book.missing | waiting)}), to_ms(now))
        _log.warning("epoch_closed", device=key[0], epoch=key[1], missing=len(waiting))

    def _forget_days(self, now: datetime) -> None:
        with self._database.writing() as connection:
            oldest = day_of(to_ms(now - self._keep))
            connection.execute(delete(CustodyDayRow).where(CustodyDayRow.day < oldest))
