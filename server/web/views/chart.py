"""A parameter of a water point over time, as the chart, the picture and the table of it need it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from server.store.port import ChartPoint, ReadingStore, StoreUnavailable
from waterquality.flags import Flag
from waterquality.limits import Limit
from waterquality.parameters import Parameter

_PICTURE_PIXELS = 180
_ROWS = 24


class Range(StrEnum):
    """How far back a chart goes."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"

    @property
    def span(self) -> timedelta:
        """Its length."""
        return _SPANS[self]


_SPANS: Mapping[Range, timedelta] = MappingProxyType(
    {Range.DAY: timedelta(days=1), Range.WEEK: timedelta(days=7), Range.MONTH: timedelta(days=30)}
)


@dataclass(frozen=True, slots=True)
class ChartView:
    """What is drawn of one parameter.

    Attributes:
        parameter: what was measured.
        since: begin of the time shown.
        until: its end.
        limit: the limit in force; None where there is none.
        points: for the picture, oldest first.
        rows: for the table, oldest first.
    """

    parameter: Parameter
    since: datetime
    until: datetime
    limit: Limit | None
    points: Sequence[ChartPoint]
    rows: Sequence[ChartPoint]

    @property
    def has_doubts(self) -> bool:
        """Whether any reading in it is not good."""
        return any(point.flag is not Flag.GOOD for point in self.points)


def chart_view(
    store: ReadingStore,
    water_point: str,
    parameter: Parameter,
    limit: Limit | None,
    *,
    span: Range,
    now: datetime,
) -> ChartView:
    """A parameter over the last day, week or month; empty where the store is away.

    The table's intervals begin at full hours, so that its rows read like a day.
    """
    until = (now + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    since = until - span.span
    try:
        points = store.chart(water_point, parameter, since=since, until=until, pixels=_PICTURE_PIXELS)
        rows = store.chart(water_point, parameter, since=since, until=until, pixels=_ROWS)
    except StoreUnavailable:
        points, rows = (), ()
    return ChartView(parameter, since, until, limit, points, rows)
