"""The agent as its settings have it: what one part of them asks of another."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge import composing
from edge.agent import Agent
from edge.composing import compose
from edge.desired import Configurations
from edge.hardware.simulated import SimulatedHardware
from edge.probes.hardware import HardwareUnavailable
from edge.settings import EdgeSettings, load_settings
from edge.update import UpdateParts
from firmware_config.device import DeviceConfig
from waterquality.wire.desired import Desired

DEVICE = """schema_version = 1
device = "kk-0001"
observe_every_s = {every_s}
{more}
[[probes]]
parameter = "flow"
model = "yf-s201"
input = {{ pin = 17, pulses_per_litre = 450.0 }}
"""


def settings(folder: Path, *, every_s: float = 60.0, batch_every_s: float = 0.0) -> EdgeSettings:
    (folder / "device.toml").write_text(DEVICE.format(every_s=every_s, more=""))
    path = folder / "edge.toml"
    path.write_text(
        f"""
        device_config = "{folder}/device.toml"
        certificates = "{folder}/certificates"
        [mqtt]
        host = "127.0.0.1"
        authentication = "none"
        [outbox]
        path = "{folder}/outbox.db"
        [uplink]
        batch_every_s = {batch_every_s}
        [door]
        path = "{folder}/edge.sock"
        [remote]
        folder = "{folder}/remote"
        [budget]
        path = "{folder}/budget.json"
        """
    )
    return load_settings(path)


def pins(_: DeviceConfig) -> SimulatedHardware:
    return SimulatedHardware(pulses={17: lambda: 0})


@pytest.fixture
def made() -> Iterator[list[Agent]]:
    agents: list[Agent] = []
    yield agents
    for agent in agents:
        agent.stop()


@pytest.mark.parametrize(
    ("intervals", "patience_s"),
    [
        ({}, 1800.0),
        ({"every_s": 3600.0}, 7200.0),
        ({"batch_every_s": 3600.0}, 7320.0),
    ],
)
def test_a_new_version_has_the_time_that_an_observation_takes_to_come_and_to_go(
    tmp_path: Path, made: list[Agent], intervals: dict[str, float], patience_s: float
) -> None:
    parts = UpdateParts(
        root=tmp_path,
        key=tmp_path / "key",
        running="1.0.0",
        install=lambda *_: None,
        patience_s=1800.0,
    )
    made.append(compose(settings(tmp_path, **intervals), hardware_of=pins, updates=parts))

    assert made[0]._parts.remote.updates == replace(parts, patience_s=patience_s)


def test_a_light_told_from_afar_that_does_not_open_leaves_the_device_as_it_was(
    tmp_path: Path, made: list[Agent], monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(_: object) -> None:
        raise HardwareUnavailable("the light cannot be opened: taken")

    monkeypatch.setattr(composing, "open_lamp", taken)
    told = settings(tmp_path)
    text = DEVICE.format(every_s=30.0, more='light = { kind = "led", pin = 23 }')
    configurations = Configurations(told.remote.folder / "config", told.device_config)
    assert configurations.take(Desired(1, text), "kk-0001")

    made.append(compose(told, hardware_of=pins))

    assert made[0]._parts.config_version == 0
