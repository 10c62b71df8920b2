"""The roll: everybody in the registry as those who keep the list look at them, and all that is kept of one."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from alerts.recipient import TBILISI
from server.database.answer_models import AnswerRow
from server.database.models import NotificationRow
from server.registry.consent import Consent, consents
from server.registry.people import NewPerson, people
from server.registry.telephone import masked
from waterquality.errors import ConfigError
from waterquality.readings import from_ms


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody, and what they have said to getting texts, oldest first."""

    person: NewPerson
    said: tuple[Consent, ...]

    @property
    def standing(self) -> str:
        """Whether they get texts, and since when; in a few words."""
        if not self.said:
            return "no consent: no texts"
        last = self.said[-1]
        day = "" if last.at is None else f" {last.at.astimezone(TBILISI):%Y-%m-%d}"
        if not last.is_given:
            return f"opted out{day}"
        return f"agreed{day}" if day else last.wording

    @property
    def gets_texts(self) -> bool:
        """Whether they get texts."""
        return bool(self.said) and self.said[-1].is_given


def roll(connection: Connection) -> list[Listed]:
    """Everybody who is not forgotten, by id."""
    everybody = people(connection)
    said = consents(connection, everybody)
    return [Listed(person, tuple(said.get(name, ()))) for name, person in everybody.items()]


def listed(connection: Connection, person: str) -> Listed:
    """Somebody.

    Raises:
        ConfigError: nobody of this id is registered; mended by the operator.
    """
    found = people(connection).get(person)
    if found is None:
        raise ConfigError(f"{person}: nobody of this id is registered; `tskaro people list` lists them")
    return Listed(found, tuple(consents(connection, [person]).get(person, ())))


def plain(each: Listed, *, is_whole: bool) -> dict[str, Any]:
    """Somebody as JSON; `is_whole` with their number and other address whole."""
    person, quiet = each.person, each.person.quiet
    return {
        "id": person.id,
        "name": person.name,
        "phone": person.phone if is_whole else masked(person.phone),
        "language": person.language,
        "latin": person.is_latin,
        "role": person.role,
        "water_points": list(person.water_points),
        "municipalities": list(person.municipalities),
        "tier": person.tier,
        "quiet": None if quiet is None else {"begin": f"{quiet.begin:%H:%M}", "end": f"{quiet.end:%H:%M}"},
        "least_severity": person.least,
        "other_address": person.other_address if is_whole else bool(person.other_address),
        "gets_texts": each.gets_texts,
        "consent": [_plain(said) for said in each.said],
    }


def all_of(connection: Connection, person: str) -> dict[str, Any]:
    """All that is kept of somebody: who they are, what they agreed to, what they were sent and what they answered.

    Raises:
        ConfigError: nobody of this id is registered; mended by the operator.
    """
    texts = select(NotificationRow.__table__).where(NotificationRow.person_id == person)
    answers = select(AnswerRow.__table__).where(AnswerRow.person_id == person)
    return {
        "person": plain(listed(connection, person), is_whole=True),
        "texts": [
            {
                "owed_at": from_ms(row.owed_ms).isoformat(),
                "water_point": row.water_point_id,
                "kind": row.kind,
                "number": row.address,
                "text": row.text,
                "fate": row.fate,
            }
            for row in connection.execute(texts.order_by(NotificationRow.id))
        ],
        "answers": [
            {"at": from_ms(row.at_ms).isoformat(), "text": row.body, "understood_as": row.answer}
            for row in connection.execute(answers.order_by(AnswerRow.id))
        ],
    }


def _plain(said: Consent) -> dict[str, Any]:
    return {
        "given": said.is_given,
        "at": None if said.at is None else said.at.isoformat(),
        "wording": said.wording,
        "source": said.source,
    }
