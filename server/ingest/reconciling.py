"""Books and store held against each other, after one of them was put back from a copy.

*The database was put back*: numbers that the device has forgotten since are booked as missing, though the store
holds them. What is booked as missing is looked for in the store by itself, and what is found is booked as
stored. *The store was put back*: the books say that it holds what it has lost. Only a person knows that this
happened: it is looked for on command (`tskaro completeness check`), and what is lost is booked as missing.

Whoever looks only writes down what was found; the ingest that holds the books takes it into them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, delete, select

from server.database.models import CustodyCheckRow
from server.database.statements import json_of, spans_of, upsert
from server.ingest.books import Books, Key
from server.ingest.custody import Book
from server.ingest.days import Extent, instants_of
from server.store.port import ReadingStore
from waterquality.intervals import IntervalSet

_DAY_MS = 86_400_000
_NONE = IntervalSet()


@dataclass(frozen=True, slots=True)
class Check:
    """What the store holds of an epoch that the books do not know of, and what it does not hold that they do.

    Attributes:
        found: numbers booked as missing that are in the store.
        lost: numbers booked as stored that are not.
    """

    found: IntervalSet = _NONE
    lost: IntervalSet = _NONE

    def __bool__(self) -> bool:
        return bool(self.found or self.lost)

    def booked(self, book: Book) -> Book:
        """The book that says what the store holds."""
        found = self.found - (self.found - book.missing)
        lost = self.lost - (self.lost - book.stored)
        return replace(book, stored=(book.stored - lost) | found, missing=(book.missing - found) | lost)


def look_for(
    store: ReadingStore, books: Books, key: Key, numbers: IntervalSet, points: Iterable[str]
) -> IntervalSet:
    """Those of the numbers that the store holds.

    Args:
        store: what is stored.
        books: for the days on which the numbers were taken.
        key: whose numbers they are.
        numbers: what is looked for; not empty.
        points: the water points where the device ever stood.

    Raises:
        StoreUnavailable: mended by time.
        DatabaseUnavailable: mended by time.
    """
    where = tuple(dict.fromkeys(points))
    held = {
        seq
        for since_ms in _each_day(numbers, books.extents(key, numbers))
        for point in where
        for epoch, seq, _ in store.identities(
            point, key[0], since_ms=since_ms, until_ms=since_ms + _DAY_MS - 1
        )
        if epoch == key[1]
    }
    return numbers - (numbers - IntervalSet.of_numbers(held))


def check_epoch(
    store: ReadingStore, books: Books, key: Key, points: Iterable[str], *, oldest_ms: int
) -> Check:
    """Hold the books of an epoch against the store.

    Args:
        store: what is stored.
        books: read before the store is, so that what they call stored was there.
        key: whose books.
        points: the water points where the device ever stood.
        oldest_ms: what was taken before this may have been deleted for its age, and is not looked for.

    Raises:
        StoreUnavailable: mended by time.
        DatabaseUnavailable: mended by time.
    """
    book = books.of(key)
    numbers = book.stored | book.missing
    days = books.extents(key, numbers) if numbers else ()
    known = [each for each in days if each.first_ms >= oldest_ms]
    if not known:
        return Check()
    first, last = known[0].first_seq, known[-1].last_seq
    looked_for = numbers.within(first, last)
    there = look_for(store, books, key, looked_for, points) if looked_for else looked_for
    stored, missing = book.stored.within(first, last), book.missing.within(first, last)
    return Check(found=there - (there - missing), lost=stored - there)


def _each_day(numbers: IntervalSet, days: Sequence[Extent]) -> Iterable[int]:
    if not days:
        return ()
    since_ms, until_ms = instants_of(numbers, days)
    return range(since_ms, until_ms + 1, _DAY_MS)


def write_check(connection: Connection, key: Key, check: Check) -> None:
    """Leave what was found to the ingest that holds the books."""
    place = {"device_id": key[0], "epoch": key[1]}
    upsert(connection, CustodyCheckRow, place, {"found": json_of(check.found), "lost": json_of(check.lost)})


def checks(connection: Connection) -> Sequence[tuple[Key, Check]]:
    """What was found and is not in the books yet."""
    row = CustodyCheckRow
    rows = connection.execute(select(row.device_id, row.epoch, row.found, row.lost))
    return [((device, epoch), Check(spans_of(found), spans_of(lost))) for device, epoch, found, lost in rows]


def forget_check(connection: Connection, key: Key) -> None:
    """It is in the books."""
    same = (CustodyCheckRow.device_id == key[0]) & (CustodyCheckRow.epoch == key[1])
    connection.execute(delete(CustodyCheckRow).where(same))
