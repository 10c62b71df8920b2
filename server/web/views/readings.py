"""The newest readings of water points, with their trend and limit, whatever the store can say now.

The store may be away: then there are no values, and the pages say so. A reading too old to stand for the
water of now counts as unknown.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from server.store.port import ReadingStore, Row, StoreUnavailable
from server.web.views.rules import Limits, is_beyond
from server.web.words import Trend
from waterquality.flags import Flag, Why
from waterquality.limits import Limit
from waterquality.parameters import Parameter
from waterquality.readings import to_ms

_RECENT = timedelta(days=1)
_LONG_AGO = timedelta(days=30)
_HOUR = timedelta(hours=1)
_HOUR_BEFORE = timedelta(minutes=100)  # how far back the value of "an hour before" may lie
# What counts as a change in an hour, in the parameter's unit and as a share of the value before.
_CHANGE = {Parameter.TURBIDITY: 0.1, Parameter.PH: 0.1, Parameter.FLOW: 0.5, Parameter.TEMPERATURE: 0.5}
_CHANGE_SHARE = 0.1
_SHARED = (Parameter.TURBIDITY, Parameter.FLOW)


@dataclass(frozen=True, slots=True)
class Newest:
    """What the store holds of several water points, by id of the water point.

    Attributes:
        now: the newest row of each.
        before: the newest row of each that is at least an hour old, where that was asked for.
        is_known: whether the store could be asked at all.
    """

    now: Mapping[str, Row] = field(default_factory=dict)
    before: Mapping[str, Row] = field(default_factory=dict)
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class ReadingView:
    """One parameter of a water point as the pages show it.

    Attributes:
        parameter: what was measured.
        taken_ms: when; None where nothing was heard of it.
        value: in the parameter's unit; None where there is none.
        flag: how far it can be trusted.
        why: the reason where it is not good.
        is_stale: whether it is too old to stand for the water of now.
        limit: the limit in force that the probe can evidence; None where there is none.
        unproven: the limit in force that the probe cannot evidence; None where there is none.
        trend: against an hour before; None where that cannot be said.
    """

    parameter: Parameter
    taken_ms: int | None
    value: float | None
    flag: Flag
    why: Why
    is_stale: bool
    limit: Limit | None
    unproven: Limit | None
    trend: Trend | None

    @property
    def is_outside(self) -> bool:
        """Whether the value lies outside the limit."""
        return self._is_beyond(self.limit)

    @property
    def is_unproven_outside(self) -> bool:
        """Whether the value lies outside a limit that the probe cannot evidence."""
        return self._is_beyond(self.unproven)

    def _is_beyond(self, limit: Limit | None) -> bool:
        if limit is None or self.value is None or not self.flag.is_usable:
            return False
        return is_beyond(limit, self.value)


def newest(store: ReadingStore, water_points: Sequence[str], now: datetime) -> Newest:
    """The newest rows of water points; unknown where the store is away."""
    if not water_points:
        return Newest()
    try:
        found = dict(store.latest(water_points, since=now - _RECENT, until=now))
        silent = [water_point for water_point in water_points if water_point not in found]
        if silent:
            found |= store.latest(silent, since=now - _LONG_AGO, until=now - _RECENT)
    except StoreUnavailable:
        return Newest(is_known=False)
    return Newest(found)


def with_hour_before(rows: Newest, store: ReadingStore, water_points: Sequence[str], now: datetime) -> Newest:
    """The same rows, with those that tell the trend of some of the water points."""
    if not rows.is_known or not water_points:
        return rows
    try:
        return replace(rows, before=store.latest(water_points, since=now - _HOUR_BEFORE, until=now - _HOUR))
    except StoreUnavailable:
        return rows


def reading_views(
    water_point: str,
    rows: Newest,
    *,
    measured: Collection[Parameter],
    limits: Limits,
    now: datetime,
    stale_after_s: float,
) -> Sequence[ReadingView]:
    """Every parameter that a water point has or should have, in the order of the pages."""
    row, before = rows.now.get(water_point), rows.before.get(water_point)
    held = {} if row is None else row.observation.readings
    stale = is_stale(row, now, stale_after_s)
    views = []
    for parameter in Parameter:
        reading = held.get(parameter)
        if reading is None and parameter not in measured:
            continue
        views.append(
            ReadingView(
                parameter,
                taken_ms=None if row is None or reading is None else row.observation.taken_ms,
                value=None if reading is None else reading.value,
                flag=Flag.MISSING if reading is None else reading.flag,
                why=Why.NONE if reading is None else reading.screened.why,
                is_stale=stale or reading is None,
                limit=limits.checked.get(parameter),
                unproven=limits.unproven.get(parameter),
                trend=None if stale else _trend(parameter, row, before),
            )
        )
    return views


def is_stale(row: Row | None, now: datetime, stale_after_s: float) -> bool:
    """Whether a water point was last heard from too long ago, or never."""
    return row is None or to_ms(now) - row.observation.taken_ms > stale_after_s * 1000


def _trend(parameter: Parameter, row: Row | None, before: Row | None) -> Trend | None:
    old, new = _usable(before, parameter), _usable(row, parameter)
    if old is None or new is None or parameter not in _CHANGE:
        return None
    share = _CHANGE_SHARE * abs(old) if parameter in _SHARED else 0.0
    change = max(_CHANGE[parameter], share)
    if abs(new - old) <= change:
        return Trend.STEADY
    return Trend.UP if new > old else Trend.DOWN


def _usable(row: Row | None, parameter: Parameter) -> float | None:
    reading = None if row is None else row.observation.readings.get(parameter)
    return None if reading is None or not reading.flag.is_usable else reading.value
