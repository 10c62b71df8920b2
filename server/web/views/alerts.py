"""Alerts as the pages show them: what stands open, what was, who was told and what became of each text.

A telephone number leaves this module masked.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, not_, select, tuple_

from alerts.lifecycle import Phase
from alerts.ports import Fate, Kind, Lane
from alerts.rules import Role
from server.database.models import AlertRow, NotificationRow, TransitionRow
from server.database.people_models import Person
from server.registry.reserved import is_real
from server.web.views.rules import RuleFacts
from waterquality.languages import Language
from waterquality.limits import Limit

_SHOWN_DIGITS = 2
_SHOWN_PREFIX = 4
_OPEN = (Phase.FIRING, Phase.UNKNOWN, Phase.RECOVERING, Phase.PENDING)  # most urgent first
_MANY_PAST = 50


@dataclass(frozen=True, slots=True)
class Told:
    """One text to one person, and what became of it.

    Attributes:
        kind: what it says.
        role: who the person is; None where they are no longer registered.
        language: the language it is in.
        masked: the telephone number with its middle hidden.
        text: as sent.
        fate: its fate so far.
        detail: what the gateway said, where it said something.
        at_ms: when its fate was last learned, or when it became owed.
    """

    kind: Kind
    role: Role | None
    language: Language
    masked: str
    text: str
    fate: Fate
    detail: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class AlertView:
    """One episode of an alert.

    Attributes:
        rule: which rule it broke.
        water_point: where.
        lane: about now, or found in data that came late.
        episode: its number.
        phase: where it stands.
        since_ms: since when it stands so.
        began_ms: when the episode began; None where that is not recorded.
        value: the value farthest beyond the limit; None where there is none.
        told: the texts of the episode, oldest first.
    """

    rule: RuleFacts
    water_point: str
    lane: Lane
    episode: int
    phase: Phase
    since_ms: int
    began_ms: int | None
    value: float | None
    told: tuple[Told, ...] = ()

    @property
    def anchor(self) -> str:
        """An id of it that is the same on every page."""
        turn = "pending" if self.phase is Phase.PENDING else self.episode
        return f"alert-{self.water_point}-{self.rule.id}-{self.lane}-{turn}"

    @property
    def limit(self) -> Limit | None:
        """What its extreme value lies beyond; None where it is about no limit."""
        return self.rule.limit_beside(self.value)

    @property
    def is_open(self) -> bool:
        """Whether it is under way or being confirmed."""
        return self.phase in _OPEN


def open_alerts(
    connection: Connection, rules: Mapping[str, RuleFacts], *, water_point: str = ""
) -> Sequence[AlertView]:
    """Alerts about now, most urgent first, then newest first; of one water point, or of all."""
    return _standing_in(Lane.LIVE, connection, rules, water_point)


def late_alerts(
    connection: Connection, rules: Mapping[str, RuleFacts], *, water_point: str = ""
) -> Sequence[AlertView]:
    """What was found in data that came late, newest first; nothing tells when it ended, so it stays."""
    found = _standing_in(Lane.LATE, connection, rules, water_point)
    return sorted(found, key=lambda alert: -alert.since_ms)[:_MANY_PAST]


def _standing_in(
    lane: Lane, connection: Connection, rules: Mapping[str, RuleFacts], water_point: str
) -> Sequence[AlertView]:
    query = select(AlertRow).where(AlertRow.lane == lane, AlertRow.phase.in_(_OPEN))
    found = [
        _standing(row, rules) for row in connection.execute(_at(query, AlertRow.water_point_id, water_point))
    ]
    found.sort(key=lambda alert: (_OPEN.index(alert.phase), -alert.since_ms))
    return _with_told(connection, found)


def past_alerts(
    connection: Connection,
    rules: Mapping[str, RuleFacts],
    *,
    water_point: str = "",
    at_most: int = _MANY_PAST,
) -> Sequence[AlertView]:
    """Alerts that were lifted, newest first; of one water point, or of all."""
    ended = select(TransitionRow).where(TransitionRow.after == Phase.RESOLVED)
    query = _at(ended, TransitionRow.water_point_id, water_point)
    rows = connection.execute(
        query.order_by(TransitionRow.at_ms.desc(), TransitionRow.id.desc()).limit(at_most)
    ).all()
    fired = _fired(connection, [_episode_key(row) for row in rows])
    return _with_told(connection, [_ended(row, fired.get(_episode_key(row)), rules) for row in rows])


def masked(address: str) -> str:
    """A telephone number with all but its country code and last digits hidden."""
    hidden = len(address) - _SHOWN_PREFIX - _SHOWN_DIGITS
    return (
        address[:_SHOWN_PREFIX] + "•" * max(0, hidden) + address[-_SHOWN_DIGITS:]
        if hidden > 0
        else "•" * len(address)
    )


_EpisodeKey = tuple[str, str, str, int]


def _episode_key(row: Any) -> _EpisodeKey:
    return (row.rule_id, row.water_point_id, row.lane, row.episode)


def _at(query: Select[Any], column: Any, water_point: str) -> Select[Any]:
    return query.where(column == water_point if water_point else is_real(column))


def _standing(row: Any, rules: Mapping[str, RuleFacts]) -> AlertView:
    return AlertView(
        rule=rules.get(row.rule_id) or RuleFacts(row.rule_id),
        water_point=row.water_point_id,
        lane=Lane(row.lane),
        episode=row.episode,
        phase=Phase(row.phase),
        since_ms=row.since_ms,
        began_ms=row.breached_ms,
        value=row.peak,
    )


def _ended(row: Any, fired: Any, rules: Mapping[str, RuleFacts]) -> AlertView:
    return AlertView(
        rule=rules.get(row.rule_id) or RuleFacts(row.rule_id),
        water_point=row.water_point_id,
        lane=Lane(row.lane),
        episode=row.episode,
        phase=Phase.RESOLVED,
        since_ms=row.at_ms,
        began_ms=None if fired is None else fired.at_ms,
        value=row.value,
    )


def _fired(connection: Connection, keys: Sequence[_EpisodeKey]) -> Mapping[_EpisodeKey, Any]:
    """The transition that raised each episode."""
    query = (
        select(TransitionRow)
        .where(TransitionRow.after == Phase.FIRING)
        .where(_is_one_of(TransitionRow, keys))
    )
    found: dict[_EpisodeKey, Any] = {}
    for row in connection.execute(query.order_by(TransitionRow.at_ms)):
        found.setdefault(_episode_key(row), row)
    return found


def _with_told(connection: Connection, found: Sequence[AlertView]) -> Sequence[AlertView]:
    """The same alerts, each with its texts."""
    keys = [(alert.rule.id, alert.water_point, str(alert.lane), alert.episode) for alert in found]
    rows = connection.execute(
        select(NotificationRow, Person.role)
        .outerjoin(Person, Person.id == NotificationRow.person_id)
        .where(_is_one_of(NotificationRow, keys), _is_told(NotificationRow))
        .order_by(NotificationRow.owed_ms, NotificationRow.id)
    )
    texts: defaultdict[_EpisodeKey, list[Told]] = defaultdict(list)
    for row in rows:
        texts[_episode_key(row)].append(_told(row))
    # An alert that is being confirmed still bears the number of the episode before, and has told nobody.
    return [
        alert if alert.phase is Phase.PENDING else replace(alert, told=tuple(texts[key]))
        for alert, key in zip(found, keys, strict=True)
    ]


def _is_told(table: type[NotificationRow]) -> ColumnElement[bool]:
    """Whether a text was sent or is to be: one that waits for a later turn may never be needed."""
    waits = and_(table.ends_with_acknowledgement, table.fate == str(Fate.QUEUED), table.attempts == 0)
    return and_(table.fate != str(Fate.DROPPED), not_(waits))


def _told(row: Any) -> Told:
    return Told(
        kind=Kind(row.kind),
        role=None if row.role is None else Role(row.role),
        language=Language(row.language),
        masked=masked(row.address),
        text=row.text,
        fate=Fate(row.fate),
        detail=row.detail,
        at_ms=row.settled_ms or row.handed_ms or row.owed_ms,
    )


def _is_one_of(
    table: type[TransitionRow | NotificationRow], keys: Sequence[_EpisodeKey]
) -> ColumnElement[bool]:
    columns = tuple_(table.rule_id, table.water_point_id, table.lane, table.episode)
    return columns.in_(keys)
