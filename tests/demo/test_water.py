import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import fmean, median

import pytest

from demo.events import DrySpell, demo_events
from demo.villages import villages
from demo.water import Water
from waterquality.parameters import SPECS, Parameter

START = datetime(2026, 11, 24, 9, tzinfo=UTC)
VILLAGES = {village.water_point: village for village in villages()}
SADAKHLO = VILLAGES["marneuli-sadakhlo-spring"]
OROZMANI = VILLAGES["dmanisi-zemo-orozmani-spring"]  # water from 6 to 10 and from 18 to 22
SARTICHALA = VILLAGES["gardabani-sartichala-borehole"]
MANGLISI = VILLAGES["tetritsqaro-manglisi-reservoir"]
NARDEVANI = VILLAGES["tsalka-nardevani-spring"]


def water(village, events=(), seed=7, **given):
    return Water(village, seed=seed, events=events, **given)


def minutes(since, until, step=1.0):
    return [START + timedelta(minutes=since + step * number) for number in range(int((until - since) / step))]


def tbilisi(hour, minute=0, day=0):
    return datetime(2026, 11, 24 + day, tzinfo=UTC) + timedelta(hours=hour - 4, minutes=minute)


@pytest.mark.parametrize("parameter", Parameter)
def test_the_same_instant_has_the_same_water_in_any_order(parameter):
    instants = minutes(0, 3 * 1440, step=53)
    forward, other = water(OROZMANI, demo_events(START)), water(OROZMANI, demo_events(START))
    expected = [forward.true_value(parameter, at) for at in instants]

    shuffled = random.Random(1).sample(range(len(instants)), len(instants))

    assert {n: other.true_value(parameter, instants[n]) for n in shuffled} == dict(enumerate(expected))


@pytest.mark.parametrize("parameter", [Parameter.TURBIDITY, Parameter.PH])
def test_noise_is_the_same_for_the_same_instant_and_new_for_the_next(parameter):
    instants = [START + timedelta(milliseconds=100 * number) for number in range(50)]

    seen = [water(SADAKHLO).volts(parameter, at) for at in instants]

    assert seen == [water(SADAKHLO).volts(parameter, at) for at in instants]
    assert len(set(seen)) > 2


@pytest.mark.parametrize("parameter", Parameter)
def test_another_seed_is_another_water(parameter):
    at = START + timedelta(minutes=5)

    assert water(SADAKHLO, seed=1).true_value(parameter, at) != water(SADAKHLO, seed=2).true_value(
        parameter, at
    )


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(TypeError):
        water(SADAKHLO).true_value(Parameter.PH, datetime(2026, 11, 24, 9))  # noqa: DTZ001


@pytest.mark.parametrize("village", VILLAGES.values(), ids=lambda village: village.device)
@pytest.mark.parametrize("parameter", Parameter)
def test_ordinary_life_is_what_screening_calls_usual(village, parameter):
    ordinary = water(village, [DrySpell(START - timedelta(days=9), START + timedelta(days=9))])
    low, high = SPECS[parameter].usual

    assert all(low <= ordinary.true_value(parameter, at) <= high for at in minutes(0, 1440, step=7))


def season_of(village):
    point = water(village)
    return [point.true_value(Parameter.TURBIDITY, at) for at in minutes(0, 60 * 1440, step=15)]


@pytest.mark.parametrize("village", [SADAKHLO, NARDEVANI])
def test_a_spring_is_muddied_by_rain_now_and_then_and_clear_mostly(village):
    season = season_of(village)
    onsets = sum(first <= 4 < second for first, second in pairwise(season))

    assert 3 <= onsets <= 25
    assert median(season) < 2 * village.turbidity_ntu
    assert sum(ntu > 4 for ntu in season) < 0.25 * len(season)


def test_rain_does_not_reach_a_borehole():
    assert max(season_of(SARTICHALA)) < 3


def test_a_shower_comes_within_an_hour_or_so_and_goes_within_hours():
    season = season_of(SADAKHLO)
    top = max(range(500, len(season) - 500), key=lambda n: season[n])
    quarter_hours_up = next(n for n in range(200) if season[top - n] < season[top] / 4)
    quarter_hours_down = next(n for n in range(200) if season[top + n] < season[top] / 4)

    assert 2 <= quarter_hours_up <= 12
    assert 12 <= quarter_hours_down <= 80


def test_neighbours_share_their_weather():
    def muddy(village):
        return {n for n, ntu in enumerate(season_of(village)) if ntu > 2.5 * village.turbidity_ntu}

    here, there = muddy(SADAKHLO), muddy(NARDEVANI)
    by_chance = len(here) * len(there) / (60 * 96)

    assert len(here & there) > 2 * by_chance


def test_no_shower_begins_in_a_dry_spell():
    dry = water(SADAKHLO, [DrySpell(START - timedelta(days=5), START + timedelta(days=60))])

    assert max(dry.true_value(Parameter.TURBIDITY, at) for at in minutes(0, 60 * 1440, step=15)) < 1.5


def test_returning_water_brings_a_first_flush_and_standing_water_settles():
    dry = water(SARTICHALA, [DrySpell(START - timedelta(days=5), START + timedelta(days=5))])
    standing, flush, after = (
        dry.true_value(Parameter.TURBIDITY, at) for at in (tbilisi(15, 59), tbilisi(16, 3), tbilisi(18))
    )

    assert flush > 3 * after
    assert standing < after


def test_ph_drifts_over_days_and_stays_near_its_mean():
    point = water(MANGLISI, [DrySpell(START, START + timedelta(days=60))])
    daily = [point.true_value(Parameter.PH, START + timedelta(days=day)) for day in range(30)]

    assert 0.05 < max(daily) - min(daily) < 0.4
    assert fmean(daily) == pytest.approx(MANGLISI.ph, abs=0.15)


def test_water_is_warmer_in_july_than_in_january_and_a_borehole_hardly():
    def difference(village):
        summer, winter = (datetime(2026, month, 20, 12, tzinfo=UTC) for month in (7, 1))
        point = water(village)
        return point.true_value(Parameter.TEMPERATURE, summer) - point.true_value(
            Parameter.TEMPERATURE, winter
        )

    assert difference(VILLAGES["rustavi-old-town-tap"]) > 4
    assert 0 < difference(SARTICHALA) < 2
