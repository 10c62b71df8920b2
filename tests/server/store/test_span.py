"""Spans and the intervals of a chart."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.store.span import Span
from tests.builders import instant

MIDNIGHT = instant("2026-11-20T00:00:00Z")
DAY = timedelta(days=1)


@given(st.integers(0, 2**42), st.integers(1, 2**40), st.integers(1, 5000))
def test_a_chart_never_has_more_intervals_than_pixels(start: int, length: int, pixels: int):
    span = Span(start, start + length)
    width = span.width_for(pixels)
    assert len(range(span.start_ms // width, (span.end_ms - 1) // width + 1)) <= pixels


@pytest.mark.parametrize(
    ("length", "pixels", "width"),
    [
        (timedelta(hours=1), 800, timedelta(seconds=5)),
        (DAY, 800, timedelta(minutes=2)),
        (7 * DAY, 800, timedelta(minutes=15)),
        (30 * DAY, 800, timedelta(hours=1)),
        (365 * DAY, 800, timedelta(hours=12)),
        (365 * DAY, 400, timedelta(days=1)),
        (3650 * DAY, 100, timedelta(days=56)),
    ],
)
def test_intervals_have_widths_that_a_clock_knows(length: timedelta, pixels: int, width: timedelta):
    span = Span.between(MIDNIGHT, MIDNIGHT + length)
    assert timedelta(milliseconds=span.width_for(pixels)) == width


def test_a_chart_drawn_a_minute_later_has_the_same_intervals():
    now, later = (Span.between(MIDNIGHT + late, MIDNIGHT + DAY + late) for late in (timedelta(), DAY / 1440))
    assert now.width_for(799) == later.width_for(799)


def test_bounds_are_rounded_inwards():
    half = timedelta(microseconds=500)
    assert Span.between(MIDNIGHT + half, MIDNIGHT + half).is_empty
    through = Span.through(MIDNIGHT + half, MIDNIGHT + half + timedelta(milliseconds=1))
    assert through.end_ms - through.start_ms == 1
