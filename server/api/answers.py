"""From what the pages know to what the API answers with."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from server.api.schemas import (
    AlertOut,
    AlertsOut,
    ChartOut,
    CompletenessListOut,
    CompletenessOut,
    DayCompletenessListOut,
    DayCompletenessOut,
    LimitOut,
    MunicipalityOut,
    ReadingOut,
    StayOut,
    ToldOut,
    WaterPointDetailOut,
    WaterPointOut,
    WaterPointsOut,
)
from server.ingest.completeness import DayAccount
from server.store.port import ChartPoint
from server.web.views.alerts import AlertView, Told
from server.web.views.custody import Completeness
from server.web.views.overview import Overview
from server.web.views.readings import ReadingView
from server.web.views.registry import Served
from server.web.views.standing import PointView
from server.web.views.water_point import WaterPointPage
from waterquality.limits import Limit
from waterquality.parameters import SPECS, Parameter
from waterquality.readings import from_ms


def water_points(shown: Overview) -> WaterPointsOut:
    """All water points that were asked for."""
    return WaterPointsOut(has_values=shown.has_values, water_points=[_point(view) for view in shown.shown])


def detail(page: WaterPointPage) -> WaterPointDetailOut:
    """One water point in full."""
    return WaterPointDetailOut(
        **_point(page.view).model_dump(),
        has_values=page.has_values,
        devices=[_stay(stay) for stay in page.served],
        alerts=alerts(page.open_alerts, page.late, page.past),
    )


def alerts(
    under_way: Sequence[AlertView], late: Sequence[AlertView], lifted: Sequence[AlertView]
) -> AlertsOut:
    """Alerts about now, found late, and lifted."""
    return AlertsOut(
        under_way=[_alert(one) for one in under_way],
        late=[_alert(one) for one in late],
        lifted=[_alert(one) for one in lifted],
    )


def chart(
    water_point: str,
    parameter: Parameter,
    limit: Limit | None,
    points: Sequence[ChartPoint],
    *,
    since: datetime,
    until: datetime,
) -> ChartOut:
    """A parameter over time, as lists that run in step."""
    return ChartOut(
        water_point=water_point,
        parameter=parameter,
        unit=SPECS[parameter].unit,
        since=since,
        until=until,
        limit=_limit(limit),
        at_ms=[point.at_ms for point in points],
        low=[point.low for point in points],
        mean=[point.mean for point in points],
        high=[point.high for point in points],
        flag=[point.flag for point in points],
        count=[point.count for point in points],
    )


def completeness(counts: Sequence[Completeness]) -> CompletenessListOut:
    """The completeness ledger."""
    return CompletenessListOut(devices=[_completeness(count) for count in counts])


def completeness_by_day(days: Iterable[DayAccount]) -> DayCompletenessListOut:
    """The completeness ledger by day."""
    return DayCompletenessListOut(
        days=[
            DayCompletenessOut(
                device=each.device,
                epoch=each.epoch,
                day=each.on,
                **each.fates.counts,
                adds_up=each.fates.adds_up,
            )
            for each in days
        ]
    )


def _completeness(count: Completeness) -> CompletenessOut:
    return CompletenessOut(
        device=count.device,
        epoch=count.epoch,
        appended=count.appended,
        stored=count.stored,
        noted=count.noted,
        quarantined=count.quarantined,
        gaps=count.gaps,
        missing=count.missing,
        in_outbox=count.in_outbox,
        unaccounted=count.unaccounted,
        adds_up=count.adds_up,
        through=count.through,
        held=count.held,
        updated_at=from_ms(count.updated_ms),
    )


def _point(view: PointView) -> WaterPointOut:
    place = view.point.municipality
    return WaterPointOut(
        id=view.point.id,
        names=dict(view.point.names),
        municipality=MunicipalityOut(id=place.id, names=dict(place.names)),
        lat=view.point.lat,
        lon=view.point.lon,
        state=view.state,
        heard_at=_instant(view.heard_ms),
        readings=[_reading(reading) for reading in view.readings],
    )


def _reading(reading: ReadingView) -> ReadingOut:
    return ReadingOut(
        parameter=reading.parameter,
        unit=SPECS[reading.parameter].unit,
        taken_at=_instant(reading.taken_ms),
        value=reading.value,
        flag=reading.flag,
        why=reading.why,
        is_stale=reading.is_stale,
        limit=_limit(reading.limit),
        trend=reading.trend,
    )


def _stay(stay: Served) -> StayOut:
    return StayOut(
        device=stay.device,
        is_online=stay.is_online,
        heard_at=_instant(stay.heard_ms),
        since=from_ms(stay.since_ms),
        until=_instant(stay.until_ms),
    )


def _alert(alert: AlertView) -> AlertOut:
    return AlertOut(
        rule=alert.rule.id,
        water_point=alert.water_point,
        lane=alert.lane,
        episode=alert.episode,
        phase=alert.phase,
        since=from_ms(alert.since_ms),
        began_at=_instant(alert.began_ms),
        value=alert.value if alert.rule.parameter else None,
        limit=_limit(alert.limit),
        told=[_told(told) for told in alert.told],
    )


def _told(told: Told) -> ToldOut:
    return ToldOut(
        kind=told.kind, role=told.role, language=told.language, fate=told.fate, at=from_ms(told.at_ms)
    )


def _limit(limit: Limit | None) -> LimitOut | None:
    return None if limit is None else LimitOut.model_validate(limit)


def _instant(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else from_ms(at_ms)
