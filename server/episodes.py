"""The episodes of alerts as a person asks for them: since when, who took it on and how soon, how it ended."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from alerts.lifecycle import Phase
from alerts.ports import AlertKey, Lane
from server.database.models import AcknowledgementRow, AlertRow, NotificationRow, TransitionRow
from server.owing import is_of, is_same_episode

_OPEN = [str(phase) for phase in Phase if phase.is_open]
_NEWEST = 1000


@dataclass(frozen=True, slots=True)
class Episode:
    """The newest episode of an alert about now.

    Attributes:
        key: the alert.
        episode: its number.
        phase: where it stands.
        began_ms: when it fired, event time, milliseconds since 1970.
        acknowledged_by: who took it on; "" while nobody has.
        acknowledged_ms: when; None while nobody has.
        ended_ms: when it was resolved, event time; None while it was not.
    """

    key: AlertKey
    episode: int
    phase: Phase
    began_ms: int
    acknowledged_by: str
    acknowledged_ms: int | None
    ended_ms: int | None


def episodes(connection: Connection, *, only_open: bool) -> list[Episode]:
    """The newest episode of each alert, the newest first."""
    alert, change, taken = AlertRow, TransitionRow, AcknowledgementRow
    fired = func.min(change.at_ms)
    query = (
        select(alert.__table__, fired.label("began_ms"), func.max(taken.by), func.max(taken.at_ms))
        .join(change, is_same_episode(change, alert))
        .outerjoin(taken, is_same_episode(taken, alert))
        .where(alert.lane == str(Lane.LIVE), alert.episode > 0, change.after == str(Phase.FIRING))
        .group_by(*alert.__table__.columns)
        .order_by(fired.desc())
        .limit(_NEWEST)
    )
    if only_open:
        query = query.where(alert.phase.in_(_OPEN))
    return [_episode(row) for row in connection.execute(query)]


def texts_of(connection: Connection, key: AlertKey, episode: int) -> list[dict[str, Any]]:
    """The texts of an episode, in the order in which they were or will be sent."""
    row = NotificationRow
    columns = (
        row.person_id,
        row.kind,
        row.fate,
        row.owed_ms,
        row.due_ms,
        row.settled_ms,
        row.held,
        row.detail,
    )
    at_ms = func.coalesce(row.due_ms, row.settled_ms, row.owed_ms)
    query = select(*columns).where(is_of(row, key), row.episode == episode).order_by(at_ms, row.id)
    names = ("person", "kind", "fate", "owed_ms", "due_ms", "settled_ms", "held", "detail")
    return [dict(zip(names, found, strict=True)) for found in connection.execute(query)]


def _episode(row: Any) -> Episode:
    phase = Phase(row.phase)
    *_, began_ms, by, at_ms = row
    ended_ms = row.ended_ms if not phase.is_open else None
    return Episode(
        AlertKey(row.rule_id, row.water_point_id), row.episode, phase, began_ms, by or "", at_ms, ended_ms
    )
