"""Where custody is kept: the books, the quarantine and the devices' notes, booked in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from server.database.engine import Database
from server.database.models import CustodyRow, QuarantineRow, RecordRow
from server.database.statements import json_of, letters, spans_of, upsert_all
from server.ingest.custody import Book
from waterquality.wire.records import Certificate, Note
from waterquality.wire.rejection import Rejection

_KEPT_PAYLOAD_BYTES = 64 * 1024
_MAX_QUARANTINED = 10_000
_SETS = ("stored", "quarantined", "gaps", "noted", "missing")
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Something to set aside with its bytes."""

    device: str
    epoch: str
    first: int
    last: int
    topic: str
    reason: Rejection
    detail: str
    payload: bytes
    received_ms: int


@dataclass(slots=True)
class Booking:
    """What one round changes.

    Attributes:
        books: the new books, by (device, epoch).
        quarantined: what to set aside.
        noted: certificates and notes, with their (device, epoch).
    """

    books: dict[Key, Book] = field(default_factory=dict)
    quarantined: list[Quarantined] = field(default_factory=list)
    noted: list[tuple[Key, Certificate | Note]] = field(default_factory=list)


class Books:
    """The custody of all devices, kept in the database, remembered here.

    One process judges all of a device's batches (sharding), so what is remembered here is what is true.

    Args:
        database: where they are kept.
        guard: asked within each transaction, before its commit, whether this process may still book.
    """

    def __init__(self, database: Database, guard: Callable[[Connection], None] = lambda _: None) -> None:
        self._database, self._guard = database, guard
        self._books: dict[Key, Book] = {}

    def of(self, key: Key) -> Book:
        """The book of a (device, epoch); empty for a new one."""
        if key not in self._books:
            self._books[key] = self._load(key)
        return self._books[key]

    def book(self, booking: Booking, now_ms: int) -> None:
        """Record a round as a whole.

        Raises:
            DatabaseUnavailable: nothing was recorded; mended by time.
            LeaseLost: nothing was recorded; mended by time.
        """
        with self._database.writing() as connection:
            rows = [_row(key, book, now_ms) for key, book in booking.books.items()]
            upsert_all(connection, CustodyRow, ("device_id", "epoch"), rows)
            for quarantined in booking.quarantined:
                _set_aside(connection, quarantined)
            if booking.quarantined:
                _bound(connection)
            _note(connection, booking.noted)
            self._guard(connection)
        self._books.update(booking.books)

    def forget(self, of: Callable[[str], bool]) -> None:
        """Read the books of these devices anew: another process may have booked."""
        self._books = {key: book for key, book in self._books.items() if not of(key[0])}

    def all(self) -> Mapping[Key, Book]:
        """Every book there is."""
        with self._database.reading() as connection:
            rows = connection.execute(select(CustodyRow.__table__)).mappings().all()
        return {(row["device_id"], row["epoch"]): _book(row) for row in rows}

    def _load(self, key: Key) -> Book:
        with self._database.reading() as connection:
            query = select(CustodyRow.__table__).where(
                CustodyRow.device_id == key[0], CustodyRow.epoch == key[1]
            )
            row = connection.execute(query).mappings().first()
        return Book() if row is None else _book(row)


def _book(row: RowMapping) -> Book:
    return Book(**{name: spans_of(row[name]) for name in _SETS}, held=row["held"])


def _row(key: Key, book: Book, now_ms: int) -> dict[str, Any]:
    sets = {name: json_of(getattr(book, name)) for name in _SETS}
    return {"device_id": key[0], "epoch": key[1], "held": book.held, "updated_ms": now_ms, **sets}


def _set_aside(connection: Connection, what: Quarantined) -> None:
    same = (
        (QuarantineRow.device_id == what.device)
        & (QuarantineRow.epoch == what.epoch)
        & (QuarantineRow.reason == str(what.reason))
    )
    if (
        what.reason is not Rejection.UNKNOWN_DEVICE
    ):  # which keeps what it sends; one row tells all there is to tell
        same &= (QuarantineRow.first == what.first) & (QuarantineRow.last == what.last)
    again = connection.execute(
        update(QuarantineRow)
        .where(same)
        .values(times=QuarantineRow.times + 1, received_ms=what.received_ms, last=what.last)
    )
    if again.rowcount:
        return
    connection.execute(
        insert(QuarantineRow).values(
            device_id=what.device,
            epoch=what.epoch,
            first=what.first,
            last=what.last,
            topic=letters(what.topic[:200]),
            reason=str(what.reason),
            detail=letters(what.detail[:300]),
            payload=what.payload[:_KEPT_PAYLOAD_BYTES],
            payload_bytes=len(what.payload),
            received_ms=what.received_ms,
            times=1,
        )
    )


def _bound(connection: Connection) -> None:
    newest = connection.execute(select(func.max(QuarantineRow.id))).scalar() or 0
    connection.execute(delete(QuarantineRow).where(QuarantineRow.id <= newest - _MAX_QUARANTINED))


def _note(connection: Connection, noted: Sequence[tuple[Key, Certificate | Note]]) -> None:
    rows = {(*key, record.seq): _record_row(key, record) for key, record in noted}
    upsert_all(connection, RecordRow, ("device_id", "epoch", "seq"), list(rows.values()))


def _record_row(key: Key, record: Certificate | Note) -> dict[str, Any]:
    kind, body = (
        ("certificate", record.body) if isinstance(record, Certificate) else (str(record.kind), record.detail)
    )
    place = {"device_id": key[0], "epoch": key[1], "seq": record.seq}
    return place | {"taken_ms": record.taken_ms, "kind": kind, "body": body}
