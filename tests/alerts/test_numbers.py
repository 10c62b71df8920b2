"""Numbers as people read them: short, and never so rounded that a breach is hidden."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.numbers import broken_bound, written, written_against, written_breach, written_limit
from waterquality.limits import Limit
from waterquality.parameters import Parameter

TURBIDITY = Limit(Parameter.TURBIDITY, None, 5, "who-2017")
PH = Limit(Parameter.PH, 6.5, 8.5, "who-2017")
FLOW = Limit(Parameter.FLOW, 2, None, "village")
LIMITS = st.sampled_from(
    [Limit(Parameter.TURBIDITY, None, high, "x") for high in (0.3, 0.5, 1, 3.5, 4, 5, 10, 100)]
    + [Limit(Parameter.PH, low, high, "x") for low, high in ((6.5, 8.5), (6, 9), (6.5, 9.5))]
    + [Limit(Parameter.FLOW, low, high, "x") for low, high in ((0.5, None), (None, 60), (2, 10_000))]
    + [Limit(Parameter.TEMPERATURE, low, high, "x") for low, high in ((None, 25), (0.5, 30))]
)


@pytest.mark.parametrize(
    ("value", "parameter", "expected"),
    [
        (12.4, "turbidity", "12.4"),
        (5.0, "turbidity", "5"),
        (0.3149, "turbidity", "0.31"),
        (123.46, "turbidity", "123"),
        (3000.0, "turbidity", "3000"),
        (7.0, "ph", "7.0"),
        (9.1, "ph", "9.1"),
        (9.123, "ph", "9.12"),
        (0.0, "flow", "0"),
        (-0.04, "temperature", "0"),
        (-1.26, "temperature", "-1.3"),
        (11.04, "flow", "11"),
        (12_345_678.0, "volume", "1.23e+07"),
    ],
)
def test_a_value_is_written_as_people_read_it(value, parameter, expected):
    assert written(value, Parameter(parameter)) == expected


@pytest.mark.parametrize(
    ("value", "limit", "expected"),
    [
        pytest.param(12.4, TURBIDITY, "12.4>5", id="well beyond"),
        pytest.param(5.04, TURBIDITY, "5.04>5", id="rounding would hide it"),
        pytest.param(5.0001, TURBIDITY, "5.01>5", id="only just"),
        pytest.param(100.2, replace(TURBIDITY, high=100), "100.2>100", id="only just, of a hundred"),
        pytest.param(5.2, PH, "5.2<6.5", id="below the lower bound"),
        pytest.param(6.4999, PH, "6.499<6.5", id="only just below"),
        pytest.param(8.5, PH, "", id="a value on the bound keeps the limit"),
        pytest.param(7.0, PH, "", id="inside"),
        pytest.param(0.5, FLOW, "0.5<2", id="one bound alone"),
    ],
)
def test_a_breach_is_written_tight_and_is_seen_to_be_one(value, limit, expected):
    assert written_breach(value, limit) == expected


@given(limit=LIMITS, value=st.floats(-1e6, 1e6))
def test_a_value_beside_its_limit_never_reads_as_if_it_kept_it(limit, value):
    bound = broken_bound(value, limit)
    seen = float(written_against(value, limit))

    if bound is not None:
        assert (seen > bound) is (value > bound)
        assert seen != bound


@pytest.mark.parametrize(
    ("limit", "expected"), [(TURBIDITY, "5"), (PH, "6.5-8.5"), (FLOW, "2"), (replace(PH, low=6.0), "6-8.5")]
)
def test_a_limit_is_written_with_a_plain_hyphen(limit, expected):
    assert written_limit(limit) == expected
