"""What is learned of a quantity's ordinary extremes."""

import pytest

from alerts.events.ordinary import Ordinary
from alerts.events.tuning import Tuning

TUNING = Tuning(block_s=3600, block_at_least=6)
TEN_MINUTES_MS = 600_000


def after(*extremes: float, events: tuple[int, ...] = ()) -> Ordinary:
    """What is known after blocks with these extremes; those at these places were events."""
    ordinary, at_ms = Ordinary(TUNING), 0
    for place, extreme in enumerate(extremes):
        for change in (0.0, extreme, 0.0, 0.0, 0.0, 0.0, 0.0):
            ordinary.see(change, at_ms, is_event=place in events)
            at_ms += TEN_MINUTES_MS
    return ordinary


def test_the_level_is_the_median_of_the_extremes_and_one_block_hardly_moves_it():
    assert 0.1 == pytest.approx(after(*[0.1] * 20, 50.0).level, rel=0.01)


def test_nothing_is_known_of_what_never_moved():
    ordinary = after(*[0.0] * 20)
    assert (20, None) == (ordinary.blocks, ordinary.level)


def test_blocks_with_events_are_left_out():
    calm, wild = [0.1] * 13, [3.0] * 7
    ordinary = after(*calm, *wild, events=tuple(range(13, 20)))
    assert 0.1 == pytest.approx(ordinary.level, rel=0.01)


def test_water_that_is_always_strange_is_not_strange():
    ordinary = after(*[0.1] * 2, *[3.0] * 30, events=tuple(range(2, 32)))
    assert 3.0 == pytest.approx(ordinary.level, rel=0.01)


def test_a_noisier_week_raises_the_level_and_a_quiet_one_does_not_lower_it():
    assert 0.4 == pytest.approx(after(*[0.1] * 84, *[0.4] * 28).level, rel=0.01)
    assert 0.4 == pytest.approx(after(*[0.4] * 84, *[0.1] * 28).level, rel=0.01)


def test_four_weeks_are_remembered():
    assert TUNING.blocks_kept == after(*[0.1] * 200).blocks


def test_an_assumed_extreme_gives_way_to_what_is_seen():
    ordinary = Ordinary(TUNING, prior=0.6)
    assert 0.6 == pytest.approx(ordinary.level, rel=0.01)
    for tick in range(7 * 20):
        ordinary.see(0.2, tick * TEN_MINUTES_MS)
    assert 0.2 == pytest.approx(ordinary.level, rel=0.01)
