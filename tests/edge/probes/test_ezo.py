import pytest

from edge.compensation import known
from edge.hardware.ezo import EzoCircuit
from edge.hardware.simulated_instruments import SimulatedCircuit
from edge.ph_line import CalibrationPoint, Slope
from edge.probes.ezo import EzoPh, EzoPhInstrument
from edge.probes.inputs import AnswerGarbled, ProbeDisconnected, ProbeFault
from firmware_config.datasheet import load
from tests.builders import instant
from tests.edge.hardware.fake_i2c import FakeEzoPh, FakeSmbus
from waterquality.flags import Flag, Screened, Why

NOW = instant("2026-11-20T06:00:00Z")
SHEET = load("ezo-ph")
UNCALIBRATED = Screened(Flag.SUSPECT, Why.PROBE_UNCALIBRATED)
TEMPERATURE_UNKNOWN = Screened(Flag.SUSPECT, Why.TEMPERATURE_UNKNOWN)


@pytest.fixture
def smbus():
    fake = FakeSmbus()
    yield fake
    fake.close()


def commands(smbus, **chip):
    smbus.chips[0x63] = FakeEzoPh(smbus, **chip)
    return EzoPh(EzoCircuit(smbus.bus(), 0x63, pause=smbus.pause), SHEET.signal)


def answering(text):
    return EzoPh(SimulatedCircuit(lambda _: text), SHEET.signal)


def instrument(ph, water=lambda _: known(12.0, 0.5)):
    return EzoPhInstrument(ph, sheet=SHEET, signal=SHEET.signal, water=water)


def test_a_reading_tells_the_circuit_the_temperature_first(smbus):
    ph = commands(smbus)
    smbus.chips[0x63].ph_at = lambda celsius: 7.0 + celsius / 100

    assert ph.read(12.0) == pytest.approx(7.12)
    assert smbus.chips[0x63].commands == ["RT,12.00"]


def test_older_firmware_is_told_the_temperature_and_asked_apart(smbus):
    ph = commands(smbus, knows_rt=False)
    smbus.chips[0x63].ph_at = lambda celsius: 7.0 + celsius / 100

    assert [ph.read(12.0), ph.read(13.0)] == [pytest.approx(7.12), pytest.approx(7.13)]
    assert smbus.chips[0x63].commands == ["RT,12.00", "T,12.00", "R", "T,13.00", "R"]


def test_after_its_power_was_away_it_measures_at_the_right_temperature_at_once(smbus):
    ph = commands(smbus)
    smbus.chips[0x63].ph_at = lambda celsius: 7.0 + celsius / 100
    ph.read(12.0)
    smbus.chips[0x63].restart()

    assert ph.read(12.0) == pytest.approx(7.12)


def test_a_calibration_at_three_points_is_counted_and_can_be_forgotten(smbus):
    ph = commands(smbus)
    counts = [ph.points()]
    for point, value in (
        (CalibrationPoint.MID, 7.0),
        (CalibrationPoint.LOW, 4.0),
        (CalibrationPoint.HIGH, 10.0),
    ):
        ph.calibrate(point, value)
        counts.append(ph.points())
    ph.clear()

    assert [*counts, ph.points()] == [0, 1, 2, 3, 0]
    assert "Cal,low,4.00" in smbus.chips[0x63].commands


@pytest.mark.parametrize(("fields", "offset"), [(2, None), (3, -0.89)])
def test_the_slope_has_two_or_three_numbers(smbus, fields, offset):
    assert commands(smbus, slope_fields=fields).slope() == Slope(99.7, 100.3, offset)


@pytest.mark.parametrize("text", ["?SLOPE,99.7,100.3", "?Slope,99.7,100.3"])
def test_capitals_do_not_matter(text):
    assert answering(text).slope() == Slope(99.7, 100.3, None)


@pytest.mark.parametrize(
    "text",
    ["", "?Slope", "?Slope,99.7", "?Slope,1,2,3,4", "?Cal,2", "?Slope,99.7,abc", "?Slope,99.7,99.1,nan"],
)
def test_an_answer_to_another_question_is_none(text):
    with pytest.raises(AnswerGarbled):
        answering(text).slope()


def test_a_reading_that_is_no_number_is_garbled():
    with pytest.raises(AnswerGarbled, match="7,4x"):
        answering("7,4x").read(12.0)


def test_a_calibrated_circuit_at_a_known_temperature_leaves_no_doubt(smbus):
    ph = commands(smbus)
    ph.calibrate(CalibrationPoint.MID, 7.0)

    assert instrument(ph).show(NOW).doubts == ()


def test_a_circuit_that_was_never_calibrated_is_in_doubt_until_it_is(smbus):
    ph = commands(smbus)
    shows = instrument(ph)
    assert shows.show(NOW).doubts == (UNCALIBRATED,)
    ph.calibrate(CalibrationPoint.MID, 7.0)

    assert shows.show(NOW).doubts == ()


def test_another_circuit_that_comes_back_is_asked_anew_whether_it_is_calibrated(smbus):
    ph = commands(smbus)
    ph.calibrate(CalibrationPoint.MID, 7.0)
    shows = instrument(ph)
    shows.show(NOW)
    del smbus.chips[0x63]
    with pytest.raises(ProbeDisconnected):
        shows.show(NOW)
    smbus.chips[0x63] = FakeEzoPh(smbus)

    assert shows.show(NOW).doubts == (UNCALIBRATED,)


@pytest.mark.parametrize(
    ("value", "doubts"), [(7.2, ()), (8.6, (TEMPERATURE_UNKNOWN,)), (5.0, (TEMPERATURE_UNKNOWN,))]
)
def test_without_a_temperature_25_degrees_are_assumed_and_told_and_doubted_where_it_matters(
    smbus, value, doubts
):
    ph = commands(smbus)
    ph.calibrate(CalibrationPoint.MID, 7.0)
    smbus.chips[0x63].temperature_c = 5.0  # what somebody told it before
    smbus.chips[0x63].ph_at = lambda _: value

    assert instrument(ph, water=lambda _: None).show(NOW).doubts == doubts
    assert smbus.chips[0x63].temperature_c == 25.0


def test_a_circuit_that_restarts_while_it_measures_gives_no_reading(smbus):
    ph = commands(smbus)
    ph.calibrate(CalibrationPoint.MID, 7.0)
    shows = instrument(ph)
    smbus.chips[0x63].forced = [b"\x01?CAL,1", b"\xff"]

    with pytest.raises(ProbeFault):
        shows.show(NOW)
