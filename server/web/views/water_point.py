"""All that the page of one water point shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from server.web.site import Site
from server.web.views.advisories import AdvisoryView, advisories
from server.web.views.alerts import AlertView, late_alerts, past_alerts
from server.web.views.chart import ChartView, Range, chart_view
from server.web.views.custody import Completeness, completeness
from server.web.views.readings import newest, with_hour_before
from server.web.views.registry import Served, point, served
from server.web.views.standing import Facts, PointView, facts, point_view


@dataclass(frozen=True, slots=True)
class WaterPointPage:
    """One water point in full.

    Attributes:
        view: how it stands.
        open_alerts: what is under way there.
        late: what was found there in data that came late, newest first.
        past: what was lifted, newest first.
        served: the devices that serve or served it, newest first.
        completeness: what became of all that these devices recorded.
        has_values: whether the store could be asked.
        advisories: what people there are told by an authority.
    """

    view: PointView
    open_alerts: Sequence[AlertView]
    late: Sequence[AlertView]
    past: Sequence[AlertView]
    served: Sequence[Served]
    completeness: Sequence[Completeness]
    has_values: bool
    advisories: Sequence[AdvisoryView]


def water_point_page(site: Site, water_point: str, now: datetime) -> WaterPointPage:
    """Read one water point.

    Raises:
        UnknownWaterPoint: mended by nobody.
        DatabaseUnavailable: mended by time.
    """
    with site.database.reading() as connection:
        place = point(connection, water_point)
        known = facts(connection, now, water_point=water_point)
        late = late_alerts(connection, known.rules, water_point=water_point)
        past = past_alerts(connection, known.rules, water_point=water_point)
        devices = served(connection, water_point)
        counts = completeness(connection, [device.device for device in devices])
        told = advisories(connection, now, water_point).get(water_point, ())
    rows = with_hour_before(newest(site.store, [water_point], now), site.store, [water_point], now)
    view = point_view(place, rows, known, now=now, stale_after_s=site.settings.stale_after_s)
    alerts = known.alerts.get(water_point, ())
    return WaterPointPage(view, alerts, late, past, devices, counts, rows.is_known, told)


def charts(site: Site, view: PointView, *, span: Range, now: datetime) -> Sequence[ChartView]:
    """A chart of every parameter of a water point."""
    return [
        chart_view(site.store, view.point.id, reading.parameter, reading.limit, span=span, now=now)
        for reading in view.readings
    ]


def facts_of(site: Site, water_point: str, now: datetime) -> Facts:
    """The facts of a water point that is sure to exist.

    Raises:
        UnknownWaterPoint: mended by nobody.
        DatabaseUnavailable: mended by time.
    """
    with site.database.reading() as connection:
        point(connection, water_point)
        return facts(connection, now, water_point=water_point)
