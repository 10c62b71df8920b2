"""CAP messages: written once, in the transaction of the act that they tell of, and kept as they went out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select

from alerts.advisories.cap import Area, CapMessage, Lifted, Origin, Reference, headline, written_cap
from alerts.advisories.life import Message, Step
from alerts.advisories.phrases import phrases
from alerts.advisories.record import Change, Lift
from server.database.advisory_models import CapMessageRow
from server.database.models import Municipality, WaterPoint
from waterquality.languages import Language
from waterquality.readings import from_ms, to_ms

_CANCEL_COUNTS = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """How advisories are told to programs.

    Attributes:
        origin: who speaks, and the address of the pages; None where there is no CAP feed.
        radius_m: how far around a water point it concerns people, in metres.
    """

    origin: Origin | None = None
    radius_m: float = 1000.0


def publish(connection: Connection, number: int, step: Step, out: Publication, now: datetime) -> str:
    """Write the message of an act; returns its identifier, "" where programs are told nothing.

    The first message of an advisory is an Alert whatever the act, for a feed that began later has told nobody yet.
    """
    if step.publishes is None or out.origin is None:
        return ""
    before = _before(connection, number)
    if not before and step.publishes is Message.CANCEL:
        return ""
    kind = step.publishes if before else Message.ALERT
    sent_at = now.replace(microsecond=0)
    if before and sent_at <= before[-1].sent_at:  # two of one advisory never carry one time
        sent_at = before[-1].sent_at + _SECOND
    message = _message(connection, number, step, out, kind=kind, sent_at=sent_at, before=before)
    _keep(connection, number, len(before) + 1, step.advisory.water_point, message)
    return message.identifier


def _before(connection: Connection, number: int) -> Sequence[Reference]:
    columns = (CapMessageRow.sender, CapMessageRow.identifier, CapMessageRow.sent_ms)
    query = select(*columns).where(CapMessageRow.advisory_id == number).order_by(CapMessageRow.number)
    return [Reference(sender, name, from_ms(sent_ms)) for sender, name, sent_ms in connection.execute(query)]


def _message(
    connection: Connection,
    number: int,
    step: Step,
    out: Publication,
    *,
    kind: Message,
    sent_at: datetime,
    before: Sequence[Reference],
) -> CapMessage:
    advisory, done = step.advisory, step.done
    assert advisory.order is not None
    assert advisory.issued_by is not None
    assert out.origin is not None
    lifted = _lifted(done, step) if isinstance(done, Lift) else None
    return CapMessage(
        identifier=f"tskaro-{number}-{len(before) + 1}-{to_ms(sent_at) // 1000}",
        sent_at=sent_at,
        kind=kind,
        origin=_at(out.origin, advisory.water_point),
        references=before,
        order=advisory.order,
        by=advisory.issued_by if lifted is None else lifted.by,
        second=advisory.confirmed_by,
        causes=advisory.causes,
        area=_area(connection, advisory.water_point, out.radius_m),
        expires_at=advisory.order.expires_at if lifted is None else sent_at + _CANCEL_COUNTS,
        lifted=lifted,
        note=done.reason if isinstance(done, Change) else "",
    )


def _lifted(done: Lift, step: Step) -> Lifted:
    count = 0 if step.clearance is None else len(step.clearance.counted)
    return Lifted(by=done.by, samples=count, override=done.override)


def _at(origin: Origin, water_point: str) -> Origin:
    web = origin.web and f"{origin.web}/{{language}}/water-points/{water_point}"
    return Origin(sender=origin.sender, status=origin.status, web=web)


def _area(connection: Connection, water_point: str, radius_m: float) -> Area:
    query = (
        select(WaterPoint.names, WaterPoint.lat, WaterPoint.lon, Municipality.names.label("town"))
        .join(Municipality, Municipality.id == WaterPoint.municipality_id)
        .where(WaterPoint.id == water_point)
    )
    row = connection.execute(query).one()
    names = {
        language: f"{_named(row.names, language, water_point)}, {_named(row.town, language, '')}".strip(", ")
        for language in Language
    }
    return Area(names=names, lat=row.lat, lon=row.lon, radius_m=radius_m)


def _named(names: Mapping[str, str], language: Language, otherwise: str) -> str:
    return names.get(language) or names.get(Language.EN) or names.get(Language.KA) or otherwise


def _keep(connection: Connection, advisory: int, number: int, water_point: str, message: CapMessage) -> None:
    connection.execute(
        insert(CapMessageRow).values(
            identifier=message.identifier,
            advisory_id=advisory,
            number=number,
            water_point_id=water_point,
            sender=message.origin.sender,
            kind=str(message.kind),
            sent_ms=to_ms(message.sent_at),
            expires_ms=to_ms(message.expires_at),
            headlines={language: headline(message, phrases(language), language) for language in Language},
            xml=written_cap(message).decode(),
        )
    )
