"""Advisories as the public pages tell of them: those in force, and those that ran out and nobody lifted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from alerts.advisories.phrases import Phrases, phrases
from alerts.advisories.record import Advisory, Phase
from server.advisories.rows import all_advisories
from waterquality.languages import Language


@dataclass(frozen=True, slots=True)
class OwnWords:
    """What the authority wrote itself, and in which language."""

    language: Language
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """An advisory in a reader's language, every sentence ready to be shown."""

    title: str
    short: str
    issued: str
    what_to_do: str
    instruction: str
    grounds: Sequence[str]
    own_title: str
    own: Sequence[OwnWords]


@dataclass(frozen=True, slots=True)
class AdvisoryView:
    """An advisory that a person must know of.

    Attributes:
        number: of the advisory.
        advisory: as it stands; it was issued.
        is_expired: whether its time has run out, though nobody has lifted it.
    """

    number: int
    advisory: Advisory
    is_expired: bool

    def short(self, language: Language) -> str:
        """What people are told, in a few words."""
        assert self.advisory.order is not None
        return phrases(language).kinds[self.advisory.order.kind].short

    def told(self, language: Language) -> Told:
        """All that a reader is told."""
        said, words = self.advisory, phrases(language)
        assert said.order is not None
        assert said.issued_by is not None
        assert said.changed_at is not None
        kind = words.kinds[said.order.kind]
        return Told(
            title=words.said.expired if self.is_expired else words.said.in_force,
            short=kind.short,
            issued=words.issued(said.issued_by, said.changed_at),
            what_to_do=words.said.what_to_do,
            instruction=kind.instruction,
            grounds=tuple(_grounds(said, words, is_expired=self.is_expired)),
            own_title=words.said.own_words,
            own=_own(said.order.own_text, language),
        )


def advisories(
    connection: Connection, now: datetime, water_point: str = ""
) -> Mapping[str, Sequence[AdvisoryView]]:
    """What is in force, or ran out without being lifted, by water point."""
    found: dict[str, list[AdvisoryView]] = {}
    for number, advisory in all_advisories(connection, open_only=True, water_point=water_point).items():
        phase = advisory.phase_at(now)
        if phase in (Phase.IN_FORCE, Phase.EXPIRED):
            view = AdvisoryView(number, advisory, phase is Phase.EXPIRED)
            found.setdefault(advisory.water_point, []).append(view)
    return found


def _grounds(said: Advisory, words: Phrases, *, is_expired: bool) -> Iterator[str]:
    assert said.order is not None
    if said.confirmed_by is not None:
        yield words.confirmed(said.confirmed_by)
    yield (words.ran_out if is_expired else words.until)(said.order.expires_at)
    if said.issued_by is not None and said.issued_by.contact:
        yield words.said.contact.format(contact=said.issued_by.contact)


def _own(texts: Mapping[Language, str], language: Language) -> Sequence[OwnWords]:
    """The authority's words in the reader's language, or in those that it wrote."""
    if language in texts:
        return (OwnWords(language, texts[language]),)
    return tuple(OwnWords(each, text) for each, text in texts.items())
