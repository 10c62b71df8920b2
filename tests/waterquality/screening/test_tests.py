"""The pure tests of screening, each at its bounds."""

import pytest

from waterquality.flags import Flag, Screened, Why
from waterquality.screening.attenuated_signal import AttenuatedBounds, attenuated_signal
from waterquality.screening.climatology import climatology, month_of
from waterquality.screening.flat_line import FlatBounds, flat_line
from waterquality.screening.gap import LONGEST_S, NEW_BEGINNING_S, gap
from waterquality.screening.multi_variate import multi_variate
from waterquality.screening.rate_of_change import RateBounds, rate_of_change
from waterquality.screening.spike import SpikeBounds, spike

GOOD = Screened(Flag.GOOD)
SPIKES = SpikeBounds(suspect=1.0, fail=3.0)
RATES = RateBounds(suspect_per_s=0.5, fail_per_s=2.0, least=4.0)
FLATS = FlatBounds(suspect_after_s=60.0, fail_after_s=120.0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(3.0, GOOD, id="as far as it may"),
        pytest.param(3.01, Screened(Flag.SUSPECT, Why.SPIKE), id="above its neighbours"),
        pytest.param(0.9, Screened(Flag.SUSPECT, Why.SPIKE), id="below its neighbours"),
        pytest.param(5.0, Screened(Flag.SUSPECT, Why.SPIKE), id="not yet so far that it fails"),
        pytest.param(5.01, Screened(Flag.FAIL, Why.SPIKE), id="so far that it fails"),
    ],
)
def test_a_spike_stands_out_from_the_mean_of_its_neighbours(value, expected):
    assert expected == spike(1.0, value, 3.0, SPIKES)


@pytest.mark.parametrize(
    ("value", "seconds", "expected"),
    [
        pytest.param(14.0, 1.0, GOOD, id="the least that counts, however fast"),
        pytest.param(14.5, 10.0, GOOD, id="far enough, and slow"),
        pytest.param(5.0, 10.0, GOOD, id="as fast as it may"),
        pytest.param(4.9, 10.0, Screened(Flag.SUSPECT, Why.CHANGED_TOO_FAST), id="too fast"),
        pytest.param(31.0, 10.0, Screened(Flag.FAIL, Why.CHANGED_TOO_FAST), id="so fast that it fails"),
    ],
)
def test_a_change_is_too_fast_only_where_it_is_large_as_well(value, seconds, expected):
    assert expected == rate_of_change(10.0, value, seconds, RATES)


@pytest.mark.parametrize(
    ("still_s", "expected"),
    [
        pytest.param(59.9, GOOD, id="not yet"),
        pytest.param(60.0, Screened(Flag.SUSPECT, Why.FLAT_LINE), id="long enough"),
        pytest.param(119.9, Screened(Flag.SUSPECT, Why.FLAT_LINE), id="not so long that it fails"),
        pytest.param(120.0, Screened(Flag.FAIL, Why.FLAT_LINE), id="so long that it fails"),
    ],
)
def test_a_value_is_flat_once_it_has_stayed_long_enough(still_s, expected):
    assert expected == flat_line(still_s, FLATS)


def test_a_signal_is_attenuated_once_its_period_is_full():
    bounds = AttenuatedBounds(period_s=60.0, suspect_below=0.1)

    assert GOOD == attenuated_signal(59.9, bounds)
    assert Screened(Flag.SUSPECT, Why.ATTENUATED_SIGNAL) == attenuated_signal(60.0, bounds)


@pytest.mark.parametrize(
    ("silent_s", "expected"),
    [
        pytest.param(LONGEST_S, GOOD, id="as long as a device may be silent"),
        pytest.param(LONGEST_S + 1, Screened(Flag.UNKNOWN, Why.AFTER_GAP), id="longer"),
        pytest.param(NEW_BEGINNING_S, Screened(Flag.UNKNOWN, Why.AFTER_GAP), id="a month"),
        pytest.param(NEW_BEGINNING_S + 1, GOOD, id="so long that it is a new beginning"),
    ],
)
def test_the_first_after_a_gap_is_unknown(silent_s, expected):
    assert expected == gap(silent_s)


@pytest.mark.parametrize(
    ("value", "month", "expected"),
    [
        pytest.param(2.0, 3, GOOD, id="the lowest of the month"),
        pytest.param(9.0, 3, GOOD, id="the highest of the month"),
        pytest.param(9.1, 3, Screened(Flag.SUSPECT, Why.UNUSUAL_FOR_THE_MONTH), id="beyond it"),
        pytest.param(1.9, 3, Screened(Flag.SUSPECT, Why.UNUSUAL_FOR_THE_MONTH), id="below it"),
        pytest.param(900.0, 4, GOOD, id="a month of which nothing is known is not judged"),
    ],
)
def test_a_value_is_held_against_its_month(value, month, expected):
    assert expected == climatology(value, month, {3: (2.0, 9.0)})


def test_a_month_is_that_of_utc():
    assert month_of(1_764_547_200_000 - 1) == 11
    assert month_of(1_764_547_200_000) == 12


def test_others_are_in_doubt_while_a_probe_has_just_fallen_silent():
    doubted = Screened(Flag.SUSPECT, Why.PROBES_DISTURBED)

    assert [doubted, doubted, GOOD, GOOD] == [
        multi_variate(away_s, 3600.0) for away_s in (0.0, 3600.0, 3601.0, None)
    ]
