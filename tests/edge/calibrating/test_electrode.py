"""Nernst's slope by published figures, and electrodes that are sound, worn, shifted or in the wrong bottle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.calibrating.electrode import (
    Dip,
    Health,
    health,
    ideal_volts,
    nernst_mv,
    why_unfit,
    why_wrong_buffer,
)
from firmware_config.datasheet import Direction, Electrode, load

SHEET = load("sen0161-v2")
AMPLIFIER = SHEET.electrode
assert AMPLIFIER is not None
FALLING = Direction.FALLING


def volts(ph: float, *, slope: float = 100.0, offset_mv: float = 0.0, at_c: float = 25.0) -> float:
    ideal = ideal_volts(ph, at_c, AMPLIFIER, FALLING)
    return 1.5 + (ideal - 1.5) * slope / 100 + 3 * offset_mv / 1000


@pytest.mark.parametrize(("at_c", "mv"), [(0, 54.20), (10, 56.18), (20, 58.17), (25, 59.16), (30, 60.15)])
def test_the_ideal_slope_is_the_published_one(at_c: float, mv: float) -> None:
    assert nernst_mv(at_c) == pytest.approx(mv, abs=0.006)


def test_the_datasheets_figures_are_a_sound_electrode() -> None:
    found = health([Dip(7.0, 1.500), Dip(4.0, 2.03244)], 25.0, AMPLIFIER, FALLING)

    assert found.slope_percent == pytest.approx(100.0, abs=0.1)
    assert found.offset_mv == pytest.approx(0.0, abs=0.1)


@given(slope=st.floats(50, 120), offset_mv=st.floats(-60, 60), at_c=st.floats(2, 35), rising=st.booleans())
def test_slope_and_offset_come_out_as_they_went_in(
    slope: float, offset_mv: float, at_c: float, rising: bool
) -> None:
    runs = Direction.RISING if rising else FALLING
    amplifier = Electrode(gain=3.0, neutral_volts=1.5)
    dips = [
        Dip(ph, 1.5 + (ideal_volts(ph, at_c, amplifier, runs) - 1.5) * slope / 100 + 3 * offset_mv / 1000)
        for ph in (7.0, 4.0, 10.01)
    ]

    found = health(dips, at_c, amplifier, runs)

    assert found.slope_percent == pytest.approx(slope)
    assert found.offset_mv == pytest.approx(offset_mv, abs=1e-6)


@pytest.mark.parametrize(
    ("slope", "offset_mv", "is_fit"),
    [
        (100.0, 0.0, True),
        (85.1, 29.9, True),
        (104.9, -29.9, True),
        (84.9, 0.0, False),
        (105.1, 0.0, False),
        (98.0, 30.1, False),
        (98.0, -30.1, False),
        (-95.0, 0.0, False),
    ],
)
def test_an_electrode_is_fit_within_85_to_105_percent_and_30_millivolts(
    slope: float, offset_mv: float, is_fit: bool
) -> None:
    why = why_unfit(Health(slope, offset_mv))

    assert (why is None) is is_fit
    if why is not None:
        number = why.values.get("slope", why.values.get("offset"))
        assert number in (slope, offset_mv)  # refused with the number


@pytest.mark.parametrize("slope", [85.001, 92.0, 100.0, 104.999])
@pytest.mark.parametrize("offset_mv", [-29.99, 0.0, 29.99])
@pytest.mark.parametrize("ph", [4.0, 6.86, 7.0, 9.18, 10.01])
def test_no_fit_electrode_is_told_that_its_buffer_is_wrong(ph: float, slope: float, offset_mv: float) -> None:
    dip = Dip(ph, volts(ph, slope=slope, offset_mv=offset_mv))

    assert why_wrong_buffer(dip, (), 25.0, AMPLIFIER, FALLING) is None


@pytest.mark.parametrize(("named", "really"), [(7.0, 4.0), (4.0, 7.0), (7.0, 10.0), (10.0, 4.0), (4.0, 10.0)])
def test_mixed_up_bottles_are_refused_with_the_likely_one(named: float, really: float) -> None:
    why = why_wrong_buffer(Dip(named, volts(really, slope=97.0)), (), 25.0, AMPLIFIER, FALLING)

    assert why is not None
    assert abs(float(str(why.values["likely"])) - really) < 1
    assert why.values["this"] == named


@pytest.mark.parametrize("second", [4.0, 10.0])
def test_the_same_buffer_twice_is_refused(second: float) -> None:
    before = [Dip(7.0, volts(7.0))]

    why = why_wrong_buffer(Dip(second, volts(7.0) + 0.02), before, 25.0, AMPLIFIER, FALLING)

    assert why is not None
    assert "the same buffer twice" in why.text


def test_a_worn_electrode_is_not_taken_for_a_wrong_bottle_but_refused_by_its_slope() -> None:
    dips = [Dip(7.0, volts(7.0, slope=75.0)), Dip(4.0, volts(4.0, slope=75.0))]

    assert why_wrong_buffer(dips[1], dips[:1], 25.0, AMPLIFIER, FALLING) is None
    why = why_unfit(health(dips, 25.0, AMPLIFIER, FALLING))
    assert why is not None
    assert why.values["slope"] == pytest.approx(75.0)
