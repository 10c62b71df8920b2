"""Closing the books of an epoch that a device has ended.

The device tells, in its new epoch, how the old one ended. Every number of the old one then has a fate. What
came along is *noted*: this note says that it came under another number. What a damaged file took with it is a
*gap*. What the device had given up before is *missing*; it may still come, if the card was a copy.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import structlog

from server.ingest.books import Key
from server.ingest.custody import Book
from waterquality.intervals import IntervalSet
from waterquality.wire.epochs import EpochEnded, EpochWhy, read_ended
from waterquality.wire.records import Certificate, Note, NoteKind
from waterquality.wire.rejection import Malformed

_log = structlog.get_logger()


def closed_by(record: Certificate | Note, device: str, book_of: Callable[[Key], Book]) -> Mapping[Key, Book]:
    """The book that a record closes, by (device, epoch); none where it is not about the end of an epoch.

    Args:
        record: as it came.
        device: who sent it.
        book_of: the books as they stand.
    """
    if not isinstance(record, Note) or record.kind is not NoteKind.EPOCH_BEGUN:
        return {}
    try:
        ended = read_ended(record.detail)
    except Malformed as fault:
        _log.warning("epoch_end_unread", device=device, detail=fault.detail)
        return {}
    key = (device, ended.epoch)
    return {key: closed(book_of(key), ended)} if ended.epoch else {}


def closed(book: Book, ended: EpochEnded) -> Book:
    """The book of the old epoch, with a fate for every number that was given out."""
    book = replace(book, noted=book.noted | (ended.moved - book.settled))
    book = replace(book, gaps=book.gaps | (ended.gaps - book.settled))
    if ended.why is EpochWhy.DAMAGED and ended.head:
        lost = IntervalSet(((1, ended.head),)) - book.settled
        return replace(book, gaps=book.gaps | lost)
    return book.told_held(ended.head + 1)
