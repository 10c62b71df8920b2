from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from demo.events import AcidPulse, DrySpell, MudEvent, SilentDevice, StuckProbe, demo_events
from demo.villages import villages
from demo.water import Water
from waterquality.parameters import Parameter

START = datetime(2026, 11, 24, 9, tzinfo=UTC)
VILLAGES = {village.water_point: village for village in villages()}
SADAKHLO = VILLAGES["marneuli-sadakhlo-spring"]
KAZRETI = VILLAGES["bolnisi-kazreti-tap"]
OROZMANI = VILLAGES["dmanisi-zemo-orozmani-spring"]  # water from 6 to 10 and from 18 to 22
MANGLISI = VILLAGES["tetritsqaro-manglisi-reservoir"]
NARDEVANI = VILLAGES["tsalka-nardevani-spring"]
# Any hour of the day, any weather: what the script promises must hold whenever it starts.
STARTS = [(seed, START + timedelta(hours=37 * seed)) for seed in range(6)]


def water(village, events=(), seed=7, **given):
    return Water(village, seed=seed, events=events, **given)


def minutes(since, until, step=1.0):
    return [START + timedelta(minutes=since + step * number) for number in range(int((until - since) / step))]


def test_every_event_happens_at_a_water_point_that_runs_all_day_unless_it_is_silence():
    for event in demo_events(START):
        if not isinstance(event, DrySpell):
            village = VILLAGES[event.water_point]
            assert village.has_water_all_day or isinstance(event, SilentDevice)


@pytest.mark.parametrize(("seed", "start"), STARTS)
def test_mud_breaks_the_limit_within_eight_minutes_and_clears_within_ninety(seed, start):
    point = water(SADAKHLO, demo_events(start), seed)
    ntu = [point.true_value(Parameter.TURBIDITY, start + timedelta(seconds=15 * n)) for n in range(1440)]
    above = [n / 4 for n, value in enumerate(ntu) if value > 4]
    not_clear = [n / 4 for n, value in enumerate(ntu) if value > 3.5]

    assert above[0] < 8
    assert above[-1] - above[0] > 25
    assert len(above) == (above[-1] - above[0]) * 4 + 1, "above without a break"
    assert 60 < not_clear[-1] < 90


@pytest.mark.parametrize(("seed", "start"), STARTS)
def test_acid_water_comes_to_kazreti_and_goes_again(seed, start):
    point = water(KAZRETI, demo_events(start), seed)
    ph = [point.true_value(Parameter.PH, start + timedelta(minutes=n)) for n in range(180)]

    assert min(ph[:12]) > 7
    assert min(ph) == pytest.approx(5.2, abs=0.1)
    assert sum(value < 6.5 for value in ph) > 30
    assert min(ph[75:]) > 6.7


@pytest.mark.parametrize(("seed", "start"), STARTS)
def test_nothing_else_breaks_a_limit_before_all_that_has_healed(seed, start):
    for village in VILLAGES.values():
        point = water(village, demo_events(start), seed)
        for minute in range(99):
            at = start + timedelta(minutes=minute)
            if village is not SADAKHLO:
                assert point.true_value(Parameter.TURBIDITY, at) < 4
            if village is not KAZRETI:
                assert 6.5 < point.true_value(Parameter.PH, at) < 8.5


@pytest.mark.parametrize(("seed", "start"), STARTS)
def test_one_shower_broke_the_limit_in_one_village_the_day_before(seed, start):
    onsets = {}
    for village in VILLAGES.values():
        point = water(village, demo_events(start), seed)
        day = [
            point.true_value(Parameter.TURBIDITY, start - timedelta(minutes=m)) for m in range(1440, 0, -3)
        ]
        onsets[village.water_point] = sum(first <= 4 < second for first, second in pairwise(day))

    assert onsets.pop(NARDEVANI.water_point) >= 1
    assert set(onsets.values()) == {0}


def test_in_the_second_act_the_other_languages_are_heard():
    events = demo_events(START)
    for water_point, since in (("rustavi-old-town-tap", 100), (NARDEVANI.water_point, 110)):
        point = water(VILLAGES[water_point], events)
        assert max(point.true_value(Parameter.TURBIDITY, at) for at in minutes(since, since + 60)) > 6


def test_the_volts_of_a_stuck_probe_do_not_move_at_all():
    point = water(MANGLISI, demo_events(START))
    stuck = {point.volts(Parameter.TURBIDITY, at) for at in minutes(3, 83, step=0.25)}

    assert len(stuck) == 1
    assert len({point.volts(Parameter.TURBIDITY, at) for at in minutes(-20, 3, step=0.25)}) > 2
    assert len({point.volts(Parameter.TURBIDITY, at) for at in minutes(83, 100, step=0.25)}) > 2
    assert len({point.volts(Parameter.PH, at) for at in minutes(3, 83, step=0.25)}) > 2


def test_a_stuck_meter_counts_nothing_and_then_goes_on_from_there():
    since, until = START + timedelta(minutes=10), START + timedelta(minutes=40)
    point = water(
        SADAKHLO, [StuckProbe(SADAKHLO.water_point, Parameter.FLOW, since, until)], meter_zero=START
    )
    sound = water(SADAKHLO, meter_zero=START)
    before, later = point.pulses(since), until + timedelta(minutes=30)

    assert before == sound.pulses(since) > 0
    assert abs(point.pulses(until) - before) <= 1
    assert point.pulses(later) - point.pulses(until) == pytest.approx(
        sound.pulses(later) - sound.pulses(until), abs=1
    )


def test_the_silent_device_is_silent_for_its_time_and_no_other_is():
    events = demo_events(START)
    silent = {
        (village.water_point, minute)
        for village in VILLAGES.values()
        for minute in range(-10, 200)
        if water(village, events).is_silent(START + timedelta(minutes=minute))
    }

    assert silent == {(OROZMANI.water_point, minute) for minute in range(6, 76)}


def test_a_silent_device_goes_on_measuring():
    point = water(OROZMANI, demo_events(START), meter_zero=START)

    assert len({point.volts(Parameter.PH, at) for at in minutes(6, 76)}) > 2


def test_what_happens_elsewhere_changes_nothing_here():
    elsewhere = [
        MudEvent(SADAKHLO.water_point, START, 50.0, 60, 600),
        AcidPulse(SADAKHLO.water_point, START, 3.0, 60, 600),
    ]
    at = START + timedelta(minutes=5)

    for parameter in (Parameter.TURBIDITY, Parameter.PH):
        assert water(KAZRETI, elsewhere).true_value(parameter, at) == water(KAZRETI).true_value(parameter, at)
        assert water(SADAKHLO, elsewhere).true_value(parameter, at) != water(SADAKHLO).true_value(
            parameter, at
        )
