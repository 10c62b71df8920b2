"""Advisories as the public pages tell of them: those in force, and those that ran out and nobody lifted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from alerts.advisories.phrases import phrases
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
    event: str
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

    def event(self, language: Language) -> str:
        """What it is, in a line."""
        assert self.advisory.order is not None
        return phrases(language).kinds[self.advisory.order.kind].event

    def told(self, language: Language) -> Told:
        """All that a reader is told."""
        assert self.advisory.order is not None
        words, order = phrases(language), self.advisory.order
        kind = words.kinds[order.kind]
        return Told(
            title=words.said.in_force,
            event=kind.event,
            what_to_do=words.said.what_to_do,
            instruction=kind.instruction,
            grounds=tuple(self._grounds(language)),
            own_title=words.said.own_words,
            own=_own(order.own_text, language),
        )

    def _grounds(self, language: Language) -> list[str]:
        said, words = self.advisory, phrases(language)
        assert said.order is not None
        assert said.issued_by is not None
        assert said.changed_at is not None
        told = [words.issued(said.issued_by, said.changed_at)]
        if said.confirmed_by is not None:
            told.append(words.confirmed(said.confirmed_by))
        end = words.ran_out if self.is_expired else words.until
        told.append(end(said.order.expires_at))
        if said.issued_by.contact:
            told.append(words.said.contact.format(contact=said.issued_by.contact))
        return told


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


def _own(texts: Mapping[Language, str], language: Language) -> Sequence[OwnWords]:
    """The authority's words in the reader's language, or in those that it wrote."""
    if language in texts:
        return (OwnWords(language, texts[language]),)
    return tuple(OwnWords(each, text) for each, text in texts.items())
