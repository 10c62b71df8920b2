"""Registering people: how to reach them, what they want to hear of and when. The same again changes nothing.

What they have agreed to is a matter of its own (`consent`): registering somebody opts nobody in. A number that was
forgotten is not let in again with a list (`forgetting`).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from alerts.recipient import FIRST_TIER, LAST_TIER, TBILISI, QuietHours, Recipient
from alerts.rules import Role, Severity
from server.database.people_models import Person, Subscription
from server.database.statements import upsert
from server.registry.forgetting import NAMELESS, forgotten_on
from waterquality.errors import ConfigError
from waterquality.languages import Language

_HOUR_MIN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """Somebody to text, and what they subscribe to.

    Attributes:
        id: stable id, small letters, digits and hyphens.
        name: for those who keep the list.
        phone: E.164 telephone number.
        language: what they read.
        role: who they are to Tskaro.
        water_points: ids of those they hear of.
        municipalities: ids of those of which they hear of every water point.
        tier: when their turn comes, from 1 (at once) to 3.
        quiet: when they are not to be woken; None: at no time.
        least: the least severity they want to hear of; None: of all.
        is_latin: whether they read their language in Latin letters.
        other_address: an e-mail address or an Apprise URL; "" where they gave none.
    """

    id: str
    name: str
    phone: str
    language: Language
    role: Role
    water_points: tuple[str, ...] = ()
    municipalities: tuple[str, ...] = ()
    tier: int = FIRST_TIER
    quiet: QuietHours | None = None
    least: Severity | None = None
    is_latin: bool = False
    other_address: str = ""


def add_person(connection: Connection, new: NewPerson) -> None:
    """Register a person, or change the one of this id; their subscriptions are those given and no others.

    Raises:
        ConfigError: their id or tier is none, or their number was forgotten; mended by the operator.
    """
    if not FIRST_TIER <= new.tier <= LAST_TIER:
        raise ConfigError(f"{new.id}: tier {new.tier} is none; it is 1 (at once), 2 or 3")
    if new.id.startswith(NAMELESS):
        raise ConfigError(
            f"{new.id}: ids that begin so are those of people who were forgotten; choose another"
        )
    known = connection.scalar(select(Person.phone).where(Person.id == new.id))
    if known != new.phone and (forgotten_at := forgotten_on(connection, new.phone)) is not None:
        raise ConfigError(
            f"{new.id}: this number was forgotten on {forgotten_at.astimezone(TBILISI):%Y-%m-%d}, as its holder "
            "asked; take it out of your list. If they come back themselves: tskaro people add --again"
        )
    upsert(connection, Person, {"id": new.id}, _values(new))
    connection.execute(delete(Subscription).where(Subscription.person_id == new.id))
    for water_point in new.water_points:
        connection.execute(insert(Subscription).values(person_id=new.id, water_point_id=water_point))
    for municipality in new.municipalities:
        connection.execute(insert(Subscription).values(person_id=new.id, municipality_id=municipality))


def people(connection: Connection) -> dict[str, NewPerson]:
    """Everybody who is not forgotten, by id."""
    subscribed: defaultdict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for row in connection.execute(select(Subscription.__table__).order_by(Subscription.id)):
        water_points, municipalities = subscribed[row.person_id]
        if row.water_point_id is not None:
            water_points.append(row.water_point_id)
        if row.municipality_id is not None:
            municipalities.append(row.municipality_id)
    rows = connection.execute(
        select(Person.__table__).where(Person.forgotten_ms.is_(None)).order_by(Person.id)
    )
    return {row.id: _person(row, *subscribed[row.id]) for row in rows}


def _person(row: Row[Any], water_points: Sequence[str], municipalities: Sequence[str]) -> NewPerson:
    recipient = recipient_of(row)
    return NewPerson(
        id=row.id,
        name=row.name,
        phone=row.phone,
        language=recipient.language,
        role=recipient.role,
        water_points=tuple(water_points),
        municipalities=tuple(municipalities),
        tier=recipient.tier,
        quiet=recipient.quiet,
        least=recipient.least,
        is_latin=recipient.is_latin,
        other_address=recipient.other_address,
    )


def _values(new: NewPerson) -> dict[str, object]:
    return {
        "name": new.name,
        "phone": new.phone,
        "language": str(new.language),
        "role": str(new.role),
        "tier": new.tier,
        "least_severity": None if new.least is None else str(new.least),
        "quiet_from_min": None if new.quiet is None else _minutes(new.quiet.begin),
        "quiet_until_min": None if new.quiet is None else _minutes(new.quiet.end),
        "is_latin": new.is_latin,
        "other_address": new.other_address,
    }


def recipient_of(row: Row[Any]) -> Recipient:
    """The recipient that a row of the table is; whether they may be told is another question."""
    return Recipient(
        person=row.id,
        address=row.phone,
        language=Language(row.language),
        role=Role(row.role),
        tier=row.tier,
        quiet=quiet_of(row.quiet_from_min, row.quiet_until_min),
        least=None if row.least_severity is None else Severity(row.least_severity),
        is_latin=row.is_latin,
        other_address=row.other_address,
    )


def quiet_of(from_min: int | None, until_min: int | None) -> QuietHours | None:
    """Quiet hours from minutes after midnight."""
    if from_min is None or until_min is None:
        return None
    return QuietHours(_time(from_min), _time(until_min))


def _minutes(at: time) -> int:
    return at.hour * _HOUR_MIN + at.minute


def _time(minutes: int) -> time:
    return time(*divmod(minutes, _HOUR_MIN))
