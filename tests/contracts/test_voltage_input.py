"""What every `VoltageInput` promises, on gpiozero's mock pins and on the simulated hardware alike."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from edge.hardware.gpio import GpioHardware
from edge.hardware.simulated import SimulatedHardware
from edge.probes.build import Hardware
from edge.probes.inputs import ProbeDisconnected
from firmware_config.parts import Mcp3008
from tests.edge.hardware.fake_mcp3008 import FakeMcp3008, mock_pins

STEP_VOLTS = 3.3 / 1024


@dataclass(frozen=True)
class Bench:
    """Hardware and the knob that turns the voltage on a channel."""

    hardware: Hardware
    put: Callable[[int, float], None]


@pytest.fixture(params=["gpiozero", "simulated"])
def bench(request) -> Iterator[Bench]:
    if request.param == "simulated":
        volts = dict.fromkeys(range(8), 0.0)
        sources = {("adc0", channel): (lambda at=channel: volts[at]) for channel in range(8)}
        yield Bench(SimulatedHardware(voltages=sources), volts.__setitem__)
        return
    with mock_pins(), FakeMcp3008() as chip:
        hardware = GpioHardware({"adc0": Mcp3008(kind="mcp3008")})
        yield Bench(hardware, chip.put_volts)
        hardware.close()


@pytest.mark.parametrize("volts", [0.0, 0.004, 0.5, 1.497, 1.65, 2.031, 3.0, 3.29])
def test_it_reads_the_voltage_that_is_there(bench, volts):
    channel = bench.hardware.voltage(converter="adc0", channel=0)
    bench.put(0, volts)

    assert channel.read_volts() == pytest.approx(volts, abs=STEP_VOLTS)


def test_each_reading_is_of_now(bench):
    channel = bench.hardware.voltage(converter="adc0", channel=0)

    for volts in (1.0, 2.0, 1.0):
        bench.put(0, volts)
        assert channel.read_volts() == pytest.approx(volts, abs=STEP_VOLTS)


def test_all_eight_channels_are_independent(bench):
    channels = [bench.hardware.voltage(converter="adc0", channel=at) for at in range(8)]
    for at in range(8):
        bench.put(at, 0.4 * at)

    for at, channel in enumerate(channels):
        assert channel.read_volts() == pytest.approx(0.4 * at, abs=STEP_VOLTS)


def test_volts_are_finite_and_never_negative(bench):
    channel = bench.hardware.voltage(converter="adc0", channel=0)

    for at in range(34):
        bench.put(0, at / 10)
        volts = channel.read_volts()
        assert math.isfinite(volts)
        assert volts >= 0.0


def test_what_was_let_go_says_that_it_is_disconnected(bench):
    channel = bench.hardware.voltage(converter="adc0", channel=0)
    bench.hardware.close()

    with pytest.raises(ProbeDisconnected):
        channel.read_volts()
