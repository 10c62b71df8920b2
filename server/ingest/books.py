"""Where custody is kept: the books, the quarantine and the devices' notes, booked in one transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, case, func, select

from server.database.engine import Database
from server.database.models import CustodyDayRow, CustodyRow, RecordRow
from server.database.statements import insert_into, json_of, spans_of, upsert_all
from server.ingest.custody import Book
from server.ingest.days import DayKey, Extent, Unwritten, extents_of
from server.ingest.quarantine import Quarantined, bound, let_go, set_aside
from waterquality.intervals import IntervalSet
from waterquality.wire.records import Certificate, Note

_SETS = ("stored", "quarantined", "gaps", "noted", "missing")
_MARKS = ("held", "through", "head", "awaited_ms", "missing_ms", "conflict_ms")

Key = tuple[str, str]


@dataclass(slots=True)
class Booking:
    """What one round changes.

    Attributes:
        books: the new books, by (device, epoch).
        quarantined: what to set aside.
        noted: certificates and notes, with their (device, epoch).
        timed: (number, taken_ms) of what was stored or noted, by (device, epoch).
        replayed: entries of the quarantine that go, because what they held has another fate now.
    """

    books: dict[Key, Book] = field(default_factory=dict)
    quarantined: list[Quarantined] = field(default_factory=list)
    noted: list[tuple[Key, Certificate | Note]] = field(default_factory=list)
    timed: dict[Key, list[tuple[int, int]]] = field(default_factory=dict)
    replayed: list[int] = field(default_factory=list)


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
        self._days = Unwritten()

    def of(self, key: Key) -> Book:
        """The book of a (device, epoch); empty for a new one."""
        if key not in self._books:
            self.recall((key,))
        return self._books[key]

    def recall(self, keys: Collection[Key]) -> None:
        """Load, in one question, the books of these that are not remembered."""
        if unknown := [key for key in keys if key not in self._books]:
            query = select(CustodyRow.__table__).where(
                CustodyRow.device_id.in_({device for device, _ in unknown})
            )
            with self._database.reading() as connection:
                known = {_key(row): _book(row) for row in connection.execute(query).mappings()}
            self._books |= {key: known.get(key) or Book() for key in unknown}

    def book(self, booking: Booking, now_ms: int) -> None:
        """Record a round as a whole.

        Raises:
            DatabaseUnavailable: nothing was recorded; mended by time.
            LeaseLost: nothing was recorded; mended by time.
        """
        books = {key: book.since(self.of(key), now_ms) for key, book in booking.books.items()}
        days = self._days.due(extents_of(booking.timed))
        with self._database.writing() as connection:
            rows = [_row(key, book, now_ms) for key, book in books.items()]
            upsert_all(connection, CustodyRow, ("device_id", "epoch"), rows)
            _widen(connection, days)
            let_go(connection, booking.replayed)
            for quarantined in booking.quarantined:
                set_aside(connection, quarantined)
            if booking.quarantined:
                bound(connection)
            _note(connection, booking.noted)
            self._guard(connection)
        self._books.update(books)
        self._days.wrote(days)

    def forget(self, of: Callable[[str], bool]) -> None:
        """Read the books of these devices anew: another process may have booked."""
        self._books = {key: book for key, book in self._books.items() if not of(key[0])}

    def all(self) -> Mapping[Key, Book]:
        """Every book there is."""
        with self._database.reading() as connection:
            rows = connection.execute(select(CustodyRow.__table__)).mappings().all()
        return {_key(row): _book(row) for row in rows}

    def extents(self, key: Key, numbers: IntervalSet) -> Sequence[Extent]:
        """The days of these numbers, and the days beside them, as far as they are known; oldest first."""
        row = CustodyDayRow
        query = select(row.first_seq, row.first_ms, row.last_seq, row.last_ms).where(
            row.device_id == key[0], row.epoch == key[1]
        )
        with self._database.reading() as connection:
            days = [Extent(*found) for found in connection.execute(query.order_by(row.day))]
        first = max((n for n, each in enumerate(days) if each.last_seq < numbers.spans[0][0]), default=0)
        last = min(
            (n for n, each in enumerate(days) if each.first_seq > numbers.spans[-1][1]), default=len(days)
        )
        return days[first : last + 1]

    def newest(self) -> Mapping[Key, Book]:
        """The book of each device that was last written: what its retained receipt should say."""
        last = func.max(CustodyRow.updated_ms).over(partition_by=CustodyRow.device_id).label("last_ms")
        each = select(CustodyRow.__table__, last).subquery()
        with self._database.reading() as connection:
            rows = connection.execute(select(each).where(each.c.updated_ms == each.c.last_ms)).mappings()
            return {
                key: self._books.get(key) or _book(row) for key, row in ((_key(row), row) for row in rows)
            }


def _key(row: RowMapping) -> Key:
    return row["device_id"], row["epoch"]


def _book(row: RowMapping) -> Book:
    sets: dict[str, Any] = {name: spans_of(row[name]) for name in _SETS}
    return Book(**sets, **{name: row[name] for name in _MARKS})


def _row(key: Key, book: Book, now_ms: int) -> dict[str, Any]:
    sets = {name: json_of(getattr(book, name)) for name in _SETS}
    marks = {name: getattr(book, name) for name in _MARKS}
    return {"device_id": key[0], "epoch": key[1], "updated_ms": now_ms, **marks, **sets}


def _widen(connection: Connection, days: Mapping[DayKey, Extent]) -> None:
    """Make days so wide as they are now known to be, never narrower: whatever is written late or twice is right."""
    if not days:
        return
    statement = insert_into(connection, CustodyDayRow)
    new, old = statement.excluded, CustodyDayRow.__table__.c
    is_lower, is_higher = new.first_seq < old.first_seq, new.last_seq > old.last_seq
    wider = {name: case((is_lower, new[name]), else_=old[name]) for name in ("first_seq", "first_ms")}
    wider |= {name: case((is_higher, new[name]), else_=old[name]) for name in ("last_seq", "last_ms")}
    rows = [
        dict(zip(("device_id", "epoch", "day"), key, strict=True)) | asdict(extent)
        for key, extent in days.items()
    ]
    key = ("device_id", "epoch", "day")
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=wider), rows)


def _note(connection: Connection, noted: Sequence[tuple[Key, Certificate | Note]]) -> None:
    rows = {(*key, record.seq): _record_row(key, record) for key, record in noted}
    upsert_all(connection, RecordRow, ("device_id", "epoch", "seq"), list(rows.values()))


def _record_row(key: Key, record: Certificate | Note) -> dict[str, Any]:
    kind, body = (
        ("certificate", record.body) if isinstance(record, Certificate) else (str(record.kind), record.detail)
    )
    place = {"device_id": key[0], "epoch": key[1], "seq": record.seq}
    return place | {"taken_ms": record.taken_ms, "kind": kind, "body": body}
