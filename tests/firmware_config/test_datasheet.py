import tomllib

import pytest

from firmware_config.datasheet import Side, VoltageSignal, all_models, load
from firmware_config.errors import UnknownProbeModel
from waterquality.errors import ConfigError
from waterquality.flags import Why
from waterquality.limits import Method
from waterquality.parameters import SPECS, Parameter


@pytest.mark.parametrize("model", all_models())
def test_every_sheet_is_read_and_named_after_its_file(model):
    sheet = load(model)

    assert sheet.model == model
    assert sheet.sources
    assert sheet.capability.parameter is sheet.parameter


def test_the_probes_of_the_field_are_there():
    assert set(all_models()) >= {
        "sen0189",
        "analog-nephelometer",
        "modbus-nephelometer",
        "sen0161-v2",
        "ezo-ph",
        "ds18b20",
        "yf-s201",
        "pulse-meter",
    }


def test_a_generic_sheet_says_that_it_is_to_be_replaced():
    for model in ("analog-nephelometer", "modbus-nephelometer", "pulse-meter"):
        assert "replace" in load(model).title


def test_an_unknown_model_is_refused_with_the_nearest_and_all_that_are_known():
    with pytest.raises(UnknownProbeModel) as refused:
        load("sen0198")

    assert isinstance(refused.value, ConfigError)
    assert "did you mean `sen0189`?" in str(refused.value)
    assert all(model in str(refused.value) for model in all_models())


@pytest.mark.parametrize("model", ["../../pyproject", "", "SEN0189", "sen0189.toml"])
def test_a_model_is_a_name_and_no_path(model):
    with pytest.raises(UnknownProbeModel):
        load(model)


def test_the_cheap_turbidity_probe_is_indicative_and_the_nephelometer_is_not():
    assert load("sen0189").capability.method is Method.INDICATIVE
    assert load("analog-nephelometer").capability.method is Method.NEPHELOMETRIC


@pytest.mark.parametrize(
    ("model", "volts", "why"),
    [
        ("sen0189", 0.09, Why.PROBE_DISCONNECTED),
        ("sen0189", 0.10, Why.PROBE_SATURATED),
        ("sen0189", 2.5626, Why.PROBE_SATURATED),
        ("sen0189", 2.57, Why.NONE),
        ("sen0189", 4.5, Why.NONE),
        ("sen0189", 4.55, Why.OUT_OF_CURVE),
        ("sen0189", 4.61, Why.PROBE_DISCONNECTED),
        ("analog-nephelometer", 0.0, Why.NONE),
        ("analog-nephelometer", 3.0, Why.NONE),
        ("analog-nephelometer", 3.05, Why.PROBE_SATURATED),
        ("analog-nephelometer", 3.2, Why.PROBE_DISCONNECTED),
        ("sen0161-v2", 0.15, Why.OUT_OF_CURVE),
        ("sen0161-v2", 1.5, Why.NONE),
        ("sen0161-v2", 2.9, Why.OUT_OF_CURVE),
    ],
)
def test_volts_are_told_apart_by_what_they_can_mean(model, volts, why):
    signal = load(model).signal

    assert isinstance(signal, VoltageSignal)
    assert signal.why_unusable(volts) is why


def test_volts_that_mean_a_value_are_always_volts_of_a_live_probe():
    for signal in (load(model).signal for model in all_models()):
        if isinstance(signal, VoltageSignal):
            assert signal.live_volts[0] <= signal.valid_volts[0]
            assert signal.valid_volts[1] <= signal.live_volts[1]
            assert signal.saturates in Side


def test_the_valid_band_of_the_sen0189_ends_where_its_curve_turns_back():
    def ntu(volts):
        return -1120.4 * volts**2 + 5742.3 * volts - 4352.9

    signal = load("sen0189").signal
    low, high = signal.valid_volts
    steps = [low + (high - low) * step / 100 for step in range(101)]
    values = [ntu(volts) for volts in steps]

    assert values == sorted(values, reverse=True)
    assert ntu(2.5) < ntu(2.5626) > ntu(low)
    assert low - 2.5626 < 0.01


def test_slightly_negative_readings_of_clear_water_are_possible_ones():
    low, high = load("analog-nephelometer").possible

    assert low == pytest.approx(-0.3)
    assert high == pytest.approx(100 + 0.3 + 5)


def test_a_flow_of_0_is_possible_although_the_meter_cannot_tell_it_from_little():
    for model in ("yf-s201", "pulse-meter"):
        sheet = load(model)
        assert sheet.parameter is Parameter.FLOW
        assert sheet.possible[0] <= 0.0
        assert sheet.detection_limit > 0.0


def test_sheets_are_plain_toml_that_a_person_can_copy():
    from importlib.resources import files

    for sheet in (files("firmware_config") / "probes").iterdir():
        assert tomllib.loads(sheet.read_text(encoding="utf-8"))["model"] == sheet.name.removesuffix(".toml")


def test_the_thermometer_covers_all_that_water_at_a_tap_may_be():
    low, high = SPECS[Parameter.TEMPERATURE].possible

    assert load("ds18b20").span[0] <= low < high <= load("ds18b20").span[1]


def test_temperature_matters_to_electrodes_and_to_the_drifting_probe_alone():
    kinds = {model: load(model).temperature for model in all_models()}

    assert {model: effect.kind for model, effect in kinds.items() if effect} == {
        "ezo-ph": "nernst",
        "sen0161-v2": "nernst",
        "sen0189": "drift",
    }
