"""Forgetting somebody: name, number and all that leads to them go; what was sent, and why, stays.

The ledger keeps its rows without them, under a name that says nothing. Of the number a mark is kept, so that an old
list does not bring back whoever asked to be forgotten. It is made by scrypt with a salt of this database: whoever
has a number can tell whether it was forgotten, and going through all Georgian mobile numbers to read the marks back
takes one core two or three weeks. That is a delay and no secret; the alternative is to keep the number itself.

Whatever else comes to hold somebody's id, name or number must be emptied here; a test looks through every table.
Copies of the database made before hold them until they are thrown away. Not forgotten is whoever issued or
confirmed an advisory, which is a public act, nor a name that somebody typed into a reason.
"""

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import Connection, String, cast, delete, insert, literal, select, update

from alerts.ports import Fate
from server.database.answer_models import AnswerRow
from server.database.models import AcknowledgementRow, NotificationRow, PhoneMessage, SilenceRow
from server.database.people_models import ConsentRow, ForgottenNumberRow, Person, Subscription
from server.registry.consent import FORGOTTEN, opt_out
from waterquality.errors import ConfigError
from waterquality.readings import from_ms, to_ms

NAMELESS = "forgotten-"  # how the ids of those begin who were
_SCRYPT = {"n": 2**13, "r": 8, "p": 1, "dklen": 32}


def forget(connection: Connection, person: str, *, now: datetime) -> str:
    """Forget somebody; they get nothing any more.

    Returns:
        The name under which the ledger knows them from now on.

    Raises:
        ConfigError: nobody of this id is registered; mended by the operator.
    """
    row = connection.execute(select(Person.__table__).where(Person.id == person)).one_or_none()
    if row is None or row.forgotten_ms is not None:
        raise ConfigError(f"{person}: nobody of this id is registered; `tskaro people list` lists them")
    now_ms = to_ms(now)
    opt_out(connection, person, at=now, source=FORGOTTEN, now_ms=now_ms)
    _mark(connection, row.phone, now_ms)
    name = f"{NAMELESS}{secrets.token_hex(4)}"
    left = {"name": "", "phone": "", "language": row.language, "role": row.role, "forgotten_ms": now_ms}
    connection.execute(
        insert(Person).values(id=name, tier=row.tier, is_latin=False, other_address="", **left)
    )
    _hand_over(connection, person, name, row.phone, now_ms)
    connection.execute(delete(Subscription).where(Subscription.person_id == person))
    connection.execute(delete(Person).where(Person.id == person))
    return name


def forgotten_on(connection: Connection, number: str) -> datetime | None:
    """When a number was forgotten; None where it never was."""
    salt = _salt(connection)
    if salt is None:
        return None
    at_ms = connection.scalar(
        select(ForgottenNumberRow.at_ms).where(ForgottenNumberRow.mark == _mark_of(number, salt))
    )
    return None if at_ms is None else from_ms(at_ms)


def let_back(connection: Connection, number: str) -> None:
    """Whoever holds a number has come back themselves: it may be registered again."""
    salt = _salt(connection)
    if salt is not None:
        mark = _mark_of(number, salt)
        connection.execute(delete(ForgottenNumberRow).where(ForgottenNumberRow.mark == mark))


def _hand_over(connection: Connection, person: str, name: str, number: str, now_ms: int) -> None:
    """What the ledger holds of somebody stands under another name, without their number."""
    connection.execute(update(ConsentRow).where(ConsentRow.person_id == person).values(person_id=name))
    # What a telephone calls a text may hold its number, and what somebody wrote may hold anything.
    answers = update(AnswerRow).where(AnswerRow.person_id == person)
    unnamed = literal(f"{name}:").concat(cast(AnswerRow.id, String))
    connection.execute(answers.values(person_id=name, body="", incoming_id=unnamed))
    for table in (AcknowledgementRow, SilenceRow):
        connection.execute(update(table).where(table.by == person).values(by=name))
    theirs = NotificationRow.person_id == person
    # Nobody can be asked any more what became of what a gateway has accepted.
    accepted = theirs & (NotificationRow.fate == str(Fate.ACCEPTED))
    unknown = {"fate": str(Fate.UNKNOWN), "due_ms": None, "settled_ms": now_ms}
    connection.execute(update(NotificationRow).where(accepted).values(**unknown))
    # What a gateway said of a text may hold the number, and so may its name for it.
    unsaid = {"person_id": name, "address": "", "message_id": "", "detail": FORGOTTEN}
    connection.execute(update(NotificationRow).where(theirs).values(**unsaid))
    connection.execute(delete(PhoneMessage).where(PhoneMessage.address == number))


def _mark(connection: Connection, number: str, now_ms: int) -> None:
    salt = _salt(connection) or secrets.token_hex(16)
    mark = _mark_of(number, salt)
    if connection.scalar(select(ForgottenNumberRow.mark).where(ForgottenNumberRow.mark == mark)) is None:
        connection.execute(insert(ForgottenNumberRow).values(mark=mark, salt=salt, at_ms=now_ms))


def _salt(connection: Connection) -> str | None:
    """The salt of this database; None before anybody was forgotten."""
    return connection.scalar(select(ForgottenNumberRow.salt).limit(1))


def _mark_of(number: str, salt: str) -> str:
    return hashlib.scrypt(number.encode(), salt=bytes.fromhex(salt), **_SCRYPT).hex()
