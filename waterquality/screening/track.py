"""All series of one device at one water point, observation by observation in event time.

What a reading is found to be may change once more: a spike shows only when its successor has come. Such an
earlier observation is put into `again`, with the tag that its caller gave it.

**Invariants**
* The worst flag wins, UNKNOWN over GOOD; of two that are equally bad the device's, then the first one found;
  but a doubt for the month's sake gives way to every other.
* A reading that the device doubts keeps its doubt, is judged by gross range besides, and is no evidence.
"""

from collections.abc import Callable, Mapping

from waterquality.flags import NOT_SCREENED, Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading
from waterquality.screening.climatology import giving_way
from waterquality.screening.gap import LONGEST_S, gap
from waterquality.screening.gross_range import GOOD, IMPOSSIBLE
from waterquality.screening.multi_variate import STEADY_S, multi_variate
from waterquality.screening.own import MAX_CLOCK_UNCERTAINTY_S, is_time_uncertain, judged_alone
from waterquality.screening.series import NEVER_MS, Seen, Series
from waterquality.screening.settings import DEFAULTS, Bounds

_MS_PER_S = 1000.0
_LONGEST_GAP_MS = LONGEST_S * _MS_PER_S
_STEADY_MS = STEADY_S * _MS_PER_S
_GIVES = frozenset({Flag.GOOD, Flag.UNKNOWN, Flag.SUSPECT})
# Why nothing comes, that is news about the whole device. What a probe says of its own doing is not.
_FELL_SILENT = frozenset({Why.NONE, Why.PROBE_DISCONNECTED, Why.PROBE_FAULT, Why.NOT_RECORDED})


class Track:
    """Follows one device at one water point.

    Args:
        bounds: how each parameter is screened; the defaults serve where one is not named.

    Attributes:
        last_ms: when the newest observation was taken.
        again: earlier observations that are judged otherwise now, oldest first, each with its tag; whoever reads
            them empties the list.
    """

    __slots__ = ("_bounds", "_series", "_silent", "again", "last_ms")

    def __init__(self, bounds: Mapping[Parameter, Bounds]) -> None:
        self._bounds = bounds
        self._series: dict[Parameter, Series] = {}
        self._silent: dict[Parameter, int] = {}
        self.last_ms = NEVER_MS
        self.again: list[Seen] = []

    def take(self, observation: Observation, tag: int) -> Observation:
        """Judge the next observation.

        Args:
            observation: as the device sent it, taken later than all before.
            tag: what `again` is to carry with it.
        """
        at_ms = observation.taken_ms
        is_sure = observation.clock_uncertainty_s <= MAX_CLOCK_UNCERTAINTY_S
        judged: dict[Parameter, Reading] = {}
        told: list[Series] = []
        for parameter, reading in observation.readings.items():
            series = self._series.get(parameter) or self._begun(parameter)
            value, screened = reading.value, reading.screened
            is_bare = screened is NOT_SCREENED or screened == NOT_SCREENED
            if is_bare and is_sure and value is not None and series.low <= value <= series.high:
                judged[parameter] = reading.judged(series.take(at_ms, value))
                told.append(series)
                if series.is_silent is not False:
                    self._speaks(parameter, series, at_ms)
                if series.middle is not None:
                    self._judge_again(parameter, series)
            else:
                judged[parameter] = self._doubted(parameter, series, reading, observation)
        if at_ms - self.last_ms > _LONGEST_GAP_MS:
            self._doubt(judged, lambda _: gap((at_ms - self.last_ms) / _MS_PER_S))
        if self._silent:
            self._doubt(judged, lambda parameter: self._disturbed(parameter, at_ms))
        self.last_ms = at_ms
        found = observation.screened(judged)
        seen = (found, tag)
        for series in told:
            series.seen = seen
        return found

    def is_independent_of(self, before_ms: int) -> bool:
        """Whether what comes next is judged without regard to anything taken before an instant."""
        if self._silent and self.last_ms - before_ms < self._longest_doubt_ms():
            return False
        return all(series.depends_on_ms(self.last_ms) >= before_ms for series in self._series.values())

    def neighbours(self) -> list[Seen]:
        """The observations that the next one may change: of each series the last evidence, with its tag."""
        return [series.seen for series in self._series.values() if series.seen is not None]

    def _longest_doubt_ms(self) -> float:
        bounds = [series.bounds for series in self._series.values()]
        return max((each.disturbed_s or 0.0) + each.apart_s for each in bounds) * _MS_PER_S

    def _begun(self, parameter: Parameter) -> Series:
        series = self._series[parameter] = Series(self._bounds.get(parameter) or DEFAULTS[parameter])
        return series

    def _speaks(self, parameter: Parameter, series: Series, at_ms: int) -> None:
        series.is_silent, series.well_since_ms = False, at_ms
        self._silent.pop(parameter, None)

    def _judge_again(self, parameter: Parameter, series: Series) -> None:
        """What the last evidence is now found to be; every series that has the same observation sees it."""
        assert series.seen is not None
        assert series.middle is not None
        old = series.seen
        observation, tag = old
        reading = observation.readings[parameter].judged(series.middle)
        new = (observation.screened({**observation.readings, parameter: reading}), tag)
        for each in self._series.values():
            if each.seen is old:
                each.seen = new
        series.middle = None
        self.again.append(new)

    def _doubted(
        self, parameter: Parameter, series: Series, reading: Reading, observation: Observation
    ) -> Reading:
        """A reading that is no evidence; it is heard, and may be a probe falling silent."""
        at_ms = observation.taken_ms
        judged = judged_alone(reading, series.bounds.spans, is_time_uncertain=is_time_uncertain(observation))
        if _is_silent(judged):
            recent_ms = max(series.last_ms, series.heard_ms)
            is_steady = series.is_silent is False and at_ms - series.well_since_ms >= _STEADY_MS
            if is_steady and at_ms - recent_ms <= series.bounds.apart_s * _MS_PER_S:
                self._silent[parameter] = at_ms
            series.is_silent = True
        elif series.is_silent is not False:
            self._speaks(parameter, series, at_ms)
        series.hear(at_ms)
        return judged

    def _doubt(self, judged: dict[Parameter, Reading], doubt: Callable[[Parameter], Screened]) -> None:
        """Let what concerns the whole device count for every reading that gives something."""
        for parameter, reading in judged.items():
            if reading.flag in _GIVES:
                found = giving_way(reading.screened, doubt(parameter))
                judged[parameter] = reading.judged(found)
                self._series[parameter].verdict = found

    def _disturbed(self, parameter: Parameter, at_ms: int) -> Screened:
        disturbed_s = self._series[parameter].bounds.disturbed_s
        if disturbed_s is None:
            return GOOD
        since_ms = max(
            (since for other, since in self._silent.items() if other is not parameter), default=None
        )
        away_s = None if since_ms is None else (at_ms - since_ms) / _MS_PER_S
        return multi_variate(away_s, disturbed_s)


def _is_silent(reading: Reading) -> bool:
    if reading.value is None:
        return reading.screened.why in _FELL_SILENT
    return reading.screened == IMPOSSIBLE
