"""Every water point by urgency, of a municipality or of all.

All are judged, for the map and the counts; only a page of the list is told of in full, so that a thousand water
points cost a reader no more than forty.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from server.web.site import Site
from server.web.views.advisories import AdvisoryView, advisories
from server.web.views.readings import newest, with_hour_before
from server.web.views.registry import Place, Point, municipalities, points
from server.web.views.standing import PointView, facts, point_view
from server.web.words import PointState

MANY = 40  # water points on one page of the list


@dataclass(frozen=True, slots=True)
class Overview:
    """All water points that were asked for.

    Attributes:
        points: all of them, most urgent first, then by municipality and id; without trends.
        shown: those on this page of the list, with trends.
        first: place of the first shown one in the whole list, from 1.
        municipalities: all of them, to choose from.
        counts: how many stand how, most urgent first.
        has_values: whether the store could be asked.
        advisories: what people are told by an authority, by water point.
    """

    points: Sequence[PointView]
    shown: Sequence[PointView]
    first: int
    municipalities: Sequence[Place]
    counts: Mapping[PointState, int]
    has_values: bool
    advisories: Mapping[str, Sequence[AdvisoryView]]

    @property
    def last(self) -> int:
        """Place of the last shown one in the whole list."""
        return self.first + len(self.shown) - 1


def overview(
    site: Site, now: datetime, *, municipality: str = "", text: str = "", page: int = 1, many: int = MANY
) -> Overview:
    """The water points of a municipality (or of all) whose name or id holds a text (or any).

    Args:
        site: the parts to ask.
        now: the time of the water.
        municipality: id of a municipality; "" for all.
        text: part of a name in any language, or of an id; "" for any.
        page: page of the list, from 1; one that is not there gives the last.
        many: how many are told of in full.

    Raises:
        DatabaseUnavailable: mended by time.
    """
    with site.database.reading() as connection:
        wanted = [point for point in points(connection) if _is_wanted(point, municipality, text)]
        places = municipalities(connection)
        known = facts(connection, now)
        told = advisories(connection, now)
    rows = newest(site.store, [point.id for point in wanted], now)
    stale_after_s = site.settings.stale_after_s
    views = [point_view(point, rows, known, now=now, stale_after_s=stale_after_s) for point in wanted]
    views.sort(key=lambda view: (view.state.rank, view.point.municipality.id, view.point.id))
    start = max(0, min((page - 1) * many, (len(views) - 1) // many * many))
    chosen = [view.point for view in views[start : start + many]]
    rows = with_hour_before(rows, site.store, [point.id for point in chosen], now)
    counts = Counter(view.state for view in views)
    return Overview(
        points=views,
        shown=[point_view(point, rows, known, now=now, stale_after_s=stale_after_s) for point in chosen],
        first=start + 1,
        municipalities=places,
        counts={state: counts[state] for state in PointState if counts[state]},
        has_values=rows.is_known,
        advisories=told,
    )


def _is_wanted(point: Point, municipality: str, text: str) -> bool:
    return municipality in ("", point.municipality.id) and (not text or point.is_called(text))
