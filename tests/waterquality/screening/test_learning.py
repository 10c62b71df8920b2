"""What is learned from a history: labels where there are any, else the tightest that is quiet."""

import pytest

from tests.builders import ms, observation
from waterquality.flags import Flag
from waterquality.parameters import Parameter
from waterquality.readings import Observation
from waterquality.screening import DEFAULTS
from waterquality.screening.learning import ALLOWED, History, called, learn, noise

QUARTER_MS = 900_000
START_MS = ms("2026-10-01T00:00:00Z")
WEEKS = 3
PH = Parameter.PH


def history(spikes: dict[int, float], *, step_ms: int = QUARTER_MS) -> list[Observation]:
    """Three weeks of a pH that moves by its last digits, with spikes in it."""
    count = WEEKS * 7 * 24 * 3_600_000 // step_ms
    phs = [7.40 + 0.01 * (at * 7 % 5) + spikes.get(at, 0.0) for at in range(count)]
    return [
        observation(
            seq=at + 1, at=START_MS + at * step_ms, ph=ph, flag=Flag.UNKNOWN, turbidity=None, flow=None
        )
        for at, ph in enumerate(phs)
    ]


def test_with_labels_the_thresholds_find_what_was_labelled() -> None:
    observations = history({300: 0.15, 900: 0.15})
    wrong = [at in (300, 900) for at in range(len(observations))]
    assert not any(called(observations, DEFAULTS, PH))

    learned = learn(History(observations, {PH: wrong}), DEFAULTS, PH)

    assert learned is not None
    calls = called(observations, {**DEFAULTS, PH: learned.bounds(DEFAULTS[PH])}, PH)
    assert calls[300]
    assert calls[900]
    assert learned.false_per_week <= ALLOWED


def test_without_labels_the_tightest_thresholds_are_taken_that_are_quiet() -> None:
    observations = history({})

    learned = learn(History(observations, {}), DEFAULTS, PH)

    assert learned is not None
    own = {**DEFAULTS, PH: learned.bounds(DEFAULTS[PH])}
    assert learned.spike < 0.2  # of the default
    assert sum(called(observations, own, PH)) <= ALLOWED * WEEKS
    assert called(history({300: 0.15}), own, PH)[300]
    assert not called(history({300: 0.15}), DEFAULTS, PH)[300]


@pytest.mark.parametrize("step_ms", [60_000, QUARTER_MS])
def test_a_change_that_is_ordinary_from_one_reading_to_the_next_is_never_too_fast(step_ms: int) -> None:
    observations = history({}, step_ms=step_ms)

    learned = learn(History(observations[:6_000], {}), DEFAULTS, PH)

    assert learned is not None
    assert learned.rate == pytest.approx(learned.least * QUARTER_MS / step_ms)
    burst = history({}, step_ms=1_000)[:500]
    assert not any(called(burst, {**DEFAULTS, PH: learned.bounds(DEFAULTS[PH])}, PH))


def test_a_value_that_never_moves_teaches_nothing() -> None:
    still = [observation(seq=at + 1, at=START_MS + at * QUARTER_MS, ph=7.4) for at in range(2_000)]

    assert noise(still, PH, DEFAULTS[PH]) == 0
    assert learn(History(still, {}), DEFAULTS, PH) is None
    assert learn(History(still, {}), DEFAULTS, Parameter.TEMPERATURE) is None


def test_a_scale_makes_thresholds_wider() -> None:
    learned = learn(History(history({}), {}), DEFAULTS, PH)

    assert learned is not None
    wide, own = learned.bounds(DEFAULTS[PH], 2.0), learned.bounds(DEFAULTS[PH])
    assert wide.spike
    assert own.spike
    assert wide.rate
    assert own.rate
    assert wide.spike.suspect == pytest.approx(2 * own.spike.suspect)
    assert wide.rate.suspect_per_s == pytest.approx(2 * own.rate.suspect_per_s)
