"""The on-screen phones of the demo: every text exactly as it was sent, one phone for each number."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from server.database.models import PhoneMessage
from server.database.people_models import Person

_MANY_MESSAGES = 300


@dataclass(frozen=True, slots=True)
class Message:
    """A text on a phone.

    Attributes:
        body: as sent.
        at_ms: when it arrived.
    """

    body: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone.

    Attributes:
        address: its number.
        name: whose it is; "" where nobody registered has the number.
        role: who they are to Tskaro; "" likewise.
        language: what they read; "" likewise.
        messages: newest last.
    """

    address: str
    name: str
    role: str
    language: str
    messages: Sequence[Message]


def phones(connection: Connection, *, at_most: int = _MANY_MESSAGES) -> Sequence[Phone]:
    """A phone for everybody registered and for every number that got a text; those with texts first."""
    owners = {
        row.phone: row for row in connection.execute(select(Person).where(Person.forgotten_ms.is_(None)))
    }
    newest_first = (
        select(PhoneMessage).order_by(PhoneMessage.at_ms.desc(), PhoneMessage.id.desc()).limit(at_most)
    )
    texts: defaultdict[str, list[Message]] = defaultdict(list)
    for row in reversed(connection.execute(newest_first).all()):
        texts[row.address].append(Message(row.body, row.at_ms))
    found = []
    for address in {*owners, *texts}:
        owner = owners.get(address)
        name, role, language = (owner.name, owner.role, owner.language) if owner else ("", "", "")
        found.append(Phone(address, name, role, language, texts.get(address, ())))
    return sorted(found, key=lambda phone: (not phone.messages, phone.role, phone.name, phone.address))
