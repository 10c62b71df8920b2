import pytest

from edge.hardware.simulated import SimulatedHardware
from edge.probes.hardware import HardwareUnavailable
from edge.probes.inputs import ProbeDisconnected


def test_an_input_without_a_function_is_unavailable():
    hardware = SimulatedHardware(voltages={("adc0", 0): lambda: 1.0}, pulses={17: lambda: 0})

    with pytest.raises(HardwareUnavailable, match="channel 1 of converter adc0"):
        hardware.voltage(converter="adc0", channel=1)
    with pytest.raises(HardwareUnavailable, match="GPIO27"):
        hardware.pulses(pin=27, pull_up=True)


def test_closing_lets_go_of_every_input():
    hardware = SimulatedHardware(voltages={("adc0", 0): lambda: 1.0}, pulses={17: lambda: 0})
    voltage = hardware.voltage(converter="adc0", channel=0)
    pulses = hardware.pulses(pin=17, pull_up=True)

    hardware.close()

    with pytest.raises(ProbeDisconnected):
        voltage.read_volts()
    with pytest.raises(ProbeDisconnected):
        pulses.read()


def test_a_source_may_play_an_unplugged_probe():
    def unplugged():
        raise ProbeDisconnected("pulled out")

    voltage = SimulatedHardware(voltages={("adc0", 0): unplugged}).voltage(converter="adc0", channel=0)

    with pytest.raises(ProbeDisconnected, match="pulled out"):
        voltage.read_volts()
