"""The screens: each reads what it shows and renders it; the fragments are parts of the same templates.

Everything here is synchronous and runs in the thread pool, for the database and the store are.
"""

from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy import func, select

from alerts.lifecycle import Phase
from alerts.ports import Lane
from firmware_config.catalogues import msgid
from server.database.models import AlertRow
from server.web.pages import Visit, VisitDep
from server.web.reader import negotiated
from server.web.site import Site
from server.web.views.alerts import late_alerts, open_alerts, past_alerts
from server.web.views.chart import Range
from server.web.views.custody import quarantined
from server.web.views.overview import overview
from server.web.views.phone import phones
from server.web.views.registry import points
from server.web.views.rules import rules
from server.web.views.water_point import charts, water_point_page

entrance = APIRouter(include_in_schema=False)
router = APIRouter(prefix="/{language}", include_in_schema=False, default_response_class=HTMLResponse)
_RANGES = {Range.DAY: msgid("24 hours"), Range.WEEK: msgid("7 days"), Range.MONTH: msgid("30 days")}
_NOT_FOUND = 404


class Asked(BaseModel):
    """Which water points a reader wants to see."""

    municipality: str = Field("", max_length=40)
    q: str = Field("", max_length=60)
    page: int = Field(1, ge=1, le=10_000)

    def query(self, page: int | None = None) -> str:
        """The question mark and what follows it in an address, of this page of the list or of another."""
        asked = self.model_copy(update={"page": page or self.page}).model_dump(exclude_defaults=True)
        return f"?{urlencode(asked)}" if asked else ""


@entrance.get("/")
def to_own_language(request: Request) -> Response:
    """Send a reader to the pages in their language."""
    language = negotiated(request.headers.get("accept-language", ""))
    return RedirectResponse(f"/{language}/", status_code=302, headers={"Vary": "Accept-Language"})


@router.get("/")
def overview_page(visit: VisitDep, asked: Annotated[Asked, Query()]) -> Response:
    """All water points by urgency, with the map."""
    return _page(visit, "overview", **_overview(visit, asked))


@router.get("/fragments/overview")
def overview_fragment(visit: VisitDep, asked: Annotated[Asked, Query()]) -> Response:
    """The list of water points."""
    return visit.fragment("_overview.html", **_overview(visit, asked))


@router.get("/water-points/{water_point}")
def water_point_screen(
    visit: VisitDep, water_point: str, span: Annotated[str, Query(alias="range")] = Range.DAY
) -> Response:
    """One water point in full."""
    now = visit.site.now()
    shown = next((choice for choice in Range if choice == span), Range.DAY)
    page = water_point_page(visit.site, water_point, now)
    return _page(
        visit,
        "water_point",
        page=page,
        charts=charts(visit.site, page.view, span=shown, now=now),
        span=shown,
        span_ms=shown.span // timedelta(milliseconds=1),
        ranges={choice: visit.reader.say(text) for choice, text in _RANGES.items()},
    )


@router.get("/fragments/water-point/{water_point}/now")
def water_point_now(visit: VisitDep, water_point: str) -> Response:
    """How a water point stands."""
    page = water_point_page(visit.site, water_point, visit.site.now())
    return visit.fragment("_water_point_now.html", page=page)


@router.get("/fragments/water-point/{water_point}/record")
def water_point_record(visit: VisitDep, water_point: str) -> Response:
    """The alerts of a water point, who was told, and its devices."""
    page = water_point_page(visit.site, water_point, visit.site.now())
    return visit.fragment("_water_point_record.html", page=page)


@router.get("/alerts")
def alerts_page(visit: VisitDep) -> Response:
    """Alerts under way and lifted."""
    return _page(visit, "alerts", **_alerts(visit.site))


@router.get("/fragments/alerts")
def alerts_fragment(visit: VisitDep) -> Response:
    """The list of alerts."""
    return visit.fragment("_alerts.html", **_alerts(visit.site))


@router.get("/fragments/alert-count")
def alert_count(visit: VisitDep) -> Response:
    """How many alerts are under way."""
    return visit.fragment("_alert_count.html", open_alerts=_under_way(visit.site))


@router.get("/phone")
def phone_page(visit: VisitDep) -> Response:
    """The on-screen phones of the demo."""
    return _page(visit, "phone", **_phones(visit.site))


@router.get("/fragments/phone")
def phone_fragment(visit: VisitDep) -> Response:
    """The row of phones."""
    return visit.fragment("_phones.html", **_phones(visit.site))


@router.get("/quarantine")
def quarantine_page(visit: VisitDep) -> Response:
    """What could not be taken in."""
    with visit.site.database.reading() as connection:
        found = quarantined(connection)
    return _page(visit, "quarantine", quarantined=found)


def _page(visit: Visit, name: str, **shown: Any) -> Response:
    return visit.page(f"{name}.html", current=name, open_alerts=_under_way(visit.site), **shown)


def _under_way(site: Site) -> int:
    phases = [phase for phase in Phase if phase.is_open]
    query = select(func.count()).where(AlertRow.lane == Lane.LIVE, AlertRow.phase.in_(phases))
    with site.database.reading() as connection:
        return connection.scalar(query) or 0


def _overview(visit: Visit, asked: Asked) -> dict[str, Any]:
    site, text = visit.site, asked.q.strip()
    found = overview(site, site.now(), municipality=asked.municipality, text=text, page=asked.page)
    places = [
        (view.point.id, visit.reader.name_of(view.point.names), view.state, view.point.lat, view.point.lon)
        for view in found.points
    ]
    return {"overview": found, "asked": asked, "places": places}


def _alerts(site: Site) -> dict[str, Any]:
    with site.database.reading() as connection:
        known = rules(connection)
        return {
            "under_way": open_alerts(connection, known),
            "late": late_alerts(connection, known),
            "past": past_alerts(connection, known),
            "names": {point.id: point.names for point in points(connection)},
        }


def _phones(site: Site) -> dict[str, Any]:
    if not site.settings.has_phone:
        raise HTTPException(_NOT_FOUND)
    with site.database.reading() as connection:
        return {"phones": phones(connection)}
