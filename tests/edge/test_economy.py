"""What travels of a reading: nothing that its probe cannot show, and nothing that can be given back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.economy import Economy, decimals_of, economy_of
from firmware_config.device import DeviceConfig
from waterquality.flags import Flag, Screened, Why
from waterquality.parameters import SPECS, Parameter
from waterquality.readings import Observation, Reading, by_parameter
from waterquality.wire.encode import body_of

RESOLUTIONS = {Parameter.PH: 0.02, Parameter.TURBIDITY: 18.0, Parameter.FLOW: 0.003}


def written(reading: Reading, economy: Economy | None = None) -> list[dict[str, object]]:
    economy = economy or Economy(RESOLUTIONS)
    observation = Observation("kk-0001", "9f1c2a7e", 1, 1, by_parameter(*economy.of([reading])))
    return list(json.loads(f"[{body_of(observation)}]"))


@pytest.mark.parametrize(
    ("resolution", "decimals"), [(18.0, 0), (2.0, 0), (1.0, 1), (0.11, 2), (0.02, 2), (0.003, 3), (20.0, -1)]
)
def test_a_step_is_the_coarsest_power_of_ten_within_half_a_resolution(
    resolution: float, decimals: int
) -> None:
    assert decimals_of(resolution) == decimals


@pytest.mark.parametrize(
    ("reading", "as_written"),
    [
        (Reading(Parameter.PH, 7.418234), 7.42),
        (Reading(Parameter.TURBIDITY, 347.4918), 347),
        (Reading(Parameter.FLOW, 10.98), 0.000183),  # m3/s
        (Reading(Parameter.VOLUME, 182.331049), 182.331),
        (Reading(Parameter.TEMPERATURE, 12.0625), 12.0625),  # no datasheet, as it was measured
    ],
)
def test_a_value_is_written_to_the_step_that_its_probe_can_show(reading: Reading, as_written: float) -> None:
    assert written(reading)[0]["v"] == as_written


@given(st.floats(0, 3000), st.sampled_from(sorted(RESOLUTIONS)))
def test_what_is_cut_off_is_at_most_a_quarter_of_a_resolution(value: float, parameter: Parameter) -> None:
    (sent,) = Economy(RESOLUTIONS).of([Reading(parameter, value)])

    assert abs(sent.value - value) <= RESOLUTIONS[parameter] / 4 + 1e-9 / SPECS[parameter].wire_per_unit


def test_raw_volts_travel_where_the_value_does_not_give_them_back() -> None:
    sound = Reading(Parameter.PH, 7.4, raw=1.4301839)
    doubted = Reading(Parameter.PH, 7.4, raw=1.4301839, screened=Screened(Flag.SUSPECT, Why.PROBE_NOISY))
    missing = Reading(Parameter.PH, None, raw=2.91, screened=Screened(Flag.FAIL, Why.OUT_OF_CURVE))

    assert [each["n"] for each in written(sound)] == ["ph"]
    assert written(doubted)[1] == {"n": "ph/raw", "u": "V", "v": 1.4302}
    assert written(missing)[0] == {"n": "ph/raw", "u": "V", "v": 2.91}
    assert written(sound, Economy(sends_raw=True))[1]["v"] == 1.4302


def test_the_spread_of_a_doubted_reading_travels_with_its_volts() -> None:
    sound = Reading(Parameter.PH, 7.4, raw=1.43, spread=0.301)
    doubted = Reading(
        Parameter.PH, 7.4, raw=1.43, spread=0.301, screened=Screened(Flag.SUSPECT, Why.PROBE_NOISY)
    )

    assert [each["n"] for each in written(sound)] == ["ph"]
    assert {"n": "ph/spread", "u": "pH", "v": 0.3} in written(doubted)
    assert {"n": "ph/spread", "u": "pH", "v": 0.3} in written(sound, Economy(RESOLUTIONS, sends_raw=True))


@pytest.mark.parametrize("raw", ["doubtful", "always"])
def test_the_steps_are_those_of_the_datasheets_and_raw_is_as_configured(raw: str) -> None:
    wired = {"parameter": "ph", "model": "sen0161-v2", "input": {"converter": "adc0", "channel": 1}}
    config = DeviceConfig.model_validate(
        {
            "schema_version": 1,
            "device": "kk-0001",
            "converters": {"adc0": {"kind": "mcp3008"}},
            "probes": [wired],
            "reporting": {"raw": raw},
        }
    )

    (sent,) = economy_of(config).of([Reading(Parameter.PH, 7.418234, raw=1.43)])

    assert (sent.value, sent.raw) == (7.42, 1.43 if raw == "always" else None)


def test_a_certificate_is_named_when_it_changes_and_again_when_the_word_was_lost() -> None:
    economy = Economy()

    def named(certificate: str) -> str:
        return economy.of([Reading(Parameter.PH, 7.0, certificate=certificate)])[0].certificate

    assert [named(each) for each in ("a", "a", "b", "b")] == ["a", "", "b", ""]
    economy.forget()
    assert named("b") == "b"
