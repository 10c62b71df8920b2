"""The months of a water point: what each ordinarily shows, learned from the days of the years before.

Each month is learned from its own days and from the halves of the months beside it that touch it, since no spring
comes twice on the same day. A *fence* stands three times the distance of the quartiles beyond the quartiles
(Tukey's far-out fence): of the days' lowest values below, of their highest above. Turbidity is looked at by its
logarithm, since mud multiplies.

**Invariants**
* A month needs its own days in more than one year: one year alone cannot say what differs between years.
* Less than a quarter of the days, whatever they show, cannot carry a fence away.
* A fence is never nearer to the quartiles than what a probe may be off by after its next calibration.
* Of turbidity only the upper fence is judged by: clear water is nobody's trouble.

Pure. Which days there are, and when they are looked at, is the server's affair.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import exp, inf, log
from statistics import quantiles
from types import MappingProxyType

from waterquality.parameters import Parameter
from waterquality.screening.climatology import Climate

LEAST_DAYS = 20  # of the month itself, in a year, for that year to count
LEAST_YEARS = 2
_HALF = 15  # the last day of the first half of a month
_FAR_OUT = 3.0  # Tukey, Exploratory Data Analysis, 1977: beyond it a value is "far out"
_MONTHS = 12
_MOVED = 0.1  # of its width; less is no news
Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Scale:
    """How a parameter is looked at.

    Attributes:
        margin: the fence is at least so far beyond the quartile, in the parameter's unit.
        floor: where it is looked at by its logarithm, less than this counts as this; None: as it is.
        decimals: to which spans are rounded.
    """

    margin: float
    floor: float | None = None
    decimals: int = 2

    @property
    def there(self) -> Callable[[float], float]:
        """From the parameter's unit to where quartiles are taken."""
        floor = self.floor
        return (lambda value: value) if floor is None else (lambda value: log(max(value, floor)))

    @property
    def back(self) -> Callable[[float], float]:
        """The way back."""
        return (lambda value: value) if self.floor is None else exp


# A tap is opened and closed, so a flow and a volume have no season of their own.
SCALES: Mapping[Parameter, Scale] = MappingProxyType(
    {
        Parameter.TURBIDITY: Scale(margin=1.0, floor=0.1),
        Parameter.PH: Scale(margin=0.5),  # electrodes drift by 0.2 and more between two calibrations
        Parameter.TEMPERATURE: Scale(margin=2.0, decimals=1),
    }
)
# Decided by figures (docs/performance.md): turbidity found next to nothing by it, at some false flags more.
BY_DEFAULT = frozenset({Parameter.PH, Parameter.TEMPERATURE})


@dataclass(frozen=True, slots=True)
class Day:
    """What a day showed.

    Attributes:
        start_ms: its start, milliseconds since 1970, UTC.
        low: the lowest value, in the parameter's unit.
        high: the highest.
    """

    start_ms: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Month:
    """What a water point shows in a month of the year.

    Attributes:
        ordinary: between the lower quartile of the days' lowest values and the upper one of their highest.
        widest: outside of it a value is unusual for the month.
        days: how many days of the month itself it rests on.
        years: of how many years.
    """

    ordinary: Pair
    widest: Pair
    days: int
    years: int


def months_of(parameter: Parameter, days: Iterable[Day]) -> Mapping[int, Month]:
    """What is known of each month, 1 to 12; months with too little history are left out.

    Args:
        parameter: one of `SCALES`.
        days: in any order, none twice.
    """
    own: dict[int, list[Day]] = {month: [] for month in range(1, _MONTHS + 1)}
    beside: dict[int, list[Day]] = {month: [] for month in own}
    years: dict[int, Counter[int]] = {month: Counter() for month in own}
    for day in days:
        at = datetime.fromtimestamp(day.start_ms / 1000, UTC)
        own[at.month].append(day)
        years[at.month][at.year] += 1
        beside[month_beside(day.start_ms)].append(day)
    found = {}
    for month, days_of_it in own.items():
        full = sum(count >= LEAST_DAYS for count in years[month].values())
        if full >= LEAST_YEARS:
            ordinary, widest = spans_of(parameter, days_of_it + beside[month])
            found[month] = Month(ordinary, widest, len(days_of_it), full)
    return found


def climate_of(parameter: Parameter, months: Mapping[int, Month]) -> Climate:
    """By what `climatology` judges."""
    is_low_judged = parameter is not Parameter.TURBIDITY
    return {
        month: (each.widest[0] if is_low_judged else -inf, each.widest[1]) for month, each in months.items()
    }


def has_moved(before: Month | None, now: Month | None) -> bool:
    """Whether it is news: what is told anew makes devices be followed anew, so a trifle is not."""
    if before is None or now is None:
        return before is not now
    trifle = _MOVED * (before.widest[1] - before.widest[0])
    return any(abs(old - new) > trifle for old, new in zip(before.widest, now.widest, strict=True))


def month_beside(at_ms: int) -> int:
    """The month that a day lies beside: the one before in the first half of its own, else the next one."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    step = -1 if at.day <= _HALF else 1
    return (at.month - 1 + step) % _MONTHS + 1


def spans_of(parameter: Parameter, days: Sequence[Day]) -> tuple[Pair, Pair]:
    """The ordinary and the widest span of these days; at least two."""
    scale = SCALES[parameter]
    there, back = scale.there, scale.back
    low, _, low_top = quantiles([there(day.low) for day in days], n=4)
    high_bottom, _, high = quantiles([there(day.high) for day in days], n=4)
    ordinary = back(low), back(high)
    fences = back(low - _FAR_OUT * (low_top - low)), back(high + _FAR_OUT * (high - high_bottom))
    widest = min(fences[0], ordinary[0] - scale.margin), max(fences[1], ordinary[1] + scale.margin)
    return _rounded(scale, ordinary), _rounded(scale, widest)


def _rounded(scale: Scale, span: Pair) -> Pair:
    return round(span[0], scale.decimals), round(span[1], scale.decimals)
