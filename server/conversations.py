"""What people text back, in the database. Implements `alerts.answers.port.Conversations`."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, and_, func, insert, select

from alerts.answers.deciding import Response, Told
from alerts.answers.reading import LONGEST, Answer
from alerts.lifecycle import Phase
from alerts.ports import AlertKey, Fate, Lane
from alerts.recipient import Recipient
from alerts.transports.inbox import IncomingText
from server.database.answer_models import AnswerRow
from server.database.engine import Database
from server.database.models import AcknowledgementRow, AlertRow, NotificationRow, WaterPoint
from server.database.people_models import Person
from server.database.statements import insert_into, letters
from server.owing import acknowledge, is_same_episode
from server.registry.consent import may_be_told, opt_out
from server.registry.people import recipient_of
from server.registry.telephone import read_telephone
from waterquality.languages import Language
from waterquality.readings import from_ms, to_ms

REPLIES_A_DAY = 10
_RULE = "answer"  # under which replies are owed: they belong to no alert
_DAY = timedelta(days=1)
_OPEN = [str(phase) for phase in Phase if phase.is_open]


class SqlConversations:
    """Who has texted, and what was said, in SQLite or PostgreSQL.

    Args:
        database: where it is kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def people(self, address: str) -> Sequence[Recipient]:
        """The people of a telephone number who may be sent texts; nobody for a stranger's."""
        try:
            number = read_telephone(address).number
        except ValueError:  # a name or a short code
            return []
        query = select(Person.__table__).where(Person.phone == number, may_be_told()).order_by(Person.id)
        with self._database.reading() as connection:
            return [recipient_of(row) for row in connection.execute(query)]

    def told(self, person: str, since: datetime) -> Sequence[Told]:
        """The open alerts about now of which a person was told, in texts handed over since an instant."""
        text, alert, taken = NotificationRow, AlertRow, AcknowledgementRow
        episode = (alert.rule_id, alert.water_point_id, alert.lane, alert.episode)
        query = (
            select(
                *episode,
                func.min(text.handed_ms).label("first_ms"),
                func.max(text.handed_ms).label("last_ms"),
                func.max(taken.by).label("taken_by"),
            )
            .join(text, is_same_episode(text, alert))
            .outerjoin(taken, and_(is_same_episode(taken, alert), taken.level >= alert.level))
            .where(
                alert.phase.in_(_OPEN),
                alert.lane == str(Lane.LIVE),
                text.person_id == person,
                text.handed_ms.is_not(None),
            )
            .group_by(*episode)
            .having(func.max(text.handed_ms) >= to_ms(since))
        )
        with self._database.reading() as connection:
            return [_told(row) for row in connection.execute(query).mappings()]

    def name_of(self, water_point: str, language: Language) -> str:
        """The short name of a water point for texts; its id where nobody gave it one."""
        query = select(WaterPoint.sms_names).where(WaterPoint.id == water_point)
        with self._database.reading() as connection:
            names = connection.scalar(query) or {}
        return str(names.get(language) or names.get(Language.EN) or water_point)

    def commit(
        self, text: IncomingText, person: Recipient, response: Response, reply: str, now: datetime
    ) -> bool:
        """Record as a whole what somebody said, what it does, and the reply that is owed; see the port."""
        with self._database.writing() as connection:
            row = insert_into(connection, AnswerRow).values(**_answer(text, person, response, now))
            number = connection.execute(row.on_conflict_do_nothing().returning(AnswerRow.id)).scalar()
            if number is None:
                return False
            for key, episode in response.acknowledges:
                acknowledge(connection, key, episode, person.person, to_ms(text.at))
            if response.answer is Answer.STOP:
                opt_out(connection, person.person, at=text.at, source="text message", now_ms=to_ms(now))
            if reply and _replies_today(connection, person.person, now) < REPLIES_A_DAY:
                connection.execute(
                    insert(NotificationRow).values(**_reply(number, person, response, reply, now))
                )
            return True


def _told(row: RowMapping) -> Told:
    key = AlertKey(row["rule_id"], row["water_point_id"], Lane(row["lane"]))
    first_at, last_at = from_ms(row["first_ms"]), from_ms(row["last_ms"])
    return Told(key, row["episode"], first_at, last_at, row["taken_by"] or "")


def _answer(text: IncomingText, person: Recipient, response: Response, now: datetime) -> dict[str, object]:
    return {
        "incoming_id": text.id,
        "person_id": person.person,
        "body": letters(text.body[:LONGEST]),
        "at_ms": to_ms(text.at),
        "recorded_ms": to_ms(now),
        "answer": str(response.answer),
        "said": str(response.said),
        "reason": response.reason[:200],
    }


def _replies_today(connection: Connection, person: str, now: datetime) -> int:
    theirs = (NotificationRow.rule_id == _RULE) & (NotificationRow.person_id == person)
    since = NotificationRow.owed_ms >= to_ms(now - _DAY)
    return connection.execute(select(func.count()).where(theirs, since)).scalar_one()


def _reply(
    number: int, person: Recipient, response: Response, reply: str, now: datetime
) -> dict[str, object]:
    now_ms = to_ms(now)
    return {
        "rule_id": _RULE,
        "water_point_id": "",
        "lane": str(Lane.LIVE),
        "episode": number,
        "kind": f"reply_{response.said}",
        "person_id": person.person,
        "address": person.address,
        "language": str(person.language),
        "text": reply,
        "breached_ms": now_ms,
        "owed_ms": now_ms,
        "due_ms": now_ms,
        "fate": str(Fate.QUEUED),
    }
