"""A wiring from probes' models alone: sound for every model, or refused in words."""

import tomllib
from itertools import permutations

import pytest

from firmware_config.card.kit import device_toml
from firmware_config.datasheet import all_models
from firmware_config.device import DeviceConfig
from waterquality.errors import ConfigError

UNKNOWN_WIRING = {"pulse-meter", "modbus-nephelometer", "sen0710"}


def wired(*models: str) -> DeviceConfig:
    return DeviceConfig.model_validate(tomllib.loads(device_toml("kk-0007", models)))


@pytest.mark.parametrize("models", list(permutations(("sen0189", "sen0161-v2", "yf-s201"))))
def test_the_usual_kit_is_wired_as_the_guide_says_in_whatever_order_it_is_named(
    models: tuple[str, ...],
) -> None:
    turbidity, ph, flow = wired(*models).probes

    assert (turbidity.input.channel, turbidity.input.divider) == (0, 1.5)
    assert (ph.input.channel, ph.input.divider) == (1, 1.0)
    assert (flow.input.pin, flow.input.pulses_per_litre) == (17, 450.0)


@pytest.mark.parametrize("model", sorted(set(all_models()) - UNKNOWN_WIRING))
def test_a_model_that_the_guide_wires_is_wired_soundly(model: str) -> None:
    assert [probe.model for probe in wired(model).probes] == [model]


@pytest.mark.parametrize("model", sorted(UNKNOWN_WIRING))
def test_what_no_guide_can_know_needs_a_wiring_file(model: str) -> None:
    with pytest.raises(
        ConfigError, match=f"{model}: how it is wired cannot be guessed; write it down: --wiring"
    ):
        wired(model)


def test_no_probe_at_all_is_refused_with_what_to_say() -> None:
    with pytest.raises(ConfigError, match="--probe MODEL for each, or --wiring FILE"):
        wired()
