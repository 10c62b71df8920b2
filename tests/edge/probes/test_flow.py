from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.probes.flow import FlowProbe, fastest_hz
from edge.probes.inputs import Pulses
from firmware_config.datasheet import load
from tests.builders import instant
from waterquality.flags import NOT_SCREENED, Flag, Screened, Why
from waterquality.parameters import Parameter

NOW = instant("2026-11-20T06:00:00Z")


@dataclass
class Pin:
    """A pin whose edges are told, by a clock that is told."""

    now_s: float = 1000.0
    count: int = 0
    crowded: int = 0
    last_edge_s: float | None = field(default=None)

    def pulse(self, times: int, seconds: float) -> None:
        """So many pulses, evenly spread over so many seconds; the last one now."""
        self.now_s += seconds
        if times:
            self.count += times
            self.last_edge_s = self.now_s

    def read(self) -> Pulses:
        return Pulses(count=self.count, last_edge_s=self.last_edge_s, read_s=self.now_s, crowded=self.crowded)


class Meter:
    """A meter and the pin that it hangs on."""

    def __init__(self, model="yf-s201", pulses_per_litre=450.0, volume_m3=0.0):
        self.pin = Pin()
        self.probe = FlowProbe(
            self.pin,
            sheet=load(model),
            pulses_per_litre=pulses_per_litre,
            longest_gap_s=180.0,
            volume_m3=volume_m3,
        )

    def after(self, pulses, seconds=60.0):
        """Flow and volume once so many pulses came in so many seconds, the last one at their end."""
        self.pin.pulse(pulses, seconds)
        return self.probe.measure(NOW)

    def running(self):
        """It has been seen to pulse."""
        self.after(1)
        return self


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
    meter = Meter().running()

    flow, volume = meter.after(450 * 6)

    assert flow.value == pytest.approx(6.0)
    assert (flow.raw, flow.raw_unit) == (2700, "count")
    assert volume.value == pytest.approx(2701 / 450_000)
    assert (volume.raw, volume.raw_unit) == (2701, "count")
    assert {flow.screened, volume.screened} == {NOT_SCREENED}


def test_seven_and_a_half_hertz_are_one_litre_a_minute():
    meter = Meter().running()

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

    assert flows[:2] == [None, None]  # one edge bears no interval
    assert flows[2:] == pytest.approx([5.0] * 10)


@pytest.mark.parametrize("every_s", [1.0, 7.0, 60.0, 90.0])
@pytest.mark.parametrize("litres_per_min", [4.0, 5.3, 60.0, 333.0])
def test_a_slow_meter_is_exact_however_often_it_is_asked(litres_per_min, every_s):
    meter = Meter("pulse-meter", pulses_per_litre=0.1)
    interval_s = 60.0 / (0.1 * litres_per_min)
    edges = [1000.5 + number * interval_s for number in range(800)]
    flows = []
    for tick in range(1, int(800 / every_s)):
        meter.pin.now_s = 1000.0 + tick * every_s
        past = [edge for edge in edges if edge <= meter.pin.now_s]
        meter.pin.count, meter.pin.last_edge_s = len(past), max(past, default=None)
        flows.append(meter.probe.measure(NOW)[0].value)

    known = [flow for flow in flows if flow is not None]
    assert len(known) > len(flows) / 3
    assert known == pytest.approx([litres_per_min] * len(known))


def test_one_pulse_an_hour_is_a_flow_and_not_none():
    meter = Meter("pulse-meter", pulses_per_litre=0.001)
    flows = [meter.after(int(minute % 60 == 0))[0].value for minute in range(1, 241)]

    assert flows[119:] == pytest.approx([1000 / 60] * 121)
    assert 0.0 not in flows


def test_a_slow_meter_without_pulses_falls_off_and_reads_0_once_one_was_due_at_the_least_it_can_show():
    meter = Meter("pulse-meter", pulses_per_litre=0.1).running()
    meter.after(2)

    flows = [meter.after(0)[0].value for _ in range(6)]

    assert flows[1:] == pytest.approx([10.0, 5.0, 10 / 3, 0.0, 0.0, 0.0][1:])
    assert flows[0] is None or flows[0] == pytest.approx(10.0)


def test_a_single_empty_sample_is_not_yet_no_flow():
    meter = Meter("pulse-meter", pulses_per_litre=10.0).running()
    assert meter.after(20, seconds=10)[0].value == pytest.approx(12.0)

    assert meter.after(0, seconds=1)[0].value == pytest.approx(6.0)
    assert meter.after(0, seconds=0.5)[0].value == pytest.approx(4.0)
    assert meter.after(0, seconds=0.5)[0].value == 0.0


