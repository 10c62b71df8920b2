"""What every `Circuit` promises: a fake EZO circuit on a fake I2C bus, and the simulated hardware."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from edge.hardware.pi import PiHardware
from edge.hardware.simulated import SimulatedHardware
from edge.hardware.simulated_instruments import SimulatedEzoPh
from edge.probes.hardware import Hardware
from edge.probes.inputs import CommandRefused, ProbeDisconnected
from firmware_config.device import DeviceConfig
from tests.edge.hardware.fake_i2c import FakeEzoPh, FakeSmbus


@dataclass
class Bench:
    """Hardware with an EZO-pH at 0x63, and the knob that turns its pH at 25 degrees."""

    hardware: Hardware
    put: Callable[[float], None]

    def __post_init__(self) -> None:
        self.circuit = self.hardware.circuit(bus=1, address=0x63)

    def ask(self, command: str) -> str:
        return self.circuit.ask(command, wait_s=0.9)


def on_a_bus() -> Iterator[Bench]:
    smbus = FakeSmbus()
    chip = smbus.chips[0x63] = FakeEzoPh(smbus)
    config = DeviceConfig.model_construct(converters={}, lines={}, probes=())
    hardware = PiHardware(config, pause=smbus.pause, open_bus=lambda _: smbus.bus())
    yield Bench(hardware, lambda ph: setattr(chip, "ph_at", lambda _: ph))
    hardware.close()
    smbus.close()


def simulated() -> Iterator[Bench]:
    water = {"ph": 7.0}
    circuit = SimulatedEzoPh(lambda: water["ph"])
    yield Bench(SimulatedHardware(circuits={(1, 0x63): circuit}), lambda ph: water.update(ph=ph))


BENCHES = {"ezo on i2c": on_a_bus, "simulated": simulated}


@pytest.fixture(params=BENCHES)
def bench(request) -> Iterator[Bench]:
    yield from BENCHES[request.param]()


@pytest.mark.parametrize("ph", [0.0, 4.0, 7.432, 14.0])
def test_a_reading_is_a_number_in_words(bench, ph):
    bench.put(ph)

    assert float(bench.ask("R")) == pytest.approx(ph, abs=0.001)


def test_each_reading_is_of_now(bench):
    for ph in (6.5, 9.0, 6.5):
        bench.put(ph)
        assert float(bench.ask("R")) == pytest.approx(ph, abs=0.001)


def test_a_short_answer_has_nothing_of_a_longer_one_behind_it(bench):
    assert len(bench.ask("Slope,?")) > len(bench.ask("Cal,?")) == len("?CAL,0")


def test_a_command_without_a_number_is_answered_with_nothing(bench):
    assert bench.ask("T,12.50") == ""


def test_calibration_is_counted_and_mid_wipes_out_the_others(bench):
    asked = ["Cal,clear", "Cal,mid,7.00", "Cal,low,4.00", "Cal,high,10.00", "Cal,mid,7.00"]
    counts = []
    for command in asked:
        assert bench.ask(command) == ""
        counts.append(bench.ask("Cal,?").lower())

    assert counts == ["?cal,0", "?cal,1", "?cal,2", "?cal,3", "?cal,1"]


def test_a_command_that_it_does_not_know_is_refused(bench):
    with pytest.raises(CommandRefused):
        bench.ask("Brew,coffee")


def test_what_was_let_go_says_that_it_is_disconnected(bench):
    bench.hardware.close()

    with pytest.raises(ProbeDisconnected):
        bench.ask("R")
