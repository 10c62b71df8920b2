"""The API, version 1: it only reads."""

from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi import Path as PathParameter
from pydantic import AwareDatetime
from sqlalchemy import select

from server.api import answers
from server.api.schemas import (
    AlertsOut,
    ChartOut,
    CompletenessListOut,
    DayCompletenessListOut,
    Problem,
    WaterPointDetailOut,
    WaterPointsOut,
)
from server.database.models import Device
from server.ingest.completeness import accounts, days_of
from server.ingest.days import date_of, day_of
from server.web.site import SiteDep
from server.web.views.alerts import late_alerts, open_alerts, past_alerts
from server.web.views.custody import completeness
from server.web.views.overview import overview
from server.web.views.rules import rules
from server.web.views.water_point import facts_of, water_point_page
from waterquality.parameters import Parameter
from waterquality.readings import to_ms

_LONGEST = timedelta(days=2 * 366)
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_ALL = 100_000  # water points in one answer
_ERRORS: dict[int | str, dict[str, object]] = {
    404: {"model": Problem, "description": "There is no such water point or device."},
    503: {"model": Problem, "description": "The database or the store cannot be asked now; try again later."},
}
router = APIRouter(prefix="/api/v1", tags=["water"], responses={503: _ERRORS[503]})
Municipality = Annotated[
    str, Query(max_length=40, description="Id of a municipality; all where it is left out.")
]
DeviceId = Annotated[str, Query(max_length=16, description="Id of a device; all where it is left out.")]
Text = Annotated[str, Query(max_length=60, description="Part of a name in any language, or of an id.")]
At = Annotated[AwareDatetime | None, Query(description="ISO 8601 with an offset.")]


@router.get("/water-points")
def water_points(site: SiteDep, municipality: Municipality = "", q: Text = "") -> WaterPointsOut:
    """Every water point with its newest readings, most urgent first."""
    return answers.water_points(
        overview(site, site.now(), municipality=municipality, text=q.strip(), many=_ALL)
    )


@router.get("/water-points/{water_point}", responses={404: _ERRORS[404]})
def one_water_point(site: SiteDep, water_point: str) -> WaterPointDetailOut:
    """One water point with its devices and alerts."""
    return answers.detail(water_point_page(site, water_point, site.now()))


@router.get("/water-points/{water_point}/chart", responses={404: _ERRORS[404]})
def chart(
    site: SiteDep,
    water_point: str,
    parameter: Parameter,
    *,
    since: At = None,
    until: At = None,
    pixels: Annotated[int, Query(ge=1, le=4000, description="At most so many entries.")] = 800,
) -> ChartOut:
    """A parameter over [since, until): the last day where they are left out, two years at most."""
    now = site.now()
    end = until or now
    begin = since or end - _DAY
    _check_span(begin, end)
    limit = facts_of(site, water_point, now).limits(water_point).checked.get(parameter)
    points = site.store.chart(water_point, parameter, since=begin, until=end, pixels=pixels)
    return answers.chart(water_point, parameter, limit, points, since=begin, until=end)


@router.get("/alerts")
def alerts(site: SiteDep, water_point: Annotated[str, Query(max_length=60)] = "") -> AlertsOut:
    """Alerts of one water point or of all."""
    with site.database.reading() as connection:
        known = rules(connection)
        return answers.alerts(
            open_alerts(connection, known, water_point=water_point),
            late_alerts(connection, known, water_point=water_point),
            past_alerts(connection, known, water_point=water_point),
        )


@router.get("/completeness")
def completeness_of_all(site: SiteDep, device: DeviceId = "") -> CompletenessListOut:
    """What became of everything that was ever recorded."""
    with site.database.reading() as connection:
        return answers.completeness(completeness(connection, [device] if device else None))


@router.get("/completeness/{device}/days", responses={404: _ERRORS[404]})
def completeness_by_day(
    site: SiteDep,
    device: Annotated[str, PathParameter(max_length=16)],
    since: Annotated[
        date | None, Query(description="The first day in Tbilisi; the last week without it.")
    ] = None,
) -> DayCompletenessListOut:
    """What became of everything that a device recorded, day by day."""
    with site.database.reading() as connection:
        if connection.scalar(select(Device.id).where(Device.id == device)) is None:
            raise HTTPException(404, f"no device {device!r} is registered")
        first = since or date_of(day_of(to_ms(site.now() - _WEEK)))
        return answers.completeness_by_day(days_of(connection, accounts(connection, [device]), first))


def _check_span(begin: datetime, end: datetime) -> None:
    if not timedelta(0) < end - begin <= _LONGEST:
        raise HTTPException(422, "`until` must come after `since`, by two years at most")
