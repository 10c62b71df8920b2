import threading
import time
from time import monotonic

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

    assert counter.read().count == 20_000
    counter.close()


def test_a_pulled_up_pin_counts_the_fall_once_per_pulse(pins):
    counter, pin = PulseCounter(17, pull_up=True), pins.pin(17)

    pin.drive_low()
    assert counter.read().count == 1
    pin.drive_high()
    assert counter.read().count == 1
    counter.close()


def test_a_pulled_down_pin_counts_the_rise_once_per_pulse(pins):
    counter, pin = PulseCounter(17, pull_up=False), pins.pin(17)

    pin.drive_high()
    assert counter.read().count == 1
    pin.drive_low()
    assert counter.read().count == 1
    counter.close()


def test_a_level_that_stays_is_no_pulse(pins):
    counter, pin = PulseCounter(17, pull_up=True), pins.pin(17)

    for _ in range(5):
        pin.drive_low()

    assert counter.read().count == 1
    counter.close()


def test_two_meters_do_not_count_each_other(pins):
    first, second = PulseCounter(17, pull_up=True), PulseCounter(27, pull_up=True)

    pulse(pins.pin(17), 3)
    pulse(pins.pin(27), 5)

    assert (first.read().count, second.read().count) == (3, 5)
    first.close()
    second.close()


def test_a_pin_that_was_let_go_is_disconnected(pins):
    counter = PulseCounter(17, pull_up=True)
    counter.close()

    with pytest.raises(ProbeDisconnected):
        counter.read()


def test_a_pulse_bears_the_tick_that_the_pin_gives_it(pins):
    counter, pin = PulseCounter(17, pull_up=True), pins.pin(17)
    tick_s = monotonic() - 0.5

    counter._add_one(tick_s, 0)

    assert counter.read().last_edge_s == tick_s
    pin.drive_low()
    assert counter.read().last_edge_s == pin._last_change
    counter.close()


@pytest.mark.parametrize("tick_s", [-1.0, 1.7e9])
def test_a_tick_of_another_clock_is_replaced_by_the_time_of_the_call(pins, tick_s):
    counter = PulseCounter(17, pull_up=True)
    before_s = monotonic()
    counter._add_one(before_s - 1000.0 if tick_s < 0 else tick_s, 0)

    assert before_s <= counter.read().last_edge_s <= monotonic()
    counter.close()


def test_only_the_edge_that_counts_calls_python(pins):
    counter, pin = PulseCounter(17, pull_up=False), pins.pin(17)

    assert pin.edges == "rising"
    counter.close()


def test_a_missed_edge_between_two_pulses_loses_neither(pins):
    counter = PulseCounter(17, pull_up=True)
    for _ in range(2):
        pins.pin(17)._call_when_changed()  # two falls, and no rise between that anybody saw

    assert counter.read().count == 2
    counter.close()


def test_edges_closer_than_the_meter_can_make_them_are_counted_and_said_to_be_crowded(pins):
    counter = PulseCounter(17, pull_up=True, fastest_hz=50.0)
    begin_s = monotonic() - 1.0
    for late_s in (0.0, 0.02, 0.021, 0.04, 0.0495, 0.07):
        counter._add_one(begin_s + late_s, 0)

    pulses = counter.read()
    counter.close()

    assert (pulses.count, pulses.crowded) == (6, 2)


def test_none_is_lost_of_a_thousand_a_second_while_the_device_does_other_things(pins):
    counter, pin = PulseCounter(17, pull_up=True), pins.pin(17)
    made, seconds = 0, 3.0
    began_s = monotonic()

    def busy(stop):
        while not stop.is_set():
            sum(range(5000))

    stop = threading.Event()
    other = threading.Thread(target=busy, args=(stop,))
    other.start()
    while (passed_s := monotonic() - began_s) < seconds:
        while made < passed_s * 1000:
            pulse(pin)
            made += 1
        time.sleep(0.001)
    stop.set()
    other.join()
    pulses = counter.read()
    counter.close()

    assert made > 2900
    assert pulses.count == made


def test_a_pin_that_was_let_go_calls_nobody(pins):
    counter, pin = PulseCounter(17, pull_up=True), pins.pin(17)
    pulse(pin)
    counter.close()
    counter.close()

    pin.function = "input"
    pin.drive_high()
    pin.drive_low()
    assert counter._seen[0] == 1
