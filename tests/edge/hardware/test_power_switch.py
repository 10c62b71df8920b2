import pytest

from edge.hardware.power_switch import GpioSwitch


@pytest.mark.parametrize("active_high", [True, False])
def test_the_pin_follows_the_switch_and_its_polarity(pins, active_high):
    switch = GpioSwitch(22, active_high=active_high)
    levels = [pins.pin(22).state]
    for on in (True, False):
        switch.turn(on=on)
        levels.append(pins.pin(22).state)
    switch.close()

    assert levels == [not active_high, active_high, not active_high]


def test_letting_go_takes_the_power_away(pins):
    switch, levels = GpioSwitch(22, active_high=True), []
    switch.turn(on=True)
    pins.pin(22).clear_states()
    switch.close()
    switch.close()

    levels = [state.state for state in pins.pin(22).states]
    assert levels[:2] == [True, False]
