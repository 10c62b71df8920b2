"""From a configuration to probes that measure: the samples that ship, on simulated hardware."""

from datetime import timedelta
from pathlib import Path

import pytest

import firmware_config
from edge.hardware.simulated import SimulatedHardware
from edge.hardware.simulated_instruments import SimulatedEzoPh
from edge.probes.build import build_probes
from edge.probes.hardware import HardwareUnavailable
from edge.probes.inputs import ProbeDisconnected
from edge.probes.measuring import measured
from firmware_config.device import load_device_config
from tests.builders import instant
from waterquality.flags import Flag, Screened, Why
from waterquality.parameters import Parameter

FOLDER = Path(firmware_config.__file__).parent
NOW = instant("2025-11-20T06:00:00Z")
LATER = NOW + timedelta(minutes=2)  # all is warm and settled


def readings(config, hardware):
    """By parameter, once all is warm."""
    probes = build_probes(config, hardware)
    for probe in probes:
        measured(probe, NOW)
    return {reading.parameter: reading for probe in probes for reading in measured(probe, LATER)}


def test_the_device_on_i2c_measures():
    config = load_device_config(FOLDER / "device-i2c.sample.toml")
    circuit = SimulatedEzoPh(lambda: 7.3, points=2)
    hardware = SimulatedHardware(voltages={("adc1", 0): lambda: 0.03}, circuits={(1, 0x63): circuit})

    found = readings(config, hardware)

    assert found[Parameter.TURBIDITY].screened.why is Why.PROBE_UNCALIBRATED
    assert found[Parameter.PH].value == 7.3
    assert circuit.temperature_c == 11.5  # what the file says of the spring


def test_the_device_on_rs485_measures():
    config = load_device_config(FOLDER / "device-rs485.sample.toml")
    words = {0: 0x4148, 1: 0xF5C3, 2: 0}
    hardware = SimulatedHardware(
        registers={("rs485", 1): lambda: words}, celsius={"28-0316a2794bff": lambda: 11.5}
    )

    found = readings(config, hardware)

    assert found[Parameter.TURBIDITY].value == pytest.approx(12.56)
    assert found[Parameter.TURBIDITY].screened == Screened(Flag.SUSPECT, Why.PROBE_UNCALIBRATED)
    assert found[Parameter.TEMPERATURE].value == 11.5


def first_sample(celsius):
    config = load_device_config(FOLDER / "device.sample.toml")
    unswitched = tuple(probe.model_copy(update={"power": None}) for probe in config.probes)
    config = config.model_copy(update={"probes": unswitched})
    volts = {("adc0", 0): lambda: 4.13 / 1.5, ("adc0", 1): lambda: 1.2}
    return readings(
        config, SimulatedHardware(voltages=volts, pulses={17: lambda: 0}, celsius={"only": celsius})
    )


def test_the_thermometer_of_the_device_serves_the_other_probes_wherever_it_stands_in_the_file():
    cold, warm = first_sample(lambda: 8.0), first_sample(lambda: 21.5)

    assert warm[Parameter.TURBIDITY].value == pytest.approx(0.0, abs=1e-6)
    assert cold[Parameter.TURBIDITY].value < -700.0  # clear water that is colder puts out less
    assert cold[Parameter.PH].value > warm[Parameter.PH].value
    assert {warm[name].screened.why for name in ("turbidity", "ph", "temperature")} == {Why.NONE}


def test_an_unplugged_thermometer_costs_its_own_reading_and_a_doubt_of_the_others():
    def unplugged():
        raise ProbeDisconnected("pulled out")

    found = first_sample(unplugged)

    assert found[Parameter.TEMPERATURE].screened == Screened(Flag.MISSING, Why.PROBE_DISCONNECTED)
    assert found[Parameter.TURBIDITY].screened == Screened(Flag.SUSPECT, Why.TEMPERATURE_UNKNOWN)
    assert found[Parameter.PH].screened == Screened(Flag.SUSPECT, Why.TEMPERATURE_UNKNOWN)


@pytest.mark.parametrize("name", ["device-i2c.sample.toml", "device-rs485.sample.toml"])
def test_what_is_not_there_is_unavailable(name):
    with pytest.raises(HardwareUnavailable, match="not simulated"):
        build_probes(load_device_config(FOLDER / name), SimulatedHardware())
