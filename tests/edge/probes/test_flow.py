from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.hardware.simulated import SimulatedPulses
from edge.probes.flow import FlowProbe
from firmware_config.datasheet import load
from tests.builders import instant
from waterquality.flags import NOT_SCREENED, Flag, Screened, Why
from waterquality.parameters import Parameter

START = instant("2026-11-20T06:00:00Z")


class Meter:
    """A meter, the pulses it makes, and the clock it is read by."""

    def __init__(self, model="yf-s201", pulses_per_litre=450.0, volume_m3=0.0):
        self.pulses, self.now = 0, START
        self.probe = FlowProbe(
            SimulatedPulses(lambda: self.pulses),
            sheet=load(model),
            pulses_per_litre=pulses_per_litre,
            longest_gap_s=180.0,
            volume_m3=volume_m3,
        )

    def after(self, pulses, seconds=60.0):
        """Flow and volume once so many pulses came in so many seconds."""
        self.pulses += pulses
        self.now += timedelta(seconds=seconds)
        return self.probe.measure(self.now)


def test_it_measures_flow_and_volume_in_this_order():
    meter = Meter()

    assert meter.probe.parameters == (Parameter.FLOW, Parameter.VOLUME)
    assert tuple(reading.parameter for reading in meter.after(0)) == meter.probe.parameters


def test_the_first_flow_after_a_start_is_missing_while_the_volume_stands():
    flow, volume = Meter(volume_m3=12.5).after(450)

    assert flow.value is None
    assert flow.screened == Screened(Flag.MISSING, Why.NOT_RECORDED)
    assert volume.value == pytest.approx(12.501)
    assert volume.screened == NOT_SCREENED


def test_pulses_become_litres_a_minute_and_cubic_metres():
    meter = Meter()
    meter.after(0)

    flow, volume = meter.after(450 * 6)

    assert flow.value == pytest.approx(6.0)
    assert (flow.raw, flow.raw_unit) == (2700, "count")
    assert volume.value == pytest.approx(0.006)
    assert (volume.raw, volume.raw_unit) == (2700, "count")
    assert {flow.screened, volume.screened} == {NOT_SCREENED}


def test_seven_and_a_half_hertz_are_one_litre_a_minute():
    meter = Meter()
    meter.after(0)

    assert meter.after(75, seconds=10)[0].value == pytest.approx(1.0)


def test_a_turbine_that_stands_still_reads_0_at_once():
    meter = Meter()
    meter.after(0)
    meter.after(450)

    flow, _ = meter.after(0)

    assert flow.value == 0.0
    assert flow.screened == NOT_SCREENED


def test_a_meter_of_ten_litres_a_pulse_does_not_flicker_between_none_and_plenty():
    meter = Meter("pulse-meter", pulses_per_litre=0.1)
    meter.after(0)

    flows = [meter.after(1 if minute % 2 else 0)[0].value for minute in range(1, 13)]

    assert flows[2:] == pytest.approx([5.0] * 10)


def test_a_slow_meter_without_pulses_falls_off_and_then_reads_0():
    meter = Meter("pulse-meter", pulses_per_litre=0.1)
    meter.after(0)
    meter.after(2)

    flows = [meter.after(0)[0].value for _ in range(6)]

    assert flows == pytest.approx([10.0, 5.0, 10 / 3, 0.0, 0.0, 0.0])


def test_supply_that_comes_back_is_not_averaged_over_the_night():
    meter = Meter("pulse-meter", pulses_per_litre=0.1)
    meter.after(0)
    for _ in range(600):
        meter.after(0)

    assert meter.after(2)[0].value == pytest.approx(20.0)


def test_more_than_the_meter_can_pass_is_noise_and_fails_with_its_number():
    meter = Meter()
    meter.after(0)

    flow, volume = meter.after(450 * 100)

    assert flow.value == pytest.approx(100.0)
    assert flow.screened == Screened(Flag.FAIL, Why.OUT_OF_RANGE)
    assert volume.screened == Screened(Flag.SUSPECT, Why.OUT_OF_RANGE)
    assert meter.after(450)[0].screened == NOT_SCREENED


def test_its_full_flow_and_a_tenth_more_is_no_noise():
    meter = Meter()
    meter.after(0)

    assert meter.after(450 * 32)[0].screened == NOT_SCREENED


def test_a_counter_that_begins_again_adds_what_it_has_counted_since():
    meter = Meter()
    meter.after(0)
    meter.after(4500)
    meter.pulses = 0

    flow, volume = meter.after(900)

    assert flow.value == pytest.approx(2.0)
    assert volume.value == pytest.approx(0.012)


def test_a_clock_that_is_set_forward_makes_one_flow_missing_and_no_drought():
    meter = Meter()
    meter.after(450)

    flow, volume = meter.after(450, seconds=55 * 365 * 86_400)

    assert flow.screened == Screened(Flag.MISSING, Why.NOT_RECORDED)
    assert volume.value == pytest.approx(0.002)
    assert meter.after(450)[0].value == pytest.approx(1.0)


def test_a_clock_that_is_set_back_makes_one_flow_missing_and_no_flood():
    meter = Meter()
    meter.after(450)

    assert meter.after(450, seconds=-30)[0].screened == Screened(Flag.MISSING, Why.NOT_RECORDED)
    assert meter.after(450)[0].value == pytest.approx(1.0)


def test_two_measurements_at_one_instant_make_no_division_by_0():
    meter = Meter()
    meter.after(450)

    assert meter.after(5, seconds=0)[0].value is None


@given(st.lists(st.tuples(st.integers(0, 20_000), st.booleans()), max_size=30))
def test_the_volume_never_goes_back_and_counts_every_pulse_once(steps):
    meter = Meter()
    volumes, counted = [0.0], 0
    for pulses, begins_again in steps:
        if begins_again:
            meter.pulses = 0
            counted += pulses if pulses < meter.probe._last_count else pulses - meter.probe._last_count
        else:
            counted += pulses
        volumes.append(meter.after(pulses)[1].value)

    assert volumes == sorted(volumes)
    assert volumes[-1] == pytest.approx(counted / 450 / 1000)
