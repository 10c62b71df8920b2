"""The months of water points, worked out from what their stores hold: a step of the upkeep of the store.

A water point is looked at once in a calendar month, and only the months before that one count. So the month under
way never moves its own bounds, however long its mud lasts, and bounds change at most once a month.

**What a day counts by** is its hours in which every reading was GOOD, where there are a few; else by all hours with
a usable value. A spike or a stuck probe is left out that way, and water that has truly changed, whose every hour
is SUSPECT by the old months, is learned in the end.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import structlog

from server.clock import Clock
from server.database.engine import Database
from server.registry.months import due_for_a_look, put_months
from server.store.port import ChartPoint, ReadingStore
from server.store.rollup import day_of, hour_of
from waterquality.flags import Flag
from waterquality.parameters import Parameter
from waterquality.readings import to_ms
from waterquality.screening.months import SCALES, Day, Month, months_of

_log = structlog.get_logger()
_YEARS_BACK = 5  # water that changed its source six years ago is another water
_LEAST_HOURS = 6
_HOURS_A_YEAR = 366 * 24


class Seasons:
    """Works out the months of one water point after the other.

    Args:
        store: where their history is.
        database: where the months are kept.
        clock: the server's clock.
    """

    def __init__(self, store: ReadingStore, database: Database, clock: Clock) -> None:
        self._store, self._database, self._clock = store, database, clock

    def due(self) -> Sequence[str]:
        """Water points that were not looked at in this calendar month.

        Raises:
            DatabaseUnavailable: mended by time.
        """
        return due_for_a_look(self._database, to_ms(_month_start(self._clock.now())))

    def look(self, water_point: str, stop: threading.Event) -> None:
        """Look at a water point's history; given up where `stop` is set meanwhile, and then done another time.

        It rests after each question for as long as the question took.

        Raises:
            StoreUnavailable: mended by time.
            DatabaseUnavailable: likewise.
        """
        now = self._clock.now()
        found: dict[Parameter, dict[int, Month]] = {}
        for parameter in SCALES:
            days = [day for part in self._history(water_point, parameter, now, stop) for day in days_of(part)]
            found[parameter] = dict(months_of(parameter, days))
        if stop.is_set():
            return
        moved = put_months(self._database, water_point, found, to_ms(now))
        if moved:
            _log.info("months_learned", water_point=water_point, months=moved)

    def _history(
        self, water_point: str, parameter: Parameter, now: datetime, stop: threading.Event
    ) -> Iterator[Sequence[ChartPoint]]:
        """A year at a time, up to the beginning of this month."""
        end = _month_start(now)
        for year in range(end.year - _YEARS_BACK, end.year + 1):
            since, until = datetime(year, 1, 1, tzinfo=UTC), min(datetime(year + 1, 1, 1, tzinfo=UTC), end)
            if since >= until or stop.is_set():
                return
            began_s = time.monotonic()
            yield self._store.chart(water_point, parameter, since=since, until=until, pixels=_HOURS_A_YEAR)
            stop.wait(time.monotonic() - began_s)


def days_of(points: Iterable[ChartPoint]) -> list[Day]:
    """What each day showed, of hours or readings in any order; a day with few hours is left out."""
    by_day: dict[int, list[ChartPoint]] = {}
    for point in points:
        if point.low is not None:
            by_day.setdefault(day_of(point.at_ms), []).append(point)
    return [day for start_ms, usable in by_day.items() if (day := _day(start_ms, usable)) is not None]


def _day(start_ms: int, usable: Sequence[ChartPoint]) -> Day | None:
    good = [point for point in usable if point.flag is Flag.GOOD]
    counted = good if _hours(good) >= _LEAST_HOURS else usable
    if _hours(counted) < _LEAST_HOURS:
        return None
    lows = [point.low for point in counted if point.low is not None]
    highs = [point.high for point in counted if point.high is not None]
    return Day(start_ms, min(lows), max(highs))


def _hours(points: Iterable[ChartPoint]) -> int:
    return len({hour_of(point.at_ms) for point in points})


def _month_start(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