def test_a_turbine_that_was_never_seen_to_turn_stands_still_from_the_second_measurement_on():
    meter = Meter()
    meter.after(0)

    assert meter.after(0, seconds=1)[0].value == 0.0


def test_supply_that_comes_back_is_not_averaged_over_the_night():
    meter = Meter("pulse-meter", pulses_per_litre=0.1)
    for _ in range(600):
        meter.after(0)

    assert meter.after(3)[0].value == pytest.approx(20.0)


def test_the_first_pulse_after_a_standstill_is_no_flood():
    meter = Meter("pulse-meter", pulses_per_litre=0.1)
    for _ in range(10):
        meter.after(0)

    assert meter.after(1, seconds=0.001)[0].value == 0.0
    assert meter.after(1)[0].value == pytest.approx(10.0)


def test_more_than_the_meter_can_pass_is_noise_and_fails_with_its_number():
    meter = Meter().running()

    flow, volume = meter.after(450 * 100)

    assert flow.value == pytest.approx(100.0)
    assert flow.screened == Screened(Flag.FAIL, Why.OUT_OF_RANGE)
    assert volume.screened == Screened(Flag.SUSPECT, Why.OUT_OF_RANGE)
    assert meter.after(450)[0].screened == NOT_SCREENED


def test_a_contact_that_bounces_fails_though_its_flow_is_possible():
    meter = Meter("pulse-meter", pulses_per_litre=10.0).running()
    meter.pin.crowded += 300

    flow, volume = meter.after(600)

    assert flow.value == pytest.approx(60.0)
    assert flow.screened == Screened(Flag.FAIL, Why.PROBE_NOISY)
    assert volume.screened == Screened(Flag.SUSPECT, Why.PROBE_NOISY)


def test_one_spark_among_many_pulses_is_forgiven():
    meter = Meter().running()
    meter.pin.crowded += 1

    assert meter.after(450)[0].screened == NOT_SCREENED


def test_its_full_flow_and_a_tenth_more_is_no_noise():
    assert Meter().running().after(450 * 32)[0].screened == NOT_SCREENED


def test_the_fastest_it_can_pulse_follows_from_its_span_and_its_uncertainty():
    assert fastest_hz(load("yf-s201"), 450.0) == pytest.approx(33.0 * 450 / 60)


def test_a_counter_that_begins_again_adds_what_it_has_counted_since():
    meter = Meter().running()
    meter.after(4499)
    meter.pin.count = 0

    flow, volume = meter.after(900)

    assert flow.value == pytest.approx(2.0)
    assert volume.value == pytest.approx(0.012)


def test_a_device_that_stood_still_makes_one_flow_missing_and_no_drought():
    meter = Meter().running()

    flow, volume = meter.after(450, seconds=600)

    assert flow.screened == Screened(Flag.MISSING, Why.NOT_RECORDED)
    assert volume.value == pytest.approx(451 / 450_000)
    assert meter.after(450)[0].value == pytest.approx(1.0)


def test_two_measurements_at_one_instant_make_no_division_by_0():
    assert Meter().running().after(5, seconds=0)[0].value is None


@given(st.lists(st.tuples(st.integers(0, 20_000), st.booleans()), max_size=30))
def test_the_volume_never_goes_back_and_counts_every_pulse_once(steps):
    meter = Meter()
    volumes, counted = [0.0], 0
    for pulses, begins_again in steps:
        if begins_again:
            counted += pulses if pulses < meter.pin.count else pulses - meter.pin.count
            meter.pin.count = 0
        else:
            counted += pulses
        volumes.append(meter.after(pulses)[1].value)

    assert volumes == sorted(volumes)
    assert volumes[-1] == pytest.approx(counted / 450 / 1000)


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0.01, 100.0)), min_size=2, max_size=40))
def test_no_flow_is_more_than_the_pulses_that_were_seen_can_have_been(steps):
    meter, worst = Meter("pulse-meter", pulses_per_litre=1.0), 0.0
    for pulses, seconds in steps:
        worst = max(worst, (pulses + 1) / seconds * 60)
        flow = meter.after(pulses, seconds)[0].value
        assert flow is None or 0.0 <= flow <= worst * (1 + 1e-9)
