from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.curves import pulses_per_litre
from demo.villages import villages
from demo.water import METER_ZERO, Water
from waterquality.parameters import Parameter

START = datetime(2026, 11, 24, 9, tzinfo=UTC)
VILLAGES = {village.water_point: village for village in villages()}
SADAKHLO = VILLAGES["marneuli-sadakhlo-spring"]
KAZRETI = VILLAGES["bolnisi-kazreti-tap"]
OROZMANI = VILLAGES["dmanisi-zemo-orozmani-spring"]  # water from 6 to 10 and from 18 to 22
SARTICHALA = VILLAGES["gardabani-sartichala-borehole"]


def water(village, events=(), seed=7, **given):
    return Water(village, seed=seed, events=events, **given)


def tbilisi(hour, minute=0, day=0):
    return datetime(2026, 11, 24 + day, tzinfo=UTC) + timedelta(hours=hour - 4, minutes=minute)


@pytest.mark.parametrize(
    ("hour", "minute", "runs"),
    [
        (5, 59, False),
        (6, 1, True),
        (9, 59, True),
        (10, 0, False),
        (14, 0, False),
        (18, 5, True),
        (23, 0, False),
    ],
)
def test_water_runs_in_the_supply_hours_and_not_outside(hour, minute, runs):
    flow = water(OROZMANI).true_value(Parameter.FLOW, tbilisi(hour, minute))

    assert (flow > 0) is runs
    assert flow >= 0


def test_people_draw_most_in_the_morning_and_in_the_evening_and_little_at_night():
    def mean_flow(since, until):
        spring = water(SADAKHLO)
        instants = [
            tbilisi(since, day=day) + timedelta(minutes=m)
            for day in range(5)
            for m in range((until - since) * 60)
        ]
        return fmean(spring.true_value(Parameter.FLOW, at) for at in instants)

    night, morning, noon, evening = mean_flow(1, 4), mean_flow(7, 9), mean_flow(14, 16), mean_flow(19, 21)

    assert 0 < night < noon / 2
    assert morning > 1.3 * noon
    assert evening > 1.3 * noon


@settings(deadline=None)
@given(st.sampled_from(list(villages())), st.integers(0, 400 * 86_400))
def test_flow_is_never_negative(village, second):
    assert water(village).true_value(Parameter.FLOW, START + timedelta(seconds=second)) >= 0


@pytest.mark.parametrize("village", [SADAKHLO, OROZMANI, SARTICHALA])
def test_the_meter_counts_the_area_under_the_flow(village):
    point = water(village)
    since = tbilisi(0)
    flows = [
        point.true_value(Parameter.FLOW, since + timedelta(seconds=5 * n)) for n in range(2 * 17_280 + 1)
    ]
    litres = sum((first + second) / 2 * 5 / 60 for first, second in pairwise(flows))

    counted = point.pulses(since + timedelta(days=2)) - point.pulses(since)

    assert counted / pulses_per_litre(village.probes[Parameter.FLOW]) == pytest.approx(litres, rel=1e-4)
    assert litres > 1000


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(-20 * 86_400_000, 20 * 86_400_000), min_size=2, max_size=40))
def test_the_meter_never_runs_backwards(milliseconds):
    point = water(OROZMANI, meter_zero=START)

    counts = [point.pulses(START + timedelta(milliseconds=ms)) for ms in sorted(milliseconds)]

    assert counts == sorted(counts)
    assert all(isinstance(count, int) for count in counts)


def test_the_meter_never_runs_backwards_where_two_nodes_meet():
    point = water(KAZRETI, meter_zero=START)
    nodes = [START + timedelta(minutes=10 * n, microseconds=us) for n in range(300) for us in (-1, 0, 1)]

    counts = [point.pulses(at) for at in nodes]

    assert counts == sorted(counts)


def test_the_meter_stands_at_nought_when_it_begins():
    assert water(SADAKHLO).pulses(METER_ZERO) == 0
    assert water(SADAKHLO, meter_zero=START).pulses(START) == 0
    assert water(SADAKHLO, meter_zero=START).pulses(START - timedelta(hours=1)) < 0


def test_where_a_meter_began_changes_nothing_in_what_it_counts():
    later = START + timedelta(hours=5)
    far, near = water(SADAKHLO), water(SADAKHLO, meter_zero=START)

    assert far.pulses(later) - far.pulses(START) == pytest.approx(near.pulses(later), abs=1)


def test_volume_is_what_the_meter_counts():
    point = water(SADAKHLO, meter_zero=START)
    at = START + timedelta(hours=3, seconds=17)

    assert point.true_value(Parameter.VOLUME, at) == pytest.approx(point.pulses(at) / 10 / 1000, abs=1e-4)
