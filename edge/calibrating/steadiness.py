"""Whether a probe stands still in its standard. Pure.

The criterion: over an unbroken stretch of `window_s` at the end, the samples lie within `most_spread` of one
another, and the straight line through them moves by no more than `most_drift` from end to end. The first alone
would let a slow creep pass, the second alone a probe that jumps up and down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression, median

_FEWEST_SAMPLES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """When a probe is held to stand still.

    Attributes:
        window_s: for how long, in seconds.
        most_spread: highest minus lowest sample, in the unit of the samples.
        most_drift: how far the line through them may move over the window, in the same unit.
    """

    window_s: float
    most_spread: float
    most_drift: float


# Our own choice. Of pH: 4 mV is 0.02 pH behind a gain of 3, and one step of a 10-bit converter; three steps
# apart is noise. Of turbidity: bubbles and particles make the volts of any standard flicker.
PH = Criterion(window_s=30.0, most_spread=0.012, most_drift=0.004)
TURBIDITY = Criterion(window_s=20.0, most_spread=0.030, most_drift=0.010)


def of_instrument(uncertainty: float) -> Criterion:
    """When an instrument that shows its parameter stands still; the shares are our own choice.

    Args:
        uncertainty: of its model at the standard, in the parameter's unit.
    """
    return Criterion(window_s=30.0, most_spread=0.6 * uncertainty, most_drift=0.3 * uncertainty)


@dataclass(frozen=True, slots=True)
class Steadiness:
    """How still a probe stands.

    Attributes:
        level: median of the stretch that counts, or of the newest samples while there is none; in the samples'
            unit.
        spread: highest minus lowest in that stretch.
        drift: how far the line through it moves from end to end; 0 for a single sample.
        share: how much of the window has been stood still, 0 to 1.
        is_steady: whether the criterion is met.
    """

    level: float
    spread: float
    drift: float
    share: float
    is_steady: bool


def steadiness(samples: Sequence[tuple[float, float]], criterion: Criterion) -> Steadiness:
    """How still a probe stands at the end of the samples.

    Args:
        samples: pairs of seconds and what was read, oldest first; at least one.
        criterion: when that is still enough.
    """
    calm = _calm_end(samples, criterion)
    values = [value for _, value in calm]
    drift, lasted_s = _drift(calm), calm[-1][0] - calm[0][0]
    share = min(1.0, lasted_s / criterion.window_s)
    is_steady = share >= 1 and len(calm) >= _FEWEST_SAMPLES and abs(drift) <= criterion.most_drift
    return Steadiness(median(values), max(values) - min(values), drift, share, is_steady)


def _calm_end(samples: Sequence[tuple[float, float]], criterion: Criterion) -> Sequence[tuple[float, float]]:
    """The longest stretch at the end within the spread, and no longer than the window asks for."""
    newest_s, low, high = samples[-1][0], samples[-1][1], samples[-1][1]
    start = len(samples) - 1
    while start and newest_s - samples[start][0] < criterion.window_s:
        value = samples[start - 1][1]
        low, high = min(low, value), max(high, value)
        if high - low > criterion.most_spread:
            break
        start -= 1
    return samples[start:]


def _drift(samples: Sequence[tuple[float, float]]) -> float:
    first_s, last_s = samples[0][0], samples[-1][0]
    if last_s <= first_s:
        return 0.0
    slope, _ = linear_regression(*zip(*samples, strict=True))
    return slope * (last_s - first_s)
