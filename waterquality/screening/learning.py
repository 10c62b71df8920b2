"""Learning: how far a site's values ordinarily stand out, and from which threshold on a test finds what is wrong.

From a history and what is known to be wrong in it, on a grid of multiples of the site's own noise: the thresholds
of spike and rate that find most of the wrong segments at no more than half a false flag a week; of equals, the
fewest false flags. Where nothing is known to be wrong, as with readings that were all found GOOD, the tightest
thresholds by which no more readings than that would be flagged: readings there and not runs, since thresholds that
flag everything make one run.

Pure: it is given a history and gives numbers; a person looks at them before anything is screened by them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from statistics import median

from waterquality.flags import Flag
from waterquality.parameters import Parameter
from waterquality.readings import Observation
from waterquality.screening.rate_of_change import RateBounds
from waterquality.screening.settings import Bounds
from waterquality.screening.spike import SpikeBounds
from waterquality.screening.track import Track

QUARTER_S = 900.0
_GRID = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 16.0)  # times the noise of the site
_NOISE_AT = 0.99
ALLOWED = 0.5  # false flags a week: half of what is bearable, since the next year is another one
_HOUR_MS, _WEEK_HOURS = 3_600_000, 168


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What was learned of one parameter, in its unit.

    Attributes:
        spike: farther from the mean of its neighbours is SUSPECT.
        rate: farther within a quarter of an hour is SUSPECT.
        least: a change of so much or less is never too fast.
        noise: how far a value ordinarily stands out.
        false_per_week: false flags a week in what it was learned from.
    """

    spike: float
    rate: float
    least: float
    noise: float
    false_per_week: float = 0.0

    def bounds(self, default: Bounds, scale: float = 1.0) -> Bounds:
        """The default with these thresholds, times a scale."""
        rate = RateBounds(suspect_per_s=self.rate * scale / QUARTER_S, least=self.least * scale)
        return replace(default, spike=SpikeBounds(suspect=self.spike * scale), rate=rate)


@dataclass(frozen=True, slots=True)
class History:
    """What a device sent at one place, in order of time, each observation as it was sent.

    Attributes:
        observations: oldest first.
        wrong: by parameter, which of them are known to be wrong; left out where nothing is known.
    """

    observations: Sequence[Observation]
    wrong: Mapping[Parameter, Sequence[bool]]

    @property
    def weeks(self) -> float:
        """For how long there are observations: the hours that have one."""
        hours = {observation.taken_ms // _HOUR_MS for observation in self.observations}
        return len(hours) / _WEEK_HOURS

    @property
    def step_s(self) -> float:
        """The usual time between two observations, in seconds."""
        steps = [later.taken_ms - earlier.taken_ms for earlier, later in pairwise(self.observations)]
        return median(steps) / 1000


def called(
    observations: Sequence[Observation], bounds: Mapping[Parameter, Bounds], parameter: Parameter
) -> list[bool]:
    """Whether each reading of a parameter is SUSPECT or FAIL in the end."""
    track = Track(bounds)
    found: list[bool] = []
    for row, observation in enumerate(observations):
        found.append(_is_called(track.take(observation, row), parameter))
        for again, which in track.again:
            found[which] = _is_called(again, parameter)
        track.again.clear()
    return found


def runs(calls: Sequence[bool]) -> list[tuple[int, int]]:
    """The first and last row of every run of true rows."""
    edges = [at for at in range(1, len(calls)) if calls[at] != calls[at - 1]]
    return [(first, after - 1) for first, after in pairwise([0, *edges, len(calls)]) if calls[first]]


def noise(observations: Sequence[Observation], parameter: Parameter, bounds: Bounds) -> float:
    """How far a value ordinarily stands out from its neighbours: the 99th percentile; 0 where it never does."""
    values = list(_possible(observations, parameter, bounds))
    steps = zip(values, values[1:], values[2:], strict=False)
    stands_out = sorted(abs(value - (before + after) / 2) for before, value, after in steps)
    return stands_out[int(_NOISE_AT * len(stands_out))] if stands_out else 0.0


def learn(history: History, bounds: Mapping[Parameter, Bounds], parameter: Parameter) -> Learned | None:
    """The thresholds of a parameter; None where it never moves, or is not there.

    Args:
        history: what to learn from.
        bounds: by what everything else is screened.
        parameter: whose thresholds.
    """
    unit = noise(history.observations, parameter, bounds[parameter])
    if not unit:
        return None
    step_s, wrong = history.step_s, history.wrong.get(parameter)
    quiet = replace(bounds[parameter], spike=None, rate=None)

    def trial(own: Bounds) -> list[bool]:
        return called(history.observations, {**bounds, parameter: own}, parameter)

    by_spike = {k: trial(replace(quiet, spike=SpikeBounds(suspect=k * unit))) for k in _GRID}
    rates = {k: RateBounds(suspect_per_s=k * unit / step_s, least=k * unit) for k in _GRID}
    by_rate = {k: trial(replace(quiet, rate=rate)) for k, rate in rates.items()}
    weeks = history.weeks

    def worth(chosen: tuple[float, float]) -> tuple[int, float]:
        both = zip(by_spike[chosen[0]], by_rate[chosen[1]], strict=True)
        return _worth([one or other for one, other in both], wrong, weeks, chosen)

    spike, rate = max(product(_GRID, _GRID), key=worth)
    both = [one or other for one, other in zip(by_spike[spike], by_rate[rate], strict=True)]
    return Learned(
        spike=spike * unit,
        rate=rate * unit * QUARTER_S / step_s,
        least=rate * unit,
        noise=unit,
        false_per_week=_false(both, wrong) / weeks,
    )


def _worth(
    calls: Sequence[bool], wrong: Sequence[bool] | None, weeks: float, chosen: tuple[float, float]
) -> tuple[int, float]:
    """How good a choice is; the greater the better."""
    false = _false(calls, wrong) / weeks
    if false > ALLOWED:
        return -1, -false
    if wrong is None:
        return 0, -chosen[0] * chosen[1]
    return sum(any(calls[first : last + 1]) for first, last in runs(wrong)), -false


def _false(calls: Sequence[bool], wrong: Sequence[bool] | None) -> int:
    """Runs of calls that touch nothing wrong; where nothing is known to be wrong, the calls themselves."""
    if wrong is None:
        return sum(calls)
    return sum(not any(wrong[first : last + 1]) for first, last in runs(calls))


def _possible(observations: Sequence[Observation], parameter: Parameter, bounds: Bounds) -> Iterator[float]:
    low, high = bounds.spans.possible
    for observation in observations:
        reading = observation.readings.get(parameter)
        if reading is not None and reading.value is not None and low <= reading.value <= high:
            yield reading.value


def _is_called(observation: Observation, parameter: Parameter) -> bool:
    reading = observation.readings.get(parameter)
    return reading is not None and reading.flag in (Flag.SUSPECT, Flag.FAIL)
