"""Our screening and ioos_qc on the same series: the same flags where the definitions agree.

Each deliberate difference has a test too, so that neither side can change without our noticing.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ioos_qc import qartod
from ioos_qc.qartod import ClimatologyConfig

from waterquality.flags import Flag
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading, by_parameter
from waterquality.screening.attenuated_signal import AttenuatedBounds
from waterquality.screening.flat_line import FlatBounds
from waterquality.screening.gap import LONGEST_S
from waterquality.screening.gross_range import Spans
from waterquality.screening.rate_of_change import RateBounds
from waterquality.screening.settings import Bounds
from waterquality.screening.spike import SpikeBounds
from waterquality.screening.track import Track

START_S = 1_760_000_000
STEP_S = 900
ANY = Spans((-1e9, 1e9), (-1e9, 1e9))
# Quarters are exact in binary, so that both sides round alike and a bound can be met exactly.
quarters = st.integers(-40, 40).map(lambda steps: steps / 4)
series = st.lists(quarters, min_size=3, max_size=40)
bounds = st.integers(1, 12).map(lambda steps: steps / 4)


def times_s(values, step_s=STEP_S):
    return [START_S + step_s * at for at in range(len(values))]


def ours(values, of, at_s=None):
    """The final flags of a series of pH, with the reasons that are not this test's left out."""
    track, found = Track({Parameter.PH: of}), {}
    for number, (value, second) in enumerate(zip(values, at_s or times_s(values), strict=True)):
        readings = by_parameter(Reading(Parameter.PH, value))
        observed = Observation("kk-0001", "9f1c2a7e", number + 1, second * 1000, readings)
        found[number] = track.take(observed, number)
        found |= {tag: again for again, tag in track.again}
        track.again.clear()
    return [int(one.readings[Parameter.PH].flag) for one in found.values()]


def theirs(flags):
    return [int(flag) for flag in np.ma.getdata(flags)]


def as_datetimes(seconds):
    return np.array(seconds, dtype="datetime64[s]")


@given(values=series, low=quarters, width=bounds, margin=bounds)
def test_gross_range_is_equal(values, low, width, margin):
    usual = (low, low + width)
    possible = (low - margin, low + width + margin)

    expected = theirs(qartod.gross_range_test(values, fail_span=possible, suspect_span=usual))

    assert expected == ours(values, Bounds(spans=Spans(possible, usual)))


@given(values=series, suspect=bounds, margin=bounds)
def test_spike_is_equal_but_for_the_ends_which_it_does_not_judge(values, suspect, margin):
    expected = theirs(qartod.spike_test(values, suspect, suspect + margin))

    found = ours(values, Bounds(spans=ANY, spike=SpikeBounds(suspect=suspect, fail=suspect + margin)))
    assert expected[1:-1] == found[1:-1]
    assert (expected[0], expected[-1]) == (Flag.UNKNOWN, Flag.UNKNOWN)
    assert (found[0], found[-1]) == (Flag.GOOD, Flag.GOOD)


def test_a_spike_threshold_of_nought_is_one_here():
    values = [1.0, 1.0, 2.0, 1.0, 1.0]

    assert Flag.GOOD == theirs(qartod.spike_test(values, 0, 0))[2]
    assert Flag.SUSPECT == ours(values, Bounds(spans=ANY, spike=SpikeBounds(suspect=0.0)))[2]


@given(values=series, suspect=bounds, margin=bounds)
def test_rate_of_change_is_equal(values, suspect, margin):
    at_s = times_s(values, step_s=256)  # a power of two, so that both sides divide exactly
    suspect_per_s, fail_per_s = suspect / 256, (suspect + margin) / 256

    expected = theirs(qartod.rate_of_change_test(values, as_datetimes(at_s), suspect_per_s, fail_per_s))

    rate = RateBounds(suspect_per_s=suspect_per_s, fail_per_s=fail_per_s)
    assert expected == ours(values, Bounds(spans=ANY, rate=rate), at_s)


