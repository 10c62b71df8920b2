"""A pH circuit that is set in its buffers: which bottle it stands in, and whether its electrode is fit."""

from datetime import date

import pytest

from edge.calibrating.circuit import PLACES, SetPoint, judge_circuit, why_wrong_shown
from edge.calibrating.judging import Occasion, Standard
from edge.certificates import fits
from edge.ph_line import CalibrationPoint, Slope
from firmware_config.catalogues import Phrase
from firmware_config.parts import CalibrationCertificate, ProbeConfig

MID, LOW, HIGH = CalibrationPoint
OCCASION = Occasion(device="kk-0002", made_by="Nino", made_on=date(2026, 11, 24), trusted_days=30)
TWO = (SetPoint(MID, 6.9151, Standard(7.0, "7-118")), SetPoint(LOW, 4.06, Standard(4.0, "")))
EZO = ProbeConfig.model_validate({"parameter": "ph", "model": "ezo-ph", "input": {"bus": 1}})
THREE = (*TWO, SetPoint(HIGH, 9.9, Standard(10.01, "10-2")))


@pytest.mark.parametrize(
    ("slope", "points"),
    [
        (Slope(85.0, 105.0, -30.0), THREE),
        (Slope(105.0, 85.0, 30.0), THREE),
        (Slope(99.7, 60.0, None), TWO),  # a side without a point is what the circuit assumes
    ],
)
def test_up_to_the_very_ends_it_is_fit(slope, points):
    made = judge_circuit(points, slope, 25.0, OCCASION)

    assert isinstance(made, CalibrationCertificate)
    assert fits(made, EZO)


def test_however_wrong_it_was_before_the_certificate_fits():
    upside_down = (SetPoint(MID, 3.1, Standard(7.0, "7-118")), TWO[1])
    made = judge_circuit(upside_down, Slope(98.0, 100.0, 5.0), 25.0, OCCASION)

    assert isinstance(made, CalibrationCertificate)
    assert fits(made, EZO)


@pytest.mark.parametrize(
    ("slope", "points", "value"),
    [
        (Slope(84.9, 100.0, 0.0), TWO, {"slope": 84.9}),
        (Slope(105.1, 100.0, 0.0), TWO, {"slope": 105.1}),
        (Slope(99.0, 84.9, 0.0), THREE, {"slope": 84.9}),
        (Slope(99.0, 99.0, 30.1), TWO, {"offset": 30.1}),
        (Slope(99.0, 99.0, -30.1), TWO, {"offset": -30.1}),
    ],
)
def test_beyond_them_it_is_refused_with_the_number(slope, points, value):
    refused = judge_circuit(points, slope, 25.0, OCCASION)

    assert isinstance(refused, Phrase)
    assert value.items() <= refused.values.items()


@pytest.mark.parametrize(
    ("shown", "ph", "likely"),
    [
        (4.06, 7.0, 4.0),
        (7.0, 4.0, 7.0),
        (7.1, 10.01, 7.0),
        (4.1, 10.01, 4.0),
        (10.2, 4.0, 10.0),
    ],
)
def test_what_is_plainly_another_buffer_is_told(shown, ph, likely):
    wrong = why_wrong_shown(shown, ph, 25.0)

    assert wrong is not None
    assert wrong.values["likely"] == likely


@pytest.mark.parametrize(("shown", "ph"), [(6.6, 7.0), (7.45, 6.86), (4.9, 4.0), (9.6, 10.01), (5.4, 4.0)])
def test_what_may_be_the_buffer_is_left_to_the_slope(shown, ph):
    assert why_wrong_shown(shown, ph, 25.0) is None


@pytest.mark.parametrize(
    ("point", "ph"), [(MID, 4.0), (MID, 9.18), (LOW, 7.0), (LOW, 6.86), (HIGH, 7.0), (HIGH, 14.0)]
)
def test_each_point_has_its_place(point, ph):
    low, high = PLACES[point]
    assert not low <= ph <= high


@pytest.mark.parametrize(
    ("point", "ph"), [(MID, 6.86), (MID, 7.0), (LOW, 4.01), (LOW, 1.68), (HIGH, 9.18), (HIGH, 12.45)]
)
def test_every_usual_series_has_a_place(point, ph):
    low, high = PLACES[point]
    assert low <= ph <= high
