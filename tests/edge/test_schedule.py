from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.schedule import Ahead, AnyOf, Dues, Every
from tests.builders import instant

NOON = instant("2026-11-20T12:00:00Z")


def after(seconds):
    return NOON + timedelta(seconds=seconds)


def ticks(schedule, *, until_s):
    found, at = [], NOON
    while (at := schedule.next_after(at)) <= after(until_s):
        found.append((at - NOON).total_seconds())
    return found


def test_a_tick_ahead_comes_so_long_before_each_tick_of_the_other():
    assert ticks(Ahead(Every(60), 12.5), until_s=180) == [47.5, 107.5, 167.5]


def test_a_lead_longer_than_the_period_is_still_before_a_tick():
    assert ticks(Ahead(Every(60), 70), until_s=180) == [50, 110, 170]


def test_several_schedules_together_tick_at_all_their_ticks_once():
    assert ticks(AnyOf(Every(30), Every(60), Ahead(Every(60), 10)), until_s=120) == [30, 50, 60, 90, 110, 120]


def test_a_schedule_that_ends_ends_what_is_ahead_of_it():
    class Never:
        def next_after(self, _):
            return None

    assert Ahead(Never(), 5).next_after(NOON) is None
    assert AnyOf(Never()).next_after(NOON) is None
    assert AnyOf(Never(), Every(60)).next_after(NOON) == after(60)
    assert not Dues(Never()).has_come(NOON)


def test_a_tick_has_come_once():
    dues = Dues(Every(60))

    assert [dues.has_come(after(seconds)) for seconds in (1, 59, 60, 61, 119, 121, 122)] == [
        *(False, False, True, False),
        *(False, True, False),
    ]


@pytest.mark.parametrize(("seconds", "is_due"), [(0, True), (0.4, True), (0.5, False), (60, True)])
def test_the_first_question_may_come_a_little_late(seconds, is_due):
    assert Dues(Every(60)).has_come(after(seconds)) is is_due


def test_a_clock_that_is_set_back_makes_nothing_wait_for_the_old_time():
    dues = Dues(Every(60))
    dues.has_come(after(3600))

    assert not dues.has_come(after(1))
    assert dues.has_come(after(60))


@given(st.lists(st.integers(1, 200), min_size=1, max_size=50), st.integers(1, 300))
def test_every_tick_that_was_passed_is_told_and_no_other(steps, period):
    dues, at = Dues(Every(period)), 0
    dues.has_come(NOON)
    for step in steps:
        before, at = at, at + step
        base = int(NOON.timestamp())
        assert dues.has_come(after(at)) is ((base + before) // period != (base + at) // period)
