from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.calibration import OutOfCurve, curve_of
from firmware_config.datasheet import VoltageSignal, load
from firmware_config.parts import CalibrationCertificate
from waterquality.errors import ProbeError

FALLING = load("sen0189").signal
RISING = load("analog-nephelometer").signal
PH = load("sen0161-v2").signal
# Formazin standards and what a laser turbidity probe answered them with: measured, published by its maker.
FORMAZIN = [
    (0.0307, 0.0),
    (0.0984, 10.33),
    (0.1660, 20.66),
    (0.2280, 30.82),
    (0.2865, 40.89),
    (0.3469, 50.55),
    (0.4143, 60.59),
    (0.4755, 70.72),
    (0.5392, 79.96),
    (0.6175, 90.25),
    (0.6960, 100.00),
]


def curve(points, *, kind="table", signal: VoltageSignal = RISING):
    certificate = CalibrationCertificate(
        id="test-1",
        made_on=date(2026, 1, 1),
        made_by="A. Tester",
        kind=kind,
        points=tuple(points),
        standards=("formazin",),
        expires_on=date(2027, 1, 1),
    )
    return curve_of(certificate, signal)


@pytest.mark.parametrize(("volts", "ntu"), FORMAZIN)
def test_a_table_gives_every_standard_back(volts, ntu):
    assert curve(FORMAZIN).convert(volts) == pytest.approx(ntu)


def test_a_table_goes_straight_from_point_to_point():
    table = curve([(1.0, 10.0), (2.0, 20.0), (3.0, 60.0)])

    assert table.convert(1.5) == pytest.approx(15.0)
    assert table.convert(2.25) == pytest.approx(30.0)


def test_the_order_in_which_points_were_written_does_not_matter():
    assert curve(FORMAZIN[::-1]) == curve(FORMAZIN)


def test_beyond_its_points_a_table_goes_on_as_its_last_piece_does():
    table = curve([(1.0, 10.0), (2.0, 20.0), (2.5, 40.0)])

    assert table.convert(0.5) == pytest.approx(5.0)
    assert table.convert(2.75) == pytest.approx(50.0)


def test_a_line_through_two_buffers_gives_both_back():
    line = curve([(1.497, 7.0), (2.031, 4.0)], kind="linear", signal=PH)

    assert line.convert(1.497) == pytest.approx(7.0)
    assert line.convert(2.031) == pytest.approx(4.0)
    assert line.convert(0.963) == pytest.approx(10.0)


def test_a_line_through_many_points_lies_between_them():
    line = curve(FORMAZIN, kind="linear")

    assert max(abs(line.convert(volts) - ntu) for volts, ntu in FORMAZIN) < 4.0


def test_the_published_curve_of_the_sen0189_is_followed_within_its_band():
    vendor = curve([(2.57, 3000.0), (3.9, 1000.0), (4.2, 0.0)], signal=FALLING)

    assert vendor.convert(4.2) == pytest.approx(0.0)
    assert vendor.convert(4.05) == pytest.approx(500.0)


@pytest.mark.parametrize("volts", [2.5699, 4.5001, 0.0, -1.0, 9.9, float("nan"), float("inf")])
@pytest.mark.parametrize("kind", ["table", "linear"])
def test_outside_its_band_a_curve_gives_a_reason_and_no_number(volts, kind):
    with pytest.raises(OutOfCurve, match=r"outside 2\.57 to 4\.5 V") as reason:
        curve([(3.9, 1000.0), (4.2, 0.0)], kind=kind, signal=FALLING).convert(volts)

    assert isinstance(reason.value, ProbeError)


@given(st.floats(2.57, 4.5), st.floats(2.57, 4.5))
def test_a_falling_table_falls_everywhere(one, other):
    table = curve([(2.6, 2900.0), (3.9, 1000.0), (4.13, 0.0)], signal=FALLING)
    low, high = sorted((one, other))

    assert table.convert(low) >= table.convert(high)
