"""Interval sets against Python's own sets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterquality.intervals import IntervalSet

numbers = st.sets(st.integers(1, 60), max_size=40)


def of(some: set[int]) -> IntervalSet:
    return IntervalSet.of_numbers(some)


@given(numbers)
def test_it_holds_what_was_put_in_as_few_spans_as_possible(some: set[int]) -> None:
    held = of(some)

    assert sorted(some) == list(held)
    assert len(some) == len(held)
    assert all(after[0] > before[1] + 1 for before, after in zip(held.spans, held.spans[1:], strict=False))


@given(numbers, numbers)
def test_union_and_difference_are_those_of_sets(one: set[int], other: set[int]) -> None:
    assert sorted(one | other) == list(of(one) | of(other))
    assert sorted(one - other) == list(of(one) - of(other))


@given(numbers, st.integers(1, 60), st.integers(0, 10))
def test_membership_and_covering_agree_with_sets(some: set[int], first: int, more: int) -> None:
    held = of(some)

    assert (first in some) == (first in held)
    assert set(range(first, first + more + 1)).issubset(some) == held.covers(first, first + more)


@given(numbers)
def test_the_mark_is_the_end_of_the_unbroken_run_from_one(some: set[int]) -> None:
    mark = 0
    while mark + 1 in some:
        mark += 1

    assert mark == of(some).through()
    assert sorted(number for number in some if number > mark) == list(of(some).above(mark))


def test_a_span_that_runs_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match="5-4 runs backwards"):
        IntervalSet.of([(5, 4)])
