"""Who has agreed to get texts, and who no longer wants any. The newest word of a person counts.

**Invariants**
* No text without consent: whoever has said nothing gets none.
* Every word is kept: with its date, what was agreed to word for word, and how it came. Nothing of it is changed or
  removed.
* An opt-out stands until the person themselves agrees again, later than they opted out. A list that is imported
  again, or a registry file that is loaded again, opts nobody in.
* From an opt-out on nothing is sent: what is owed and not yet sent has failed.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, insert, select, update

from alerts.ports import Fate
from alerts.recipient import TBILISI
from server.database.models import NotificationRow
from server.database.people_models import ConsentRow, Person
from waterquality.errors import ConfigError
from waterquality.readings import from_ms, to_ms

OPTED_OUT, FORGOTTEN = "opted out", "forgotten"


@dataclass(frozen=True, slots=True)
class Consent:
    """What somebody said to getting texts.

    Attributes:
        is_given: whether they agreed; else they opted out.
        at: when they said so; None where nobody knows.
        wording: what they agreed to, word for word; "" of an opt-out.
        source: how it came, e.g. `import`.
    """

    is_given: bool
    at: datetime | None
    wording: str
    source: str


def may_be_told() -> ColumnElement[bool]:
    """Whether the person of a row may be sent texts: their newest word is a consent, and they are not forgotten."""
    newest = select(func.max(ConsentRow.id)).group_by(ConsentRow.person_id)
    agreed = select(ConsentRow.person_id).where(ConsentRow.id.in_(newest), ConsentRow.is_given)
    return and_(Person.forgotten_ms.is_(None), Person.id.in_(agreed))


def told_among(connection: Connection, people: Collection[str]) -> frozenset[str]:
    """Those among some people who may be sent texts. None of them can opt out until this transaction has ended."""
    among = select(Person.id).where(Person.id.in_(people))
    connection.execute(among.order_by(Person.id).with_for_update(read=True)).all()
    return frozenset(
        connection.scalars(among.where(may_be_told()))
    )  # only now: who held a row has changed it


def consent_of(connection: Connection, person: str) -> Consent | None:
    """The newest word of a person; None where they have said nothing."""
    words = consents(connection, [person])
    return words[person][-1] if person in words else None


def consents(connection: Connection, people: Collection[str]) -> dict[str, list[Consent]]:
    """All that some people have said, oldest first; who has said nothing is left out."""
    query = select(ConsentRow.__table__).where(ConsentRow.person_id.in_(people)).order_by(ConsentRow.id)
    found: dict[str, list[Consent]] = {}
    for row in connection.execute(query):
        at = None if row.at_ms is None else from_ms(row.at_ms)
        found.setdefault(row.person_id, []).append(Consent(row.is_given, at, row.wording, row.source))
    return found


def give_consent(
    connection: Connection, person: str, *, wording: str, at: datetime, source: str, now_ms: int
) -> bool:
    """Record that somebody has agreed.

    Returns:
        Whether that is news.

    Raises:
        ConfigError: the wording is empty, or they have opted out since then; mended by the operator.
    """
    if not wording.strip():
        raise ConfigError(f"{person}: consent needs what they agreed to, word for word")
    last = consent_of(connection, person)
    if last is not None and not last.is_given and (last.at is None or at <= last.at):
        raise ConfigError(
            f"{person}: opted out on {_day(last.at)}; a consent from before that does not count. "
            "It takes one that they gave afterwards"
        )
    if last is not None and last.is_given and (last.wording, last.at) == (wording, at):
        return False
    _add(connection, person, Consent(True, at, wording, source), now_ms)  # noqa: FBT003 - it is given
    return True


def take_from_list(
    connection: Connection, person: str, *, wording: str, at: datetime, source: str, now_ms: int
) -> bool:
    """Record the consent that a list says somebody gave, if it is the newest word; a list opts nobody in again.

    Returns:
        Whether that is news.

    Raises:
        ConfigError: the wording is empty; mended by the operator.
    """
    last = consent_of(connection, person)
    if last is not None and not last.is_given:
        return False
    if last is not None and last.at is not None and at <= last.at:
        return False
    return give_consent(connection, person, wording=wording, at=at, source=source, now_ms=now_ms)


def opt_out(connection: Connection, person: str, *, at: datetime, source: str, now_ms: int) -> bool:
    """Somebody wants no more texts; what they are owed is not sent.

    Returns:
        Whether that is news.
    """
    # Whoever is just owing them something holds the row until that is recorded, and then it is found.
    connection.execute(select(Person.id).where(Person.id == person).with_for_update()).all()
    last = consent_of(connection, person)
    send_nothing_more(connection, person, OPTED_OUT, now_ms)
    if last is not None and not last.is_given:
        return False
    _add(connection, person, Consent(False, at, "", source), now_ms)  # noqa: FBT003 - it is taken back
    return True


def send_nothing_more(connection: Connection, person: str, why: str, now_ms: int) -> None:
    """What a person is owed and nobody has taken yet has failed."""
    queued = (NotificationRow.person_id == person) & (NotificationRow.fate == str(Fate.QUEUED))
    ended = {"fate": str(Fate.FAILED), "due_ms": None, "settled_ms": now_ms, "detail": why}
    connection.execute(update(NotificationRow).where(queued).values(**ended))


def _add(connection: Connection, person: str, said: Consent, now_ms: int) -> None:
    row = {
        "person_id": person,
        "is_given": said.is_given,
        "at_ms": None if said.at is None else to_ms(said.at),
        "wording": said.wording,
        "source": said.source,
        "recorded_ms": now_ms,
    }
    connection.execute(insert(ConsentRow).values(**row))


def _day(at: datetime | None) -> str:
    return "an unknown day" if at is None else f"{at.astimezone(TBILISI):%Y-%m-%d}"
