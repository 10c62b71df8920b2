import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.calibration import Linear
from edge.compensation import CompensatedCurve, known, nernst, unknown, worst_nernst_error
from firmware_config.signals import DriftEffect, NernstEffect

NERNST = NernstEffect(kind="nernst", isopotential=7.0)
DRIFT = DriftEffect(kind="drift", volts_per_celsius=0.0192)
# R T ln(10) / F in mV, from the table of every electrochemistry book
SLOPE_MV = {0: 54.20, 10: 56.18, 20: 58.17, 25: 59.16, 30: 60.15}


@pytest.mark.parametrize("celsius", SLOPE_MV)
def test_the_slope_of_the_electrode_is_that_of_the_books(celsius):
    millivolts = -2.0 * SLOPE_MV[celsius]  # what pH 9 gives at this temperature
    by_25_degrees = 7.0 - millivolts / SLOPE_MV[25]

    at_its_own = nernst(by_25_degrees, NERNST, set_for_c=25.0, water_c=celsius)

    assert at_its_own == pytest.approx(9.0, abs=0.001)


def test_at_the_isopotential_point_temperature_changes_nothing():
    assert nernst(7.0, NERNST, set_for_c=25.0, water_c=2.0) == 7.0


@given(st.floats(0, 14), st.floats(0, 40), st.floats(0, 40))
def test_there_and_back_again_is_where_one_was(ph, first, second):
    there = nernst(ph, NERNST, set_for_c=first, water_c=second)

    assert nernst(there, NERNST, set_for_c=second, water_c=first) == pytest.approx(ph)


def curve(effect, made_at_c=20.0):
    return CompensatedCurve(Linear(-1000.0, 4100.0, (2.57, 4.5)), effect, made_at_c)


@pytest.mark.parametrize("effect", [None, NERNST, DRIFT])
def test_at_the_temperature_of_the_certificate_nothing_changes(effect):
    assert curve(effect).convert(4.0, 20.0) == pytest.approx(100.0)


def test_volts_that_drift_are_brought_back_before_the_curve():
    drifted = 4.0 + 10.0 * 0.0192  # the same water, ten degrees warmer than at the calibration

    assert curve(DRIFT).convert(drifted, 30.0) == pytest.approx(100.0)


def test_without_an_effect_no_temperature_costs_anything():
    assert curve(None).worst_error(4.0, unknown(25.0)) == 0.0


def test_half_a_degree_of_doubt_costs_what_half_a_degree_drifts():
    assert curve(DRIFT).worst_error(4.0, known(20.0, 0.5)) == pytest.approx(1000.0 * 0.0192 * 0.5)


def test_an_unknown_temperature_costs_all_that_water_at_a_tap_may_be():
    assert curve(DRIFT).worst_error(4.0, unknown(20.0)) == pytest.approx(1000.0 * 0.0192 * 19.0)


def test_where_the_doubt_leads_off_the_curve_it_is_without_end():
    assert curve(DRIFT).worst_error(4.45, unknown(20.0)) == float("inf")


def test_the_doubt_of_a_ph_grows_with_its_distance_from_7():
    water = unknown(25.0)

    errors = [worst_nernst_error(ph, NERNST, water) for ph in (7.0, 7.5, 8.0, 9.0)]

    assert errors[0] == 0.0
    assert errors == sorted(errors)
    assert errors[-1] == pytest.approx(2.0 * 24.0 / 274.15, abs=0.001)


def test_an_unknown_temperature_is_that_of_the_calibration_even_where_that_is_unusual():
    water = unknown(35.0)

    assert water.celsius == 35.0
    assert water.lowest <= water.celsius <= water.highest
