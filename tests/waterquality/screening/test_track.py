"""A device's observations, followed one by one."""

import pytest

from tests.builders import ms, observation, reading
from waterquality.flags import Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.screening import DEFAULTS, Track
from waterquality.screening.own import as_sent

GOOD = Screened(Flag.GOOD)
PH, TURBIDITY = Parameter.PH, Parameter.TURBIDITY
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
START_MS = ms("2026-11-20T06:00:00Z")
STUCK = Screened(Flag.SUSPECT, Why.FLAT_LINE)


def sent(at_ms, **given):
    """An observation as a device sends it that doubts nothing."""
    given = {"turbidity": None, "ph": None, "flow": None} | given
    return observation(seq=at_ms // 1000, at=START_MS + at_ms, flag=Flag.UNKNOWN, **given)


def follow(observations, bounds=None):
    """What each observation is found to be in the end, by tag: its place in the list."""
    track, found = Track(bounds or {}), {}
    for tag, each in enumerate(observations):
        found[tag] = track.take(each, tag)
        found |= {again_tag: again for again, again_tag in track.again}
        track.again.clear()
    return [found[tag].readings for tag in sorted(found)]


def flags(found, parameter):
    return [readings[parameter].screened for readings in found]


@pytest.mark.parametrize(
    ("parameter", "value", "suspect_h", "fail_h"),
    [pytest.param("turbidity", 0.31, 6, 24, id="turbidity"), pytest.param("ph", 7.4, 24, 72, id="pH")],
)
def test_a_stuck_probe_is_flagged_by_default(parameter, value, suspect_h, fail_h):
    found = follow([sent(hour * HOUR_MS, **{parameter: value}) for hour in range(80)])

    judged = flags(found, Parameter(parameter))
    assert judged[:suspect_h] == [GOOD] * suspect_h
    assert judged[suspect_h:fail_h] == [STUCK] * (fail_h - suspect_h)
    assert judged[fail_h:] == [Screened(Flag.FAIL, Why.FLAT_LINE)] * (80 - fail_h)


def test_a_value_that_moves_again_is_believed_again():
    found = follow([sent(hour * HOUR_MS, turbidity=0.31 if hour < 8 else 0.32) for hour in range(9)])

    assert flags(found, TURBIDITY)[-2:] == [STUCK, GOOD]


def test_at_nought_nothing_is_stuck():
    found = follow([sent(hour * HOUR_MS, turbidity=0.0) for hour in range(30)])

    assert set(flags(found, TURBIDITY)) == {GOOD}


def test_a_signal_that_hardly_moves_for_days_is_suspect():
    found = follow([sent(hour * HOUR_MS, ph=7.40 + hour % 2 / 100) for hour in range(73)])

    assert flags(found, PH)[-2:] == [GOOD, Screened(Flag.SUSPECT, Why.ATTENUATED_SIGNAL)]


def test_standing_water_is_never_flat_since_what_the_device_doubts_is_no_evidence():
    stagnant = reading("turbidity", 0.31, flag=Flag.SUSPECT, why=Why.STAGNANT_SAMPLE)
    found = follow([sent(hour * HOUR_MS, turbidity=stagnant) for hour in range(30)])

    assert set(flags(found, TURBIDITY)) == {stagnant.screened}


def test_a_spike_is_flagged_once_its_successor_has_come():
    track = Track({})
    first = [track.take(sent(at * MINUTE_MS, ph=value), at) for at, value in enumerate([7.4, 8.4, 7.4])]

    assert flags([one.readings for one in first], PH) == [
        GOOD,
        Screened(Flag.SUSPECT, Why.CHANGED_TOO_FAST),
        Screened(Flag.SUSPECT, Why.CHANGED_TOO_FAST),
    ]
    small = Track({})
    [small.take(sent(at * MINUTE_MS, ph=value), at) for at, value in enumerate([7.4, 7.65, 7.4])]
    ((again, tag),) = small.again
    assert tag == 1
    assert again.readings[PH].screened == Screened(Flag.SUSPECT, Why.SPIKE)


def test_two_probes_that_spike_in_one_observation_are_both_flagged():
    found = follow(
        [
            sent(0, ph=7.4, temperature=9.0),
            sent(MINUTE_MS, ph=7.65, temperature=13.0),
            sent(2 * MINUTE_MS, temperature=9.0),
            sent(3 * MINUTE_MS, ph=7.4),
        ]
    )

    assert found[1][PH].screened == Screened(Flag.SUSPECT, Why.SPIKE)
    assert found[1][Parameter.TEMPERATURE].screened == Screened(Flag.SUSPECT, Why.SPIKE)


def test_what_lies_far_apart_is_not_compared():
    found = follow([sent(0, ph=7.4), sent(3 * HOUR_MS, ph=9.4), sent(6 * HOUR_MS, ph=7.4)])

    assert flags(found, PH) == [GOOD] * 3


def test_the_first_after_a_gap_is_unknown_and_the_next_is_not():
    found = follow([sent(0, ph=7.4), sent(26 * HOUR_MS, ph=7.4), sent(26 * HOUR_MS + MINUTE_MS, ph=7.4)])

    assert flags(found, PH) == [GOOD, Screened(Flag.UNKNOWN, Why.AFTER_GAP), GOOD]


def test_a_worse_flag_wins_over_a_gap():
    found = follow([sent(0, turbidity=1.0), sent(26 * HOUR_MS, turbidity=200.0)])

    assert flags(found, TURBIDITY)[1] == Screened(Flag.SUSPECT, Why.UNUSUAL_VALUE)


def test_when_a_probe_falls_silent_the_others_are_in_doubt_for_an_hour():
    missing = reading("temperature", None, flag=Flag.MISSING, why=Why.PROBE_DISCONNECTED)
    quarter = 15 * MINUTE_MS
    found = follow([sent(at * quarter, ph=7.4, temperature=9.0 if at < 5 else missing) for at in range(11)])

    doubted = Screened(Flag.SUSPECT, Why.PROBES_DISTURBED)
    assert flags(found, PH) == [GOOD] * 5 + [doubted] * 5 + [GOOD]


def test_a_probe_that_comes_and_goes_disturbs_nobody():
    missing = reading("temperature", None, flag=Flag.MISSING, why=Why.PROBE_DISCONNECTED)
    found = follow(
        [sent(at * 15 * MINUTE_MS, ph=7.4, temperature=missing if at % 3 else 9.0) for at in range(9)]
    )

    assert flags(found, PH) == [GOOD] * 9


def test_a_probe_that_never_gave_anything_disturbs_nobody():
    missing = reading("temperature", None, flag=Flag.MISSING, why=Why.PROBE_DISCONNECTED)
    found = follow([sent(at * MINUTE_MS, ph=7.4, temperature=missing) for at in range(3)])

    assert flags(found, PH) == [GOOD] * 3


def test_a_saturated_probe_disturbs_nobody():
    thick = reading("turbidity", None, flag=Flag.FAIL, why=Why.PROBE_SATURATED)
    found = follow([sent(0, ph=7.4, turbidity=9.0), sent(MINUTE_MS, ph=7.4, turbidity=thick)])

    assert flags(found, PH) == [GOOD] * 2


def test_a_reading_of_uncertain_time_is_no_neighbour_of_any():
    found = follow(
        [sent(0, ph=7.4), sent(MINUTE_MS, ph=9.4, clock_uncertainty_s=61.0), sent(2 * MINUTE_MS, ph=7.4)]
    )

    assert flags(found, PH) == [GOOD, Screened(Flag.UNKNOWN, Why.CLOCK_UNCERTAIN), GOOD]


def test_what_the_device_had_sent_is_found_again_in_what_was_screened():
    observations = [
        sent(0, ph=7.4, turbidity=reading("turbidity", 4.0, flag=Flag.SUSPECT, why=Why.FIRST_FLUSH)),
        sent(MINUTE_MS, ph=7.65, turbidity=5000.0),
        sent(2 * MINUTE_MS, ph=7.4, turbidity=0.4),
        sent(90 * HOUR_MS, ph=7.4, turbidity=400.0, clock_uncertainty_s=90.0),
    ]
    track, once = Track({}), {}
    for tag, each in enumerate(observations):
        once[tag] = track.take(each, tag)
        once |= {again_tag: again for again, again_tag in track.again}

    assert [one.readings for one in once.values()] == follow([as_sent(one) for one in once.values()])


def test_every_parameter_has_defaults_and_those_that_a_village_drinks_by_have_a_flat_line():
    assert set(DEFAULTS) == set(Parameter)
    assert DEFAULTS[PH].flat
    assert DEFAULTS[TURBIDITY].flat
