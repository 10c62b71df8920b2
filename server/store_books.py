"""What the books call stored and the store does not have: after a store was put back from an older copy, or lost.

Readings that are older than they are kept were forgotten on purpose, and are not looked for.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping

from server.ingest.books import Books, Key
from server.store.archive.months import months_from, span_of
from server.store.port import ReadingStore
from waterquality.intervals import IntervalSet


def not_there(
    books: Books, store: ReadingStore, *, kept_since_ms: int, told: Callable[[int], None] = lambda _: None
) -> Mapping[Key, IntervalSet]:
    """The numbers of each epoch that are booked as stored and are not in the store.

    Args:
        books: read first, so that what is stored meanwhile is not missed.
        store: walked as a whole.
        kept_since_ms: what was taken before then may have been forgotten, ms since 1970.
        told: progress, in rows.

    Raises:
        StoreUnavailable: mended by time.
        DatabaseUnavailable: mended by time.
    """
    booked = {key: book.stored for key, book in books.all().items()}
    found = _found(store, told)
    missing = {key: stored - found.get(key, IntervalSet()) for key, stored in booked.items()}
    young = {
        key: numbers - _forgotten(books, key, numbers, kept_since_ms)
        for key, numbers in missing.items()
        if numbers
    }
    return {key: numbers for key, numbers in young.items() if numbers}


def _found(store: ReadingStore, told: Callable[[int], None]) -> Mapping[Key, IntervalSet]:
    found: dict[Key, IntervalSet] = defaultdict(IntervalSet)
    extent = store.extent()
    for month in months_from(extent[0], extent[1] + 1) if extent else ():
        since_ms, until_ms = span_of(month)
        numbers: dict[Key, list[int]] = defaultdict(list)
        for row in store.rows(since_ms=since_ms, until_ms=until_ms):
            numbers[row.observation.device, row.observation.epoch].append(row.observation.seq)
        for key, seqs in numbers.items():
            found[key] |= IntervalSet.of_numbers(seqs)
        told(sum(map(len, numbers.values())))
    return found


def _forgotten(books: Books, key: Key, numbers: IntervalSet, kept_since_ms: int) -> IntervalSet:
    """Numbers up to the last that is known to have been taken before readings are kept."""
    days = books.extents(key, numbers)
    last = max((day.last_seq for day in days if day.last_ms < kept_since_ms), default=0)
    return IntervalSet(((1, last),)) if last else IntervalSet()
