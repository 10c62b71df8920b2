"""Screening: which flag a reading ends with."""

import pytest

from tests.builders import observation
from waterquality.flags import Flag, Screened, Why, worst
from waterquality.parameters import Parameter
from waterquality.readings import Reading
from waterquality.screening import Bounds, Spans, Track, gross_range, screen_reading

SPANS = Spans(possible=(0.0, 100.0), usual=(0.5, 50.0))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(-0.001, Screened(Flag.FAIL, Why.OUT_OF_RANGE), id="below what the probe can show"),
        pytest.param(0.0, Screened(Flag.SUSPECT, Why.UNUSUAL_VALUE), id="the lowest it can show, unusual"),
        pytest.param(0.5, Screened(Flag.GOOD), id="the lowest usual value"),
        pytest.param(50.0, Screened(Flag.GOOD), id="the highest usual value"),
        pytest.param(50.001, Screened(Flag.SUSPECT, Why.UNUSUAL_VALUE), id="just above the usual"),
        pytest.param(100.0, Screened(Flag.SUSPECT, Why.UNUSUAL_VALUE), id="the highest it can show"),
        pytest.param(100.001, Screened(Flag.FAIL, Why.OUT_OF_RANGE), id="above what the probe can show"),
    ],
)
def test_gross_range(value: float, expected: Screened) -> None:
    assert expected == gross_range(value, SPANS)


def turbidity(value: float | None, flag: Flag = Flag.UNKNOWN, why: Why = Why.NONE) -> Reading:
    return Reading(Parameter.TURBIDITY, value, screened=Screened(flag, why))


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        pytest.param(turbidity(7.0), Screened(Flag.GOOD), id="nobody doubts it"),
        pytest.param(
            turbidity(7.0, Flag.SUSPECT, Why.PROBE_NOISY),
            Screened(Flag.SUSPECT, Why.PROBE_NOISY),
            id="the device's doubt stays",
        ),
        pytest.param(
            turbidity(700.0, Flag.SUSPECT, Why.PROBE_NOISY),
            Screened(Flag.FAIL, Why.OUT_OF_RANGE),
            id="the worse one wins",
        ),
        pytest.param(
            turbidity(7.0, Flag.UNKNOWN, Why.CLOCK_UNCERTAIN),
            Screened(Flag.UNKNOWN, Why.CLOCK_UNCERTAIN),
            id="unknown for a reason is not made good",
        ),
        pytest.param(
            turbidity(None, Flag.MISSING, Why.PROBE_DISCONNECTED),
            Screened(Flag.MISSING, Why.PROBE_DISCONNECTED),
            id="missing stays missing, with its reason",
        ),
        pytest.param(
            turbidity(None, Flag.FAIL, Why.PROBE_SATURATED),
            Screened(Flag.FAIL, Why.PROBE_SATURATED),
            id="saturated stays failed",
        ),
        pytest.param(turbidity(None), Screened(Flag.MISSING), id="no value and no flag is missing"),
        pytest.param(turbidity(0.0), Screened(Flag.SUSPECT, Why.UNUSUAL_VALUE), id="zero is a value"),
    ],
)
def test_a_screened_reading_has_an_explicit_flag(reading: Reading, expected: Screened) -> None:
    assert expected == screen_reading(reading, SPANS).screened


def test_every_reading_of_an_observation_is_screened_by_its_own_spans() -> None:
    taken = observation(turbidity=200.0, ph=7.4, flow=None, flag=Flag.UNKNOWN)

    screened = Track({Parameter.TURBIDITY: Bounds(spans=SPANS)}).take(taken, 0).readings

    assert Flag.FAIL is screened[Parameter.TURBIDITY].flag
    assert Flag.GOOD is screened[Parameter.PH].flag


def test_unknown_is_worse_than_good() -> None:
    assert worst(Screened(Flag.GOOD), Screened(Flag.UNKNOWN)).flag is Flag.UNKNOWN


def test_a_reading_of_uncertain_time_is_unknown_and_says_why() -> None:
    taken = observation(clock_uncertainty_s=61.0, turbidity=12.0, ph=200.0)

    screened = Track({}).take(taken, 0)

    assert screened.readings[Parameter.TURBIDITY].screened == Screened(Flag.UNKNOWN, Why.CLOCK_UNCERTAIN)
    assert screened.readings[Parameter.PH].screened == Screened(Flag.FAIL, Why.OUT_OF_RANGE)


def test_a_time_known_to_a_minute_is_known_well_enough() -> None:
    screened = Track({}).take(observation(clock_uncertainty_s=60.0, turbidity=0.4), 0)

    assert screened.readings[Parameter.TURBIDITY].flag is Flag.GOOD
