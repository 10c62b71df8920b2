"""The books of an epoch that a device has ended: every number that was given out has a fate."""

import json

import pytest

from server.ingest.custody import Book
from server.ingest.ended import closed, closed_by
from waterquality.intervals import IntervalSet
from waterquality.wire.epochs import EpochEnded, EpochWhy, read_ended, text_of
from waterquality.wire.records import Certificate, Note, NoteKind
from waterquality.wire.rejection import Malformed

OLD = "9f1c2a7e"


def spans(*given: tuple[int, int]) -> IntervalSet:
    return IntervalSet.of(given)


def test_what_a_damaged_file_took_with_it_is_a_gap_and_what_came_along_is_noted() -> None:
    ended = EpochEnded(OLD, 100, EpochWhy.DAMAGED, moved=spans((81, 90)), gaps=spans((71, 75)))

    book = closed(Book(stored=spans((1, 70))), ended)

    assert (book.noted, book.gaps) == (spans((81, 90)), spans((71, 80), (91, 100)))
    assert (book.missing.spans, book.settled) == ((), spans((1, 100)))


@pytest.mark.parametrize("why", [why for why in EpochWhy if why is not EpochWhy.DAMAGED])
def test_what_came_along_is_noted_and_what_was_given_up_is_missing(why: EpochWhy) -> None:
    book = closed(Book(stored=spans((1, 70))), EpochEnded(OLD, 100, why, moved=spans((81, 100))))

    assert (book.noted, book.missing) == (spans((81, 100)), spans((71, 80)))
    assert (book.settled, book.held) == (spans((1, 100)), 101)


def test_what_is_stored_stays_stored() -> None:
    ended = EpochEnded(OLD, 100, EpochWhy.RESTORED_IMAGE, moved=spans((1, 100)))

    assert closed(Book(stored=spans((1, 100))), ended).noted.spans == ()


def test_only_a_note_of_that_kind_closes_a_book() -> None:
    text = text_of(EpochEnded(OLD, 5, EpochWhy.DAMAGED))
    books = {("kk-0001", OLD): Book(stored=spans((1, 3)))}

    (key,) = closed_by(Note(1, 0, NoteKind.EPOCH_BEGUN, text), "kk-0001", books.__getitem__)
    assert key == ("kk-0001", OLD)
    assert closed_by(Note(1, 0, NoteKind.STARTED, text), "kk-0001", books.__getitem__) == {}
    assert closed_by(Certificate(1, 0, text), "kk-0001", books.__getitem__) == {}


def test_a_file_that_does_not_show_its_epoch_closes_nothing() -> None:
    text = text_of(EpochEnded("", 0, EpochWhy.DAMAGED))

    assert closed_by(Note(1, 0, NoteKind.EPOCH_BEGUN, text), "kk-0001", lambda _: Book()) == {}


GOOD = {"epoch": OLD, "head": 5, "why": "damaged", "moved": [[1, 2]], "gaps": []}


@pytest.mark.parametrize(
    "told",
    [
        "",
        "[]",
        "[" * 9_000,
        json.dumps(GOOD | {"epoch": "../.."}),
        json.dumps(GOOD | {"head": -1}),
        json.dumps(GOOD | {"head": 10**30}),
        json.dumps(GOOD | {"why": "because"}),
        json.dumps(GOOD | {"moved": [[1, 6]]}),
        json.dumps(GOOD | {"moved": [[0, 1]]}),
        json.dumps(GOOD | {"moved": [[2, 1]]}),
        json.dumps(GOOD | {"gaps": 7}),
    ],
)
def test_what_makes_no_sense_closes_nothing(told: str) -> None:
    with pytest.raises(Malformed):
        read_ended(told)
    assert closed_by(Note(1, 0, NoteKind.EPOCH_BEGUN, told), "kk-0001", lambda _: Book()) == {}


def test_it_is_read_as_it_was_written() -> None:
    ended = EpochEnded(OLD, 100, EpochWhy.CLOCK_WAS_AHEAD, spans((1, 3), (9, 9)), spans((5, 6)))

    assert read_ended(text_of(ended)) == ended
