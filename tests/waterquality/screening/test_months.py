"""What the days of past years teach of the months."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from math import cos, inf, tau

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import missing, ms, observation
from waterquality.flags import Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.screening import DEFAULTS, Track
from waterquality.screening.months import Day, Month, climate_of, has_moved, months_of

TEMPERATURE, TURBIDITY, PH = Parameter.TEMPERATURE, Parameter.TURBIDITY, Parameter.PH
UNUSUAL = Screened(Flag.SUSPECT, Why.UNUSUAL_FOR_THE_MONTH)


def days(first, count, low, high=None):
    """Days from a date on; `low` and `high` are numbers or made of the date."""
    for number in range(count):
        at = datetime.fromisoformat(first).replace(tzinfo=UTC) + timedelta(days=number)
        low_of_it = low(at) if callable(low) else low
        high_of_it = low_of_it + 1 if high is None else high(at) if callable(high) else high
        yield Day(ms(at), low_of_it, high_of_it)


def season(at):
    """Coldest in the middle of January at 4 °C, warmest in July at 16, a little different each day."""
    return 10 - 6 * cos(tau * (at.timetuple().tm_yday - 15) / 365) + at.day * 7 % 5 / 5


def test_two_years_teach_each_month_what_it_shows():
    months = months_of(TEMPERATURE, days("2024-01-01", 731, season))

    assert list(range(1, 13)) == sorted(months)
    january, july = months[1], months[7]
    assert (62, 2) == (january.days, january.years)
    assert january.widest[0] < 4 <= january.ordinary[1] < january.widest[1] < 10
    assert 12 < july.widest[0] < july.ordinary[0] < july.ordinary[1] < july.widest[1] < 22


@pytest.mark.parametrize(
    ("seen", "is_known"),
    [
        pytest.param([("2024-03-01", 31)], False, id="one year"),
        pytest.param([("2024-03-01", 31), ("2025-03-01", 19)], False, id="nineteen days of the second"),
        pytest.param([("2024-03-01", 20), ("2025-03-12", 20)], True, id="twenty days of two years"),
    ],
)
def test_a_month_needs_twenty_days_of_two_years(seen, is_known):
    history = [day for first, count in seen for day in days(first, count, 8.0)]

    assert is_known is (3 in months_of(TEMPERATURE, history))


def test_a_month_is_not_made_of_its_neighbours_alone():
    history = [*days("2024-02-01", 29, 6.0), *days("2024-04-01", 30, 9.0)]
    again = [*days("2025-02-01", 28, 6.0), *days("2025-04-01", 30, 9.0)]

    assert {2, 4} == set(months_of(TEMPERATURE, [*history, *again]))


def test_the_halves_beside_it_count_since_no_spring_comes_twice_on_the_same_day():
    april = [*days("2024-04-01", 30, 8.0), *days("2025-04-01", 30, 8.0)]
    may = [*days("2024-05-01", 15, 14.0), *days("2025-05-01", 15, 14.0)]

    assert months_of(TEMPERATURE, [*april, *may])[4].widest[1] > months_of(TEMPERATURE, april)[4].widest[1]


def test_a_month_of_mud_in_one_of_three_years_moves_the_fence_by_little():
    clear = [day for year in ("2023", "2024", "2025") for day in days(f"{year}-10-15", 61, 0.4, 0.9)]
    muddy = [
        Day(day.start_ms, 40.0, 90.0) if ms("2024-11-01T00:00:00Z") <= day.start_ms < ms("2024-12-01T00:00:00Z")
        else day
        for day in clear
    ]  # fmt: skip

    assert months_of(TURBIDITY, clear)[11].widest == months_of(TURBIDITY, muddy)[11].widest


@given(st.lists(st.floats(0, 3000), min_size=29, max_size=29))
def test_less_than_a_quarter_of_the_days_cannot_carry_a_fence_away(mud):
    clear = [day for year in (2023, 2024, 2025) for day in days(f"{year}-03-01", 31, lambda at: at.day / 31)]
    sick = [Day(day.start_ms, 0.0, high) for day, high in zip(days("2022-03-01", 29, 0.0), mud, strict=True)]

    # At the worst the upper quartile becomes the highest clear day, 2 NTU, and the lower one the lowest, 1 NTU.
    assert months_of(TURBIDITY, [*clear, *sick])[3].widest[1] <= 2 * (2 / 1) ** 3 + 0.01


def test_a_spring_of_one_temperature_keeps_a_margin():
    month = months_of(PH, [*days("2024-03-01", 31, 7.4, 7.4), *days("2025-03-01", 31, 7.4, 7.4)])[3]

    assert ((7.4, 7.4), (6.9, 7.9)) == (month.ordinary, month.widest)


def test_clear_water_is_nobodys_trouble():
    month = Month((1.0, 2.0), (0.5, 6.0), 60, 2)

    assert {3: (-inf, 6.0)} == climate_of(TURBIDITY, {3: month})
    assert {3: (0.5, 6.0)} == climate_of(PH, {3: month})


@pytest.mark.parametrize(
    ("before", "now", "moved"),
    [
        pytest.param(None, None, False, id="still unknown"),
        pytest.param(None, (7.0, 8.0), True, id="known now"),
        pytest.param((7.0, 8.0), None, True, id="forgotten"),
        pytest.param((7.0, 8.0), (7.05, 7.95), False, id="a trifle"),
        pytest.param((7.0, 8.0), (7.0, 8.2), True, id="the upper end"),
        pytest.param((7.0, 8.0), (6.8, 8.0), True, id="the lower end"),
    ],
)
def test_a_trifle_is_no_news(before, now, moved):
    old, new = (None if each is None else Month(each, each, 60, 2) for each in (before, now))

    assert moved is has_moved(old, new)


# ---- among the other tests --------------------------------------------------------------------------------


def found_by(bounds, observations):
    """What each pH is found to be in the end."""
    track, found = Track(bounds), {}
    for tag, each in enumerate(observations):
        found[tag] = track.take(each, tag)
        found |= {of: again for again, of in track.again}
        track.again.clear()
    return [found[tag].readings[PH].screened for tag in sorted(found)]


def sent(values, temperatures=()):
    """A pH every quarter of an hour in March; None is a probe that gave nothing."""
    pairs = zip_longest(values, temperatures)
    at = ms("2026-03-01T06:00:00Z")
    return [
        observation(
            seq=n + 1,
            at=at + n * 900_000,
            flag=Flag.UNKNOWN,
            turbidity=None,
            flow=None,
            ph=missing() if ph is None else ph,
            temperature=missing() if temperature is None and temperatures else temperature,
        )
        for n, (ph, temperature) in enumerate(pairs)
    ]


PLAIN = {PH: DEFAULTS[PH]}
BY_MONTH = {PH: replace(DEFAULTS[PH], climate={3: (7.0, 8.0)})}


@given(st.lists(st.one_of(st.none(), st.floats(4, 11), st.just(6.9)), min_size=1, max_size=30))
def test_the_month_casts_doubt_only_where_no_other_test_does(values):
    observations = sent(values)
    plain, by_month = found_by(PLAIN, observations), found_by(BY_MONTH, observations)

    for before, after in zip(plain, by_month, strict=True):
        assert after == before or (before.flag in (Flag.GOOD, Flag.UNKNOWN) and after == UNUSUAL)


def test_a_sick_probe_does_not_hide_behind_the_month():
    """The pH drops when the device's thermometer falls silent: that is the device, and no acid water."""
    observations = sent([7.4, 7.41] * 8 + [6.9] * 3, [9.0] * 16)

    assert found_by(BY_MONTH, observations)[-1] == Screened(Flag.SUSPECT, Why.PROBES_DISTURBED)


def test_a_spike_does_not_hide_behind_the_month():
    found = found_by(BY_MONTH, sent([7.4, 7.41, 6.5, 7.4, 7.41]))

    assert found[2].why is found_by(PLAIN, sent([7.4, 7.41, 6.5, 7.4, 7.41]))[2].why is not Why.NONE
