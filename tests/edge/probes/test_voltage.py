from datetime import date, timedelta
from itertools import chain, cycle

import pytest

from edge.compensation import known
from edge.hardware.simulated import SimulatedVoltage
from edge.probes.inputs import Divided, ProbeDisconnected
from edge.probes.voltage import VoltageProbe
from firmware_config.datasheet import load
from firmware_config.parts import CalibrationCertificate
from tests.builders import instant
from waterquality.flags import NOT_SCREENED, Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.screening import DEFAULT_SPANS, screen_reading

NOW = instant("2026-11-20T06:00:00Z")
WARM = NOW + timedelta(minutes=2)
POINTS = {
    "sen0189": ((2.6, 2900.0), (3.9, 1000.0), (4.1, 0.0)),
    "analog-nephelometer": ((0.0, 0.0), (3.0, 100.0)),
    "sen0161-v2": ((1.5, 7.0), (2.0, 4.0)),
}


def certificate(model, *, expires_on=date(2027, 1, 1)):
    return CalibrationCertificate(
        id="certificate-1",
        made_on=date(2026, 1, 1),
        made_by="A. Tester",
        kind="table",
        points=POINTS[model],
        standards=("of known value",),
        expires_on=expires_on,
    )


def probe(model, *volts, samples=1, calibrated=True, expires_on=date(2027, 1, 1)):
    """A probe that answers with these volts, one sample after the other, over and over."""
    answers = cycle(volts)
    sheet = load(model)
    return VoltageProbe(
        SimulatedVoltage(lambda: next(answers)),
        sheet=sheet,
        signal=sheet.signal,
        certificate=certificate(model, expires_on=expires_on) if calibrated else None,
        samples=samples,
    )


def warm_reading(made):
    """What a probe reads once it is warm."""
    made.measure(NOW)
    (reading,) = made.measure(WARM)
    return reading


@pytest.mark.parametrize(
    ("model", "volts", "parameter", "value"),
    [
        ("sen0189", 4.0, Parameter.TURBIDITY, 500.0),
        ("analog-nephelometer", 0.03, Parameter.TURBIDITY, 1.0),
        ("sen0161-v2", 1.45, Parameter.PH, 7.3),
    ],
)
def test_volts_become_a_value_and_travel_beside_it(model, volts, parameter, value):
    reading = warm_reading(probe(model, volts))

    assert reading.parameter is parameter
    assert reading.value == pytest.approx(value)
    assert reading.raw == volts
    assert reading.raw_unit == "V"
    assert reading.certificate == "certificate-1"


def test_a_reading_that_the_device_does_not_doubt_leaves_the_judgement_to_the_server():
    reading = warm_reading(probe("sen0161-v2", 1.5))

    assert reading.screened == NOT_SCREENED
    assert screen_reading(reading, DEFAULT_SPANS[Parameter.PH]).flag is Flag.GOOD


def test_clear_water_is_0_and_a_value():
    reading = warm_reading(probe("analog-nephelometer", 0.0))

    assert reading.value == 0.0
    assert reading.screened == NOT_SCREENED


def test_one_bubble_among_the_samples_changes_nothing():
    assert warm_reading(probe("analog-nephelometer", 0.03, 0.03, 2.9, 0.03, 0.03, samples=5)).value == (
        pytest.approx(1.0)
    )


def test_the_spread_is_that_of_the_middle_half_in_the_unit_of_the_value():
    reading = warm_reading(probe("analog-nephelometer", 0.3, 0.6, 0.9, 1.2, 1.5, samples=5))

    assert reading.value == pytest.approx(30.0)
    assert reading.spread == pytest.approx(20.0)


def test_a_single_sample_has_no_spread_to_speak_of():
    assert warm_reading(probe("analog-nephelometer", 0.3)).spread == 0.0


@pytest.mark.parametrize(
    ("model", "volts"),
    [("sen0189", 0.0), ("sen0189", 4.95), ("sen0161-v2", 0.05), ("analog-nephelometer", 3.29)],
)
def test_a_lead_that_hangs_in_the_air_is_missing_and_said_to_be_disconnected(model, volts):
    reading = warm_reading(probe(model, volts))

    assert reading.value is None
    assert reading.raw == volts
    assert reading.screened == Screened(Flag.MISSING, Why.PROBE_DISCONNECTED)


