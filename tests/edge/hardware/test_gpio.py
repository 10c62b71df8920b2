import gc
import time
from pathlib import Path

import pytest

import firmware_config
from edge.hardware.gpio import GpioHardware
from edge.hardware.pi import PiHardware
from edge.probes.build import build_probes
from edge.probes.hardware import HardwareUnavailable
from edge.probes.inputs import ProbeDisconnected
from edge.probes.measuring import measured
from firmware_config.device import load_device_config
from firmware_config.parts import Mcp3008
from tests.builders import instant
from tests.edge.hardware.fake_one_wire import FakeOneWire
from waterquality.errors import ConfigError
from waterquality.flags import Flag
from waterquality.parameters import Parameter

SAMPLE = Path(firmware_config.__file__).with_name("device.sample.toml")


@pytest.fixture
def hardware(chip):
    opened = GpioHardware({"adc0": Mcp3008(kind="mcp3008")})
    yield opened
    opened.close()


def test_nothing_is_opened_before_it_is_asked_for(pins):
    GpioHardware({"adc0": Mcp3008(kind="mcp3008")})

    assert not pins.pins


def test_a_pin_that_is_taken_stops_the_agent_with_its_number(hardware):
    hardware.pulses(pin=17, pull_up=True)

    with pytest.raises(HardwareUnavailable, match="GPIO17 cannot be opened") as refused:
        hardware.pulses(pin=17, pull_up=True)
    assert isinstance(refused.value, ConfigError)


def test_a_channel_on_no_converter_is_unavailable(hardware):
    with pytest.raises(HardwareUnavailable, match="adc9"):
        hardware.voltage(converter="adc9", channel=0)


def test_closing_lets_go_of_all_so_that_it_can_be_opened_again(hardware, chip):
    voltage = hardware.voltage(converter="adc0", channel=0)
    pulses = hardware.pulses(pin=17, pull_up=True)

    hardware.close()

    with pytest.raises(ProbeDisconnected):
        voltage.read_volts()
    with pytest.raises(ProbeDisconnected):
        pulses.read()
    hardware.voltage(converter="adc0", channel=0)
    hardware.pulses(pin=17, pull_up=True)


def test_what_was_let_go_does_not_spoil_what_is_opened_next(chip):
    wiring = {"adc0": Mcp3008(kind="mcp3008")}
    before = GpioHardware(wiring)
    before.voltage(converter="adc0", channel=0)
    before.close()
    del before

    hardware = GpioHardware(wiring)
    hardware.voltage(converter="adc0", channel=0)
    gc.collect()
    chip.codes[1] = 512

    assert hardware.voltage(converter="adc0", channel=1).read_volts() == 1.65
    hardware.close()


def always_powered(config):
    """The same device without the switch that rests a probe between observations."""
    probes = tuple(probe.model_copy(update={"power": None}) for probe in config.probes)
    return config.model_copy(update={"probes": probes})


def test_the_sample_device_measures_all_it_says_through_real_wire_protocols(pins, chip, tmp_path):
    config = always_powered(load_device_config(SAMPLE))
    hardware = PiHardware(config, one_wire=tmp_path)
    FakeOneWire(tmp_path).put_celsius(22.0)
    probes = build_probes(config, hardware)
    chip.put_volts(0, 4.13 / 1.5)
    chip.put_volts(1, 1.497)
    start, later = instant("2025-11-10T06:00:00Z"), instant("2025-11-10T06:02:00Z")

    pins.pin(17).drive_low()
    for probe in probes:
        measured(probe, start)
    began_s = hardware._open[2].read().last_edge_s
    for _ in range(60):
        time.sleep(0.005)
        pins.pin(17).drive_high()
        pins.pin(17).drive_low()
    took_s = hardware._open[2].read().last_edge_s - began_s
    readings = {reading.parameter: reading for probe in probes for reading in measured(probe, later)}
    hardware.close()

    one_step_ntu = 1000.0 / 0.27 * 1.5 * 3.3 / 1024
    half_a_degree_ntu = 1000.0 / 0.27 * 0.0192 * 0.5
    assert readings[Parameter.TURBIDITY].value == pytest.approx(0.0, abs=one_step_ntu + half_a_degree_ntu)
    assert readings[Parameter.TURBIDITY].raw == pytest.approx(4.13, abs=1.5 * 3.3 / 1024)
    assert readings[Parameter.PH].value == pytest.approx(7.0, abs=0.02)
    assert readings[Parameter.FLOW].value == pytest.approx(60 / 450 / took_s * 60)
    assert readings[Parameter.VOLUME].value == pytest.approx(61 / 450_000)
    assert readings[Parameter.TEMPERATURE].value == 22.0
    assert {reading.flag for reading in readings.values()} == {Flag.UNKNOWN}
    assert readings[Parameter.PH].certificate == "kk-0001-ph-2025-11-03"
