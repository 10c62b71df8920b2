"""What every `VoltageInput` promises: gpiozero's mock pins, a fake I2C bus, the simulated hardware, i2c-stub."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from edge.hardware.gpio import GpioHardware
from edge.hardware.pi import PiHardware
from edge.hardware.simulated import SimulatedHardware
from edge.probes.hardware import Hardware
from edge.probes.inputs import ProbeDisconnected
from firmware_config.buses import Ads1115
from firmware_config.device import DeviceConfig
from firmware_config.parts import Mcp3008
from tests.edge.hardware.fake_i2c import FakeAds1115, FakeSmbus
from tests.edge.hardware.fake_mcp3008 import FakeMcp3008, mock_pins
from tests.edge.hardware.kernel_simulators import i2c_stub

STEP_VOLTS = 3.3 / 1024


@dataclass(frozen=True)
class Bench:
    """Hardware and the knob that turns the voltage on a channel."""

    hardware: Hardware
    put: Callable[[int, float], None]
    channels: int = 8


def with_ads1115(bus_number: int = 1) -> DeviceConfig:
    # construct: the probes are not what is tried here
    chip = Ads1115(kind="ads1115", bus=bus_number)
    return DeviceConfig.model_construct(converters={"adc0": chip}, lines={}, probes=())


def simulated() -> Iterator[Bench]:
    volts = dict.fromkeys(range(8), 0.0)
    sources = {("adc0", channel): (lambda at=channel: volts[at]) for channel in range(8)}
    yield Bench(SimulatedHardware(voltages=sources), volts.__setitem__)


def mcp3008() -> Iterator[Bench]:
    with mock_pins(), FakeMcp3008() as chip:
        hardware = GpioHardware({"adc0": Mcp3008(kind="mcp3008")})
        yield Bench(hardware, chip.put_volts)
        hardware.close()


def ads1115() -> Iterator[Bench]:
    smbus = FakeSmbus()
    chip = smbus.chips[0x48] = FakeAds1115(smbus)
    hardware = PiHardware(with_ads1115(), pause=smbus.pause, open_bus=lambda _: smbus.bus())
    yield Bench(hardware, chip.volts.__setitem__, channels=4)
    hardware.close()
    smbus.close()


def ads1115_of_the_kernel() -> Iterator[Bench]:
    with i2c_stub(0x48) as stub:
        hardware = PiHardware(with_ads1115(stub.bus))
        # the stub knows no channels: what is put is on the one that is read
        yield Bench(hardware, lambda _, volts: stub.put_word(0, int(volts / 4.096 * 32768)), channels=1)
        hardware.close()


BENCHES = {"mcp3008": mcp3008, "ads1115": ads1115, "i2c-stub": ads1115_of_the_kernel, "simulated": simulated}


@pytest.fixture(params=BENCHES)
def bench(request) -> Iterator[Bench]:
    yield from BENCHES[request.param]()


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


def test_all_channels_are_independent(bench):
    channels = [bench.hardware.voltage(converter="adc0", channel=at) for at in range(bench.channels)]
    for at in range(bench.channels):
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