@given(
    values=st.lists(st.integers(0, 6).map(lambda steps: steps / 4), min_size=3, max_size=40),
    suspect=st.integers(1, 8),
    longer=st.integers(1, 8),
    tolerance=st.integers(1, 4).map(lambda steps: steps / 4),
)
def test_flat_line_is_equal_where_the_tolerance_is_not_met_exactly(values, suspect, longer, tolerance):
    suspect_s, fail_s = suspect * STEP_S, (suspect + longer) * STEP_S

    expected = theirs(
        qartod.flat_line_test(values, as_datetimes(times_s(values)), suspect_s, fail_s, tolerance - 0.125)
    )

    flat = FlatBounds(suspect_after_s=suspect_s, fail_after_s=fail_s, tolerance=tolerance - 0.125)
    assert expected == ours(values, Bounds(spans=ANY, flat=flat))


def test_a_stuck_probe_is_flagged_with_a_tolerance_of_nought_and_by_ioos_qc_never():
    values = [7.4] * 20

    there = theirs(qartod.flat_line_test(values, as_datetimes(times_s(values)), 4 * STEP_S, 8 * STEP_S, 0))
    here = ours(
        values, Bounds(spans=ANY, flat=FlatBounds(suspect_after_s=4 * STEP_S, fail_after_s=8 * STEP_S))
    )

    assert set(there) == {Flag.GOOD}
    assert here == [Flag.GOOD] * 4 + [Flag.SUSPECT] * 4 + [Flag.FAIL] * 12


@given(
    values=st.lists(st.integers(0, 6).map(lambda steps: steps / 4), min_size=3, max_size=40),
    readings=st.integers(2, 8),
    below=st.integers(1, 5).map(lambda steps: steps / 4),
)
def test_attenuated_signal_is_equal_by_range_once_the_period_is_full(values, readings, below):
    period_s = readings * STEP_S

    expected = theirs(
        qartod.attenuated_signal_test(
            values,
            as_datetimes(times_s(values)),
            suspect_threshold=below,
            fail_threshold=-1,
            test_period=period_s + STEP_S,  # its period is open at its beginning, ours is closed
            min_obs=readings + 1,
            check_type="range",
        )
    )

    quiet = AttenuatedBounds(period_s=period_s, suspect_below=below)
    found = ours(values, Bounds(spans=ANY, attenuated=quiet))
    judged = [at for at, flag in enumerate(expected) if flag != Flag.UNKNOWN]
    assert [expected[at] for at in judged] == [found[at] for at in judged]
    assert {found[at] for at in range(len(values)) if at not in judged} <= {Flag.GOOD}


@given(
    silences_s=st.lists(st.sampled_from([STEP_S, int(LONGEST_S), int(LONGEST_S) + 1, 200_000]), min_size=2)
)
def test_the_same_gaps_are_found_and_called_unknown_instead_of_failed(silences_s):
    at_s = [START_S, *(START_S + sum(silences_s[: at + 1]) for at in range(len(silences_s)))]

    expected = theirs(qartod.time_gap_test(as_datetimes(at_s), fail_span=LONGEST_S / 3600))

    found = ours([7.4 + at % 3 for at in range(len(at_s))], Bounds(spans=ANY), at_s)
    assert [flag == Flag.FAIL for flag in expected[1:]] == [flag == Flag.UNKNOWN for flag in found[1:]]
    assert Flag.GOOD == found[0]


@given(values=series, low=quarters, width=bounds)
@pytest.mark.filterwarnings("ignore")
def test_climatology_is_equal_where_the_month_is_known(values, low, width):
    config = ClimatologyConfig()
    config.add(tspan=(1, 12), vspan=(low, low + width), period="month")

    expected = theirs(
        qartod.climatology_test(
            config, np.array(values), as_datetimes(times_s(values)), np.zeros(len(values))
        )
    )

    climate = dict.fromkeys(range(1, 13), (low, low + width))
    assert expected == ours(values, Bounds(spans=ANY, climate=climate))


def test_a_month_without_history_is_unknown_to_ioos_qc_and_left_to_the_other_tests_here():
    config = ClimatologyConfig()
    config.add(tspan=(1, 1), vspan=(0, 1), period="month")
    values = [5.0, 5.0, 5.0]

    there = qartod.climatology_test(config, np.array(values), as_datetimes(times_s(values)), np.zeros(3))

    assert set(theirs(there)) == {Flag.UNKNOWN}
    assert ours(values, Bounds(spans=ANY, climate={1: (0.0, 1.0)})) == [Flag.GOOD] * 3


def test_a_series_of_one_reading_is_good():
    assert ours([7.4], Bounds(spans=ANY)) == [Flag.GOOD]
