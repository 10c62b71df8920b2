"""Custody: every number has one fate, and a receipt names what is settled and nothing else."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from server.ingest.custody import Book
from waterquality.intervals import IntervalSet

numbers = st.sets(st.integers(1, 40))


def test_a_receipt_says_through_where_and_what_lies_beyond() -> None:
    book = Book(
        stored=IntervalSet(((1, 4), (7, 8))), gaps=IntervalSet(((5, 5),)), noted=IntervalSet(((10, 10),))
    )

    receipt = book.receipt("9f1c2a7e", 1)

    assert (receipt.through, receipt.ranges.spans) == (5, ((7, 8), (10, 10)))


def test_what_the_device_no_longer_holds_and_we_never_got_is_missing_and_the_mark_moves_on() -> None:
    book = Book(stored=IntervalSet(((8, 12),))).told_held(8)

    assert book.missing.spans == ((1, 7),)
    assert book.receipt("9f1c2a7e", 1).through == 12


def test_an_older_word_of_what_is_held_changes_nothing() -> None:
    book = Book(stored=IntervalSet(((1, 12),))).told_held(13)

    assert book == book.told_held(5)


@given(numbers, numbers, st.integers(1, 45))
def test_no_number_is_both_stored_and_missing_and_none_below_held_is_left_open(
    stored: set[int], quarantined: set[int], held: int
) -> None:
    book = Book(
        stored=IntervalSet.of_numbers(stored), quarantined=IntervalSet.of_numbers(quarantined - stored)
    ).told_held(held)

    assert set(range(1, held)) <= set(book.settled)
    assert set(book.missing).isdisjoint(stored | quarantined)
    assert set(book.receipt("9f1c2a7e", 1).settled) == set(book.settled)


def test_a_book_is_a_value() -> None:
    book = Book()

    assert book is not replace(book, held=2)
    assert book.held == 1
