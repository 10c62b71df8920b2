"""Every water point by urgency, of a municipality or of all."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from server.web.site import Site
from server.web.views.readings import newest
from server.web.views.registry import Place, Point, municipalities, points
from server.web.views.standing import PointView, facts, point_view
from server.web.words import PointState


@dataclass(frozen=True, slots=True)
class Overview:
    """All water points that were asked for.

    Attributes:
        points: most urgent first, then by municipality and id.
        municipalities: all of them, to choose from.
        counts: how many stand how, most urgent first.
        has_values: whether the store could be asked.
    """

    points: Sequence[PointView]
    municipalities: Sequence[Place]
    counts: Mapping[PointState, int]
    has_values: bool


def overview(site: Site, now: datetime, *, municipality: str = "", text: str = "") -> Overview:
    """The water points of a municipality (or of all) whose name or id holds a text (or any).

    Raises:
        DatabaseUnavailable: mended by time.
    """
    with site.database.reading() as connection:
        wanted = [point for point in points(connection) if _is_wanted(point, municipality, text)]
        places = municipalities(connection)
        known = facts(connection, now)
    rows = newest(site.store, [point.id for point in wanted], now)
    stale_after_s = site.settings.stale_after_s
    views = [point_view(point, rows, known, now=now, stale_after_s=stale_after_s) for point in wanted]
    views.sort(key=lambda view: (view.state.rank, view.point.municipality.id, view.point.id))
    counts = Counter(view.state for view in views)
    return Overview(
        views, places, {state: counts[state] for state in PointState if counts[state]}, rows.is_known
    )


def _is_wanted(point: Point, municipality: str, text: str) -> bool:
    return municipality in ("", point.municipality.id) and (not text or point.is_called(text))
