"""How a water point stands: one word, with the readings and alerts behind it.

**Invariants**: what lies beyond a limit that the probe cannot evidence raises no alert, and is not called normal
either. Unknown is never normal. No recent reading, a failed or unchecked one, or a store that cannot
be asked gives SILENT or UNKNOWN, and an alert under way outranks them all.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from alerts.lifecycle import Phase
from server.web.views.alerts import AlertView, open_alerts
from server.web.views.readings import Newest, ReadingView, is_stale, reading_views
from server.web.views.registry import Point, measured
from server.web.views.rules import NO_LIMITS, Limits, RuleFacts, limits_everywhere, rules
from server.web.words import PointState
from waterquality.flags import Flag
from waterquality.limits import Capability
from waterquality.parameters import Parameter
from waterquality.readings import to_ms

_STATE_OF_PHASE = {
    Phase.FIRING: PointState.FIRING,
    Phase.UNKNOWN: PointState.UNKNOWN,
    Phase.RECOVERING: PointState.RECOVERING,
    Phase.PENDING: PointState.PENDING,
}
_NO_CLAIM = (Flag.UNKNOWN, Flag.FAIL, Flag.MISSING)


@dataclass(frozen=True, slots=True)
class PointView:
    """A water point as the pages show it.

    Attributes:
        point: which one.
        state: how it stands.
        heard_ms: when its newest observation was taken; None where none is known.
        readings: its newest readings.
        alerts: its open alerts about now, most urgent first.
    """

    point: Point
    state: PointState
    heard_ms: int | None
    readings: Sequence[ReadingView]
    alerts: Sequence[AlertView]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the registry and the ledger say at one moment.

    Attributes:
        alerts: open alerts by water point, most urgent first.
        measured: what the probes at each water point measure and can show.
        rules: every rule by id.
        under_way: how many alerts are under way everywhere.
        limits_by_point: the limits where something is measured, by water point.
    """

    alerts: Mapping[str, Sequence[AlertView]]
    measured: Mapping[str, Mapping[Parameter, Capability | None]]
    rules: Mapping[str, RuleFacts]
    under_way: int
    limits_by_point: Mapping[str, Limits]

    def limits(self, water_point: str) -> Limits:
        """What each parameter of a water point is held against, and what it cannot be held against."""
        return self.limits_by_point.get(water_point, NO_LIMITS)


def facts(connection: Connection, now: datetime, *, water_point: str = "") -> Facts:
    """Read the facts of one water point, or of all."""
    known = rules(connection)
    by_point: defaultdict[str, list[AlertView]] = defaultdict(list)
    found = open_alerts(connection, known, water_point=water_point)
    for alert in found:
        by_point[alert.water_point].append(alert)
    under_way = sum(alert.phase.is_open for alert in found)
    probes = measured(connection, to_ms(now))
    return Facts(by_point, probes, known, under_way, limits_everywhere(known.values(), probes))


def point_view(point: Point, rows: Newest, known: Facts, *, now: datetime, stale_after_s: float) -> PointView:
    """How a water point stands.

    Args:
        point: which one.
        rows: the newest rows of it, among others.
        known: what the registry and the ledger say.
        now: the time of the water.
        stale_after_s: age in seconds beyond which a reading counts as unknown.
    """
    readings = reading_views(
        point.id,
        rows,
        measured=known.measured.get(point.id, {}),
        limits=known.limits(point.id),
        now=now,
        stale_after_s=stale_after_s,
    )
    alerts = known.alerts.get(point.id, ())
    row = rows.now.get(point.id)
    states = [_of_alert(alert) for alert in alerts if not alert.rule.is_record]
    states.append(_of_readings(readings, is_silent=rows.is_known and is_stale(row, now, stale_after_s)))
    heard_ms = None if row is None else row.observation.taken_ms
    return PointView(point, min(states, key=lambda state: state.rank), heard_ms, readings, alerts)


def _of_alert(alert: AlertView) -> PointState:
    if alert.rule.is_silence and alert.phase is Phase.FIRING:
        return PointState.SILENT
    return _STATE_OF_PHASE[alert.phase]


def _of_readings(readings: Sequence[ReadingView], *, is_silent: bool) -> PointState:
    if is_silent:
        return PointState.SILENT
    if not readings or any(reading.flag in _NO_CLAIM for reading in readings):
        return PointState.UNKNOWN
    if any(reading.flag is Flag.SUSPECT or reading.is_unproven_outside for reading in readings):
        return PointState.SUSPECT
    return PointState.NORMAL
