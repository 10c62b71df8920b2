"""What every `PowerSwitch` promises, on gpiozero's mock pins and on the simulated hardware alike."""

from collections.abc import Iterator

import pytest

from edge.hardware.gpio import GpioHardware
from edge.hardware.simulated import SimulatedHardware
from edge.probes.hardware import Hardware
from edge.probes.inputs import ProbeDisconnected
from tests.edge.hardware.fake_mcp3008 import mock_pins


@pytest.fixture(params=["gpiozero", "simulated"])
def hardware(request) -> Iterator[Hardware]:
    if request.param == "simulated":
        yield SimulatedHardware()
        return
    with mock_pins():
        made = GpioHardware({})
        yield made
        made.close()


def test_it_begins_switched_off(hardware):
    assert hardware.switch(pin=22, active_high=True).on_for_s() is None


def test_it_says_for_how_long_the_power_has_been_on(hardware):
    switch = hardware.switch(pin=22, active_high=True)
    switch.turn(on=True)
    first, second = switch.on_for_s(), switch.on_for_s()

    assert 0.0 <= first <= second


def test_switching_on_what_is_on_does_not_begin_anew(hardware):
    switch = hardware.switch(pin=22, active_high=True)
    switch.turn(on=True)
    before = switch.on_for_s()
    switch.turn(on=True)

    assert switch.on_for_s() >= before


def test_switched_off_it_has_no_time_to_tell(hardware):
    switch = hardware.switch(pin=22, active_high=False)
    switch.turn(on=True)
    switch.turn(on=False)

    assert switch.on_for_s() is None


def test_what_was_let_go_is_off_and_says_that_it_is_disconnected(hardware):
    switch = hardware.switch(pin=22, active_high=True)
    switch.turn(on=True)
    hardware.close()

    assert switch.on_for_s() is None
    for on in (True, False):
        with pytest.raises(ProbeDisconnected):
            switch.turn(on=on)
