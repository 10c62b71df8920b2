"""What every `Thermometer` promises: a folder as the kernel makes it, and the simulated hardware."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from edge.hardware.pi import PiHardware
from edge.hardware.simulated import SimulatedHardware
from edge.probes.hardware import Hardware
from edge.probes.inputs import ProbeDisconnected
from firmware_config.device import DeviceConfig
from tests.edge.hardware.fake_one_wire import FakeOneWire


@dataclass(frozen=True)
class Bench:
    """Hardware, and the knob that warms the thermometer; None unplugs it."""

    hardware: Hardware
    put: Callable[[float | None], None]

    def thermometer(self):
        return self.hardware.thermometer(sensor="only", family="28")


def in_a_folder(folder) -> Iterator[Bench]:
    bus = FakeOneWire(folder)
    bus.put_celsius(20.0)
    config = DeviceConfig.model_construct(converters={}, lines={}, probes=())
    hardware = PiHardware(config, one_wire=folder)
    yield Bench(hardware, lambda celsius: bus.unplug() if celsius is None else bus.put_celsius(celsius))
    hardware.close()


def simulated(_) -> Iterator[Bench]:
    water: dict[str, float | None] = {"celsius": 20.0}

    def celsius() -> float:
        if water["celsius"] is None:
            raise ProbeDisconnected("pulled out")
        return water["celsius"]

    hardware = SimulatedHardware(celsius={"only": celsius})
    yield Bench(hardware, lambda degrees: water.update(celsius=degrees))


BENCHES = {"sysfs": in_a_folder, "simulated": simulated}


@pytest.fixture(params=BENCHES)
def bench(request, tmp_path) -> Iterator[Bench]:
    yield from BENCHES[request.param](tmp_path)


@pytest.mark.parametrize("celsius", [-5.0625, 0.0, 0.0625, 11.5, 25.0, 84.9375, 85.0])
def test_it_reads_the_temperature_that_is_there(bench, celsius):
    bench.put(celsius)

    assert bench.thermometer().read().celsius == pytest.approx(celsius, abs=0.001)


def test_a_temperature_that_was_measured_is_never_taken_for_that_of_power_on(bench):
    bench.put(85.0)

    assert not bench.thermometer().read().is_as_powered_on


def test_each_reading_is_of_now(bench):
    thermometer = bench.thermometer()
    for celsius in (10.0, 12.0, 10.0):
        bench.put(celsius)
        assert thermometer.read().celsius == celsius


def test_it_may_be_plugged_in_after_the_start(bench):
    bench.put(None)
    thermometer = bench.thermometer()
    with pytest.raises(ProbeDisconnected):
        thermometer.read()
    bench.put(13.0)

    assert thermometer.read().celsius == 13.0


def test_what_was_let_go_says_that_it_is_disconnected(bench):
    thermometer = bench.thermometer()
    bench.hardware.close()

    with pytest.raises(ProbeDisconnected):
        thermometer.read()
