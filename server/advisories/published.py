"""What was published of advisories, for those who read the feed: messages only, never a proposal."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select

from alerts.advisories.feed import FeedEntry
from alerts.advisories.record import Phase
from server.database.advisory_models import AdvisoryRow, CapMessageRow
from server.database.models import WaterPoint
from waterquality.languages import Language
from waterquality.readings import from_ms, to_ms

_TOLD_FOR = timedelta(days=30)
_MOST = 500


def messages(
    connection: Connection, now: datetime, *, municipality: str = "", language: Language
) -> Sequence[FeedEntry]:
    """Messages of the last month, and all of what is still in force; newest first, 500 at most."""
    recent = CapMessageRow.sent_ms >= to_ms(now - _TOLD_FOR)
    query = (
        select(CapMessageRow.__table__)
        .join(AdvisoryRow, AdvisoryRow.id == CapMessageRow.advisory_id)
        .where(or_(recent, AdvisoryRow.phase == str(Phase.IN_FORCE)))
        .order_by(CapMessageRow.sent_ms.desc(), CapMessageRow.advisory_id.desc(), CapMessageRow.number.desc())
        .limit(_MOST)
    )
    if municipality:
        query = query.join(WaterPoint, WaterPoint.id == CapMessageRow.water_point_id).where(
            WaterPoint.municipality_id == municipality
        )
    return [
        FeedEntry(row.identifier, row.sender, row.headlines[language], from_ms(row.sent_ms))
        for row in connection.execute(query)
    ]


def message(connection: Connection, identifier: str) -> str | None:
    """A message as it went out; None where there is none."""
    return connection.scalar(select(CapMessageRow.xml).where(CapMessageRow.identifier == identifier))
