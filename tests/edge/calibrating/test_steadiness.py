"""Whether a probe stands still: neither a creep nor a jumping probe passes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.calibrating.steadiness import PH, Criterion, steadiness

WINDOW = Criterion(window_s=10.0, most_spread=1.0, most_drift=0.2)


def shown(*values: float, every_s: float = 1.0) -> list[tuple[float, float]]:
    return [(at * every_s, value) for at, value in enumerate(values)]


def test_a_probe_that_stands_still_for_the_window_is_steady() -> None:
    found = steadiness(shown(*[5.0] * 11), WINDOW)

    assert found.is_steady
    assert (found.level, found.spread, found.drift, found.share) == (5.0, 0.0, 0.0, 1.0)


def test_before_the_window_is_full_it_is_not_and_the_share_says_how_far() -> None:
    found = steadiness(shown(*[5.0] * 6), WINDOW)

    assert (found.is_steady, found.share) == (False, 0.5)


def test_a_slow_creep_is_not_steady_though_no_two_samples_lie_far_apart() -> None:
    found = steadiness(shown(*(5.0 + 0.05 * at for at in range(40))), WINDOW)

    assert found.spread <= WINDOW.most_spread
    assert not found.is_steady
    assert found.drift == pytest.approx(0.5)


def test_a_probe_that_jumps_is_not_steady_though_the_line_through_it_is_flat() -> None:
    assert not steadiness(shown(*[4.0, 6.0] * 20), WINDOW).is_steady


def test_a_jolt_begins_the_window_anew() -> None:
    found = steadiness(shown(*[5.0] * 30, 9.0, *[5.0] * 4), WINDOW)

    assert (found.is_steady, found.share) == (False, 0.3)


def test_a_few_samples_far_between_prove_nothing() -> None:
    assert not steadiness(shown(5.0, 5.0, 5.0, every_s=60.0), WINDOW).is_steady


def test_one_sample_has_no_drift() -> None:
    assert steadiness([(3.0, 5.0)], WINDOW).share == 0.0


@given(
    end=st.floats(0.5, 2.5), start=st.floats(0.5, 2.5), pace_s=st.floats(2.0, 15.0), noise=st.integers(0, 3)
)
def test_what_is_steady_has_arrived(end: float, start: float, pace_s: float, noise: int) -> None:
    """An electrode goes towards its buffer ever more slowly; it must not be taken on the way there."""
    samples = [
        (float(at), end + (start - end) * math.exp(-at / pace_s) + 0.001 * noise * math.sin(7 * at))
        for at in range(400)
    ]
    taken = next(found for at in range(1, 400) if (found := steadiness(samples[:at], PH)).is_steady)

    assert abs(taken.level - end) < 0.010  # 0.06 pH behind a gain of 3