@pytest.mark.parametrize(
    ("model", "volts"),
    [("sen0189", 2.56), ("sen0189", 1.0), ("sen0189", 0.11), ("analog-nephelometer", 3.05)],
)
def test_a_saturated_probe_fails_without_a_value_and_is_never_clamped(model, volts):
    reading = warm_reading(probe(model, volts))

    assert reading.value is None
    assert reading.raw == volts
    assert reading.screened == Screened(Flag.FAIL, Why.PROBE_SATURATED)


@pytest.mark.parametrize(("model", "volts"), [("sen0189", 4.55), ("sen0161-v2", 2.9), ("sen0161-v2", 0.15)])
def test_volts_off_the_curve_on_the_other_side_fail_with_that_reason(model, volts):
    assert warm_reading(probe(model, volts)).screened == Screened(Flag.FAIL, Why.OUT_OF_CURVE)


def test_a_probe_without_certificate_gives_volts_and_no_value():
    reading = warm_reading(probe("sen0161-v2", 1.5, calibrated=False))

    assert reading.value is None
    assert reading.raw == 1.5
    assert reading.certificate == ""
    assert reading.screened == Screened(Flag.MISSING, Why.PROBE_UNCALIBRATED)


def test_an_unplugged_probe_without_certificate_is_first_of_all_unplugged():
    assert warm_reading(probe("sen0161-v2", 0.0, calibrated=False)).screened.why is Why.PROBE_DISCONNECTED


def test_an_expired_certificate_makes_its_readings_suspect():
    expired = warm_reading(probe("sen0161-v2", 1.5, expires_on=date(2026, 11, 19)))
    last_day = warm_reading(probe("sen0161-v2", 1.5, expires_on=date(2026, 11, 20)))

    assert expired.value == pytest.approx(7.0)
    assert expired.screened == Screened(Flag.SUSPECT, Why.PROBE_UNCALIBRATED)
    assert last_day.screened == NOT_SCREENED


def test_a_value_that_no_sound_probe_can_show_fails_with_its_number():
    reading = warm_reading(probe("sen0161-v2", 0.25))

    assert reading.value == pytest.approx(14.5)
    assert reading.screened == Screened(Flag.FAIL, Why.OUT_OF_RANGE)


def test_the_worst_doubt_wins():
    reading = warm_reading(probe("sen0161-v2", 0.25, expires_on=date(2026, 2, 1)))

    assert reading.screened == Screened(Flag.FAIL, Why.OUT_OF_RANGE)


def test_samples_that_leave_the_curve_make_a_reading_noisy():
    reading = warm_reading(probe("analog-nephelometer", 2.98, 2.98, 2.98, 3.05, 3.05, samples=5))

    assert reading.value is not None
    assert reading.spread is None
    assert reading.screened == Screened(Flag.SUSPECT, Why.PROBE_NOISY)


def test_a_probe_that_warms_up_or_settles_is_missing_and_not_settled():
    cold = probe("sen0161-v2", 1.5)

    for second in (0, 9.9, 10, 69.9):
        (reading,) = cold.measure(NOW + timedelta(seconds=second))
        assert reading.value is None
        assert reading.raw == 1.5
        assert reading.screened == Screened(Flag.MISSING, Why.PROBE_NOT_SETTLED)
    (reading,) = cold.measure(NOW + timedelta(seconds=70))
    assert reading.value == pytest.approx(7.0)


def test_a_probe_that_is_plugged_in_again_warms_up_and_settles_again():
    volts = chain([1.5, 1.5, 0.0], cycle([1.5]))
    sheet = load("sen0161-v2")
    made = VoltageProbe(
        SimulatedVoltage(lambda: next(volts)),
        sheet=sheet,
        signal=sheet.signal,
        certificate=certificate("sen0161-v2"),
        samples=1,
    )

    whys = [made.measure(NOW + timedelta(minutes=2 * tick))[0].screened.why for tick in range(5)]

    assert whys == [
        Why.PROBE_NOT_SETTLED,
        Why.NONE,
        Why.PROBE_DISCONNECTED,
        Why.PROBE_NOT_SETTLED,
        Why.NONE,
    ]


def test_a_clock_that_is_set_back_only_warms_the_probe_up_again():
    made = probe("sen0161-v2", 1.5)
    made.measure(NOW)
    before = NOW - timedelta(days=365)

    assert made.measure(before)[0].screened.why is Why.PROBE_NOT_SETTLED
    assert made.measure(before + timedelta(minutes=2))[0].value == pytest.approx(7.0)


