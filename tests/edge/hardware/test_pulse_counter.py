import pytest

from edge.hardware.pulse_counter import PulseCounter
from edge.probes.inputs import ProbeDisconnected


def pulse(pin, times=1):
    for _ in range(times):
        pin.drive_low()
        pin.drive_high()


def test_none_of_20000_pulses_is_lost(pins):
    counter = PulseCounter(17, pull_up=True)

    pulse(pins.pin(17), 20_000)

    assert counter.count() == 20_000
    counter.close()


def test_a_pulled_up_pin_counts_the_fall_once_per_pulse(pins):
    counter, pin = PulseCounter(17, pull_up=True), pins.pin(17)

    pin.drive_low()
    assert counter.count() == 1
    pin.drive_high()
    assert counter.count() == 1
    counter.close()


def test_a_pulled_down_pin_counts_the_rise_once_per_pulse(pins):
    counter, pin = PulseCounter(17, pull_up=False), pins.pin(17)

    pin.drive_high()
    assert counter.count() == 1
    pin.drive_low()
    assert counter.count() == 1
    counter.close()


def test_a_level_that_stays_is_no_pulse(pins):
    counter, pin = PulseCounter(17, pull_up=True), pins.pin(17)

    for _ in range(5):
        pin.drive_low()

    assert counter.count() == 1
    counter.close()


def test_two_meters_do_not_count_each_other(pins):
    first, second = PulseCounter(17, pull_up=True), PulseCounter(27, pull_up=True)

    pulse(pins.pin(17), 3)
    pulse(pins.pin(27), 5)

    assert (first.count(), second.count()) == (3, 5)
    first.close()
    second.close()


def test_a_pin_that_was_let_go_is_disconnected(pins):
    counter = PulseCounter(17, pull_up=True)
    counter.close()

    with pytest.raises(ProbeDisconnected):
        counter.count()
