from datetime import UTC, datetime, timedelta
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.curves import calibration_points, pulses_per_litre, quantise, value_at, volts_for
from demo.events import demo_events
from demo.villages import villages
from demo.water import Water
from waterquality.errors import ConfigError
from waterquality.parameters import Parameter

START = datetime(2026, 11, 24, 9, tzinfo=UTC)
VILLAGES = {village.water_point: village for village in villages()}
SADAKHLO = VILLAGES["marneuli-sadakhlo-spring"]
ANALOGUE = ("analog-nephelometer", "sen0161-v2", "sen0189")


def water(village, events=(), seed=7, **given):
    return Water(village, seed=seed, events=events, **given)


def minutes(since, until, step=1.0):
    return [START + timedelta(minutes=since + step * number) for number in range(int((until - since) / step))]


@pytest.mark.parametrize(("parameter", "tolerance"), [(Parameter.TURBIDITY, 0.12), (Parameter.PH, 0.02)])
def test_the_median_of_many_samples_gives_the_water_back_by_the_calibration(parameter, tolerance):
    point = water(SADAKHLO, demo_events(START))
    points = calibration_points(SADAKHLO.probes[parameter])
    for at in minutes(0, 120, step=9):
        samples = [point.volts(parameter, at + timedelta(milliseconds=20 * n)) for n in range(31)]
        true = point.true_value(parameter, at)

        assert value_at(median(samples), points) == pytest.approx(true, abs=tolerance + 0.02 * true)


def test_a_sound_probe_never_looks_stuck():
    for village in VILLAGES.values():
        point = water(village)
        for parameter in (Parameter.TURBIDITY, Parameter.PH):
            seen = [point.volts(parameter, START + timedelta(seconds=second)) for second in range(60)]
            assert len(set(seen)) >= 2, (village.device, parameter)


def test_an_indicative_probe_cannot_tell_clear_water_from_the_limit():
    step = quantise(2.8) - quantise(2.8 - 3.3 / 1024)
    points = calibration_points("sen0189")

    assert value_at(2.75, points) - value_at(2.75 + step, points) > 15


@pytest.mark.parametrize("model", ANALOGUE)
@given(st.floats(0.0, 3.3))
def test_volts_and_values_are_inverse(model, volts):
    points = calibration_points(model)

    assert volts_for(value_at(volts, points), points) == pytest.approx(volts, abs=1e-9)


@pytest.mark.parametrize(
    ("model", "volts", "value"),
    [
        ("analog-nephelometer", 1.5, 50.0),
        ("sen0161-v2", 1.5, 7.0),
        ("sen0161-v2", 2.032, 4.0),
        ("sen0161-v2", 0.968, 10.0),
    ],
)
def test_calibrations_show_what_their_standards_are(model, volts, value):
    assert value_at(volts, calibration_points(model)) == pytest.approx(value)


def test_the_table_of_the_sen0189_follows_the_curve_of_its_maker():
    for tenths in range(258, 420):
        at_probe = tenths / 100
        curve = -1120.4 * at_probe**2 + 5742.3 * at_probe - 4352.9

        assert value_at(at_probe * 2 / 3, calibration_points("sen0189")) == pytest.approx(curve, abs=40)


def test_a_converter_has_steps_and_ends():
    step = 3.3 / 1024

    assert quantise(0.0) == 0.0
    assert quantise(step * 0.6) == pytest.approx(step)
    assert quantise(-1.0) == 0.0
    assert quantise(9.9) == pytest.approx(3.3 - step)
    assert quantise(1.0, bits=2, reference_volts=4.0) == 1.0


def test_a_probe_that_a_village_does_not_have_is_refused():
    with pytest.raises(ConfigError, match="analogue probe"):
        water(SADAKHLO).volts(Parameter.TEMPERATURE, START)
    with pytest.raises(ConfigError, match="there are: pulse-meter, yf-s201"):
        pulses_per_litre("sen0189")