def test_a_divider_is_multiplied_back_before_anything_is_judged():
    sheet = load("sen0189")
    made = VoltageProbe(
        Divided(SimulatedVoltage(lambda: 4.0 / 1.5), 1.5),
        sheet=sheet,
        signal=sheet.signal,
        certificate=certificate("sen0189"),
        samples=1,
    )

    reading = warm_reading(made)

    assert reading.raw == pytest.approx(4.0)
    assert reading.value == pytest.approx(500.0)


def test_a_converter_that_does_not_answer_is_the_callers_to_know():
    made = probe("sen0189", 4.0)
    source = SimulatedVoltage(lambda: 4.0)
    source.close()
    made._source = source

    with pytest.raises(ProbeDisconnected):
        made.measure(NOW)


# ---- temperature ------------------------------------------------------------------------------------------------


def at_temperature(model, volts, water, *, made_at_c=20.0):
    sheet = load(model)
    return warm_reading(
        VoltageProbe(
            SimulatedVoltage(lambda: volts),
            sheet=sheet,
            signal=sheet.signal,
            certificate=certificate(model).model_copy(update={"temperature_c": made_at_c}),
            samples=1,
            water=lambda _: water,
        )
    )


def test_turbidity_is_brought_back_to_the_temperature_of_its_calibration():
    clear_at_12 = 4.1 - 8 * 0.0192  # eight degrees colder than the certificate: 19.2 mV each

    assert at_temperature("sen0189", clear_at_12, known(12.0, 0.5)).value == pytest.approx(0.0, abs=1e-6)
    uncorrected = at_temperature("sen0189", clear_at_12, None)
    assert uncorrected.value == pytest.approx(768.0)
    assert uncorrected.screened == Screened(Flag.SUSPECT, Why.TEMPERATURE_UNKNOWN)


def test_raw_stays_what_the_probe_put_out():
    assert at_temperature("sen0189", 4.0, known(12.0, 0.5)).raw == 4.0


def test_half_a_degree_is_known_well_enough_and_ten_degrees_are_not():
    assert at_temperature("sen0189", 4.0, known(12.0, 0.5)).screened == NOT_SCREENED
    assert at_temperature("sen0189", 4.0, known(12.0, 10.0)).screened == (
        Screened(Flag.SUSPECT, Why.TEMPERATURE_UNKNOWN)
    )


def test_ph_is_read_by_the_slope_of_the_water_and_not_of_the_buffers():
    assert at_temperature("sen0161-v2", 1.25, known(20.0, 0.5)).value == pytest.approx(8.5)
    assert at_temperature("sen0161-v2", 1.25, known(5.0, 0.5)).value == pytest.approx(
        7 + 1.5 * 293.15 / 278.15
    )


def test_a_ph_near_7_needs_no_thermometer_and_one_far_from_it_does():
    assert at_temperature("sen0161-v2", 1.45, None).screened == NOT_SCREENED
    assert at_temperature("sen0161-v2", 1.1, None).screened.why is Why.TEMPERATURE_UNKNOWN


def test_a_certificate_without_a_temperature_is_taken_as_of_25_degrees():
    sheet = load("sen0189")
    reading = warm_reading(
        VoltageProbe(
            SimulatedVoltage(lambda: 4.1 - 5 * 0.0192),
            sheet=sheet,
            signal=sheet.signal,
            certificate=certificate("sen0189"),
            samples=1,
            water=lambda _: known(20.0, 0.5),
        )
    )

    assert reading.value == pytest.approx(0.0, abs=1e-6)


def test_saturation_is_judged_at_the_temperature_of_the_calibration():
    saturated = Screened(Flag.FAIL, Why.PROBE_SATURATED)

    assert at_temperature("sen0189", 2.6, known(20.0, 0.5)).value is not None
    assert at_temperature("sen0189", 2.6, known(25.0, 0.5)).screened == saturated
    assert at_temperature("sen0189", 2.56, known(20.0, 0.5)).screened == saturated


def test_an_unplugged_lead_stays_unplugged_whatever_the_temperature():
    assert at_temperature("sen0189", 0.0, known(0.5, 0.5)).screened.why is Why.PROBE_DISCONNECTED


def test_what_no_temperature_matters_to_asks_for_none():
    asked = []
    sheet = load("analog-nephelometer")
    made = VoltageProbe(
        SimulatedVoltage(lambda: 0.3),
        sheet=sheet,
        signal=sheet.signal,
        certificate=certificate("analog-nephelometer"),
        samples=1,
        water=asked.append,
    )

    assert warm_reading(made).screened == NOT_SCREENED
    assert asked == []
