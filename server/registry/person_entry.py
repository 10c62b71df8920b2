"""Somebody who gets texts, as a person writes them down: in a registry file, in a list, at the command line.

A border: everything is checked here, with reasons that the one who keeps the list understands.
"""

import re
from datetime import date, datetime, time
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from alerts.recipient import FIRST_TIER, LAST_TIER, TBILISI, QuietHours
from alerts.rules import Role, Severity
from server.registry.people import NewPerson
from server.registry.telephone import read_telephone
from waterquality.languages import Language


def _written(form: str, reason: str) -> AfterValidator:
    """Refuse what does not have the form, with a reason that a person understands."""
    pattern = re.compile(form)

    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(reason)
        return text

    return AfterValidator(check)


def _is_early(written: object) -> bool:
    """Whether an hour is written as 7:00."""
    return isinstance(written, str) and re.fullmatch(r"\d:\d\d", written) is not None


Id = Annotated[str, _written("[a-z0-9-]{1,60}", "should be 1 to 60 small letters, digits and hyphens")]
_Clock = Annotated[time, BeforeValidator(lambda written: f"0{written}" if _is_early(written) else written)]
_Phone = Annotated[str, AfterValidator(lambda written: read_telephone(written).number)]


class Part(BaseModel):
    """A table of a file: nothing unknown in it, and nothing changes it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class QuietEntry(Part):
    """When somebody is not to be woken, in Tbilisi; over midnight where it ends before it begins."""

    begin: _Clock
    end: _Clock

    @model_validator(mode="after")
    def _is_a_part_of_the_day(self) -> Self:
        self.hours()
        return self

    def hours(self) -> QuietHours:
        """The quiet hours themselves."""
        return QuietHours(self.begin, self.end)


class ConsentEntry(Part):
    """That somebody has agreed to get texts: on which day, and to what, word for word."""

    on: date
    wording: str = Field(min_length=1)

    def at(self) -> datetime:
        """When the day began, in Tbilisi."""
        return datetime.combine(self.on, time(), TBILISI)


class PersonEntry(Part):
    """Somebody who gets texts; without their consent they get none."""

    id: Id
    name: str
    phone: _Phone
    language: Language
    role: Role
    water_points: tuple[Id, ...] = ()
    municipalities: tuple[Id, ...] = ()
    tier: int = Field(default=FIRST_TIER, ge=FIRST_TIER, le=LAST_TIER)
    quiet: QuietEntry | None = None
    least_severity: Severity | None = None
    latin: bool = False
    other_address: str = Field(default="", max_length=300)
    consent: ConsentEntry | None = None

    def person(self) -> NewPerson:
        """Whom to register."""
        return NewPerson(
            id=self.id,
            name=self.name,
            phone=self.phone,
            language=self.language,
            role=self.role,
            water_points=self.water_points,
            municipalities=self.municipalities,
            tier=self.tier,
            quiet=None if self.quiet is None else self.quiet.hours(),
            least=self.least_severity,
            is_latin=self.latin,
            other_address=self.other_address,
        )


def as_written(person: NewPerson) -> dict[str, Any]:
    """Somebody as they would be written down, so that one thing of it can be changed."""
    return {
        "id": person.id,
        "name": person.name,
        "phone": person.phone,
        "language": person.language,
        "role": person.role,
        "water_points": person.water_points,
        "municipalities": person.municipalities,
        "tier": person.tier,
        "quiet": None if person.quiet is None else {"begin": person.quiet.begin, "end": person.quiet.end},
        "least_severity": person.least,
        "latin": person.is_latin,
        "other_address": person.other_address,
    }
