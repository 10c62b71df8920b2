"""What every `PulseInput` promises: gpiozero on mock pins, the simulated hardware, and, where the kernel has
gpio-sim, its own lines and gpiozero through lgpio.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from edge.hardware.gpio import GpioHardware
from edge.hardware.simulated import SimulatedHardware
from edge.probes.hardware import Hardware
from edge.probes.inputs import ProbeDisconnected
from tests.edge.hardware.fake_mcp3008 import mock_pins
from tests.fakes.gpio_sim import simulated_chip, why_not, why_not_lgpio


@dataclass(frozen=True)
class Bench:
    """Hardware, the knob that makes pulses on a pin, and how many it should be asked for at once."""

    hardware: Hardware
    pulse: Callable[[int, int], None]
    many: int = 20_000


@contextmanager
def gpiozero_on_mock_pins() -> Iterator[Bench]:
    with mock_pins() as pins:
        hardware = GpioHardware({})

        def pulse(pin: int, times: int) -> None:
            for _ in range(times):
                pins.pin(pin).drive_low()
                pins.pin(pin).drive_high()

        yield Bench(hardware, pulse)
        hardware.close()


@contextmanager
def simulated() -> Iterator[Bench]:
    made: Counter[int] = Counter()
    sources = {pin: (lambda at=pin: made[at]) for pin in (17, 27)}
    yield Bench(SimulatedHardware(pulses=sources), lambda pin, times: made.update({pin: times}))


@contextmanager
def kernel_lines() -> Iterator[Bench]:
    with simulated_chip() as chip:
        hardware = GpioHardware({}, header=chip.device)
        yield Bench(hardware, chip.pulse)
        hardware.close()


@contextmanager
def gpiozero_through_lgpio() -> Iterator[Bench]:
    from gpiozero import Device
    from gpiozero.pins.lgpio import LGPIOFactory

    class OnAnyMachine(LGPIOFactory):
        def _get_revision(self) -> int:
            return 0xA02082  # a Pi 3B

    with simulated_chip() as chip:
        before, Device.pin_factory = (
            Device.pin_factory,
            OnAnyMachine(chip=int(chip.device.name.removeprefix("gpiochip"))),
        )
        hardware = GpioHardware({})
        # As fast as a YF-S201 can: lgpio has the kernel keep 16 edges, and loses some of what is much faster.
        yield Bench(hardware, lambda pin, times: chip.pulse(pin, times, rest_s=0.004), many=1000)
        hardware.close()
        Device.pin_factory.close()
        Device.pin_factory = before


@pytest.fixture(
    params=[
        gpiozero_on_mock_pins,
        simulated,
        pytest.param(kernel_lines, marks=pytest.mark.skipif(bool(why_not()), reason=why_not())),
        pytest.param(
            gpiozero_through_lgpio, marks=pytest.mark.skipif(bool(why_not_lgpio()), reason=why_not_lgpio())
        ),
    ],
    ids=lambda made: made.__name__,
)
def bench(request) -> Iterator[Bench]:
    with request.param() as made:
        yield made


def test_it_begins_at_0(bench):
    assert bench.hardware.pulses(pin=17, pull_up=True).read().count == 0


def test_what_came_before_it_was_opened_does_not_count(bench):
    bench.pulse(17, 7)
    pulses = bench.hardware.pulses(pin=17, pull_up=True)
    bench.pulse(17, 2)

    assert pulses.read().count == 2


def test_every_pulse_is_counted_once(bench):
    pulses = bench.hardware.pulses(pin=17, pull_up=True)

    bench.pulse(17, bench.many)

    assert pulses.read().count == bench.many


def test_reading_the_count_changes_nothing(bench):
    pulses = bench.hardware.pulses(pin=17, pull_up=True)
    bench.pulse(17, 3)

    assert [pulses.read().count for _ in range(3)] == [3, 3, 3]


def test_it_never_goes_back(bench):
    pulses = bench.hardware.pulses(pin=17, pull_up=True)
    counts = []
    for times in (0, 5, 0, 1):
        bench.pulse(17, times)
        counts.append(pulses.read().count)

    assert counts == [0, 5, 5, 6]


def test_two_pins_are_independent(bench):
    first = bench.hardware.pulses(pin=17, pull_up=True)
    second = bench.hardware.pulses(pin=27, pull_up=True)
    bench.pulse(17, 3)
    bench.pulse(27, 5)

    assert (first.read().count, second.read().count) == (3, 5)


def test_the_newest_edge_came_between_the_reading_before_and_this_one(bench):
    pulses = bench.hardware.pulses(pin=17, pull_up=True)
    before = pulses.read()
    bench.pulse(17, 2)
    after = pulses.read()

    assert before.last_edge_s is None
    assert before.read_s <= after.last_edge_s <= after.read_s


def test_without_a_new_pulse_the_newest_edge_stays_where_it_was(bench):
    pulses = bench.hardware.pulses(pin=17, pull_up=True)
    bench.pulse(17, 1)
    first, second = pulses.read(), pulses.read()

    assert second.last_edge_s == first.last_edge_s
    assert second.read_s >= first.read_s


def test_what_was_let_go_says_that_it_is_disconnected(bench):
    pulses = bench.hardware.pulses(pin=17, pull_up=True)
    bench.hardware.close()

    with pytest.raises(ProbeDisconnected):
        pulses.read()
