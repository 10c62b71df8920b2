"""People in a database who have agreed to get texts."""

from collections.abc import Iterable
from datetime import UTC, datetime

from alerts.recipient import Recipient
from server.database.engine import Database
from server.registry.consent import give_consent
from server.registry.people import NewPerson, add_person

AGREED_AT = datetime(2026, 1, 5, tzinfo=UTC)


def have_agreed(database: Database, people: Iterable[Recipient]) -> None:
    """Register people, and their consent."""
    with database.writing() as connection:
        for person in people:
            new = NewPerson(
                id=person.person,
                name=person.person.title(),
                phone=person.address,
                language=person.language,
                role=person.role,
            )
            add_person(connection, new)
            give_consent(connection, new.id, wording="yes, text me", at=AGREED_AT, source="test", now_ms=1)
