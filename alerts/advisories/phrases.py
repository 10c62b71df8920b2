"""How advisories read in five languages: `words/*.toml`, checked when they are read.

**Invariants**: every kind says what it is, what to do, and where; only "boil" tells people to boil; no text says
"safe". What an authority wrote itself stands beside ours and does not replace it: readers of other languages must
know too. No native speaker has read the words yet (`reviewed_by`).
"""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from string import Formatter
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from alerts.advisories.record import AdvisoryKind, Authority
from waterquality.errors import ConfigError
from waterquality.languages import Language

_TBILISI = ZoneInfo("Asia/Tbilisi")
_PERSON = frozenset({"name", "office"})
# What each sentence is told; it must say all of it.
_FACTS: Mapping[str, frozenset[str]] = {
    "issued": _PERSON | {"when"},
    "confirmed": _PERSON,
    "until": frozenset({"when"}),
    "ran_out": frozenset({"when"}),
    "lifted_headline": frozenset({"place", "event"}),
    "lifted_samples": _PERSON | {"when", "count"},
    "lifted_override": _PERSON | {"when", "reason"},
    "contact": frozenset({"contact"}),
}


def _facts_in(text: str) -> frozenset[str]:
    return frozenset(fact for _, fact, _, _ in Formatter().parse(text) if fact is not None)


def _checked(key: str, text: str, facts: frozenset[str]) -> None:
    if _facts_in(text) != facts:
        message = f"{key}: must name {sorted(facts)}, names {sorted(_facts_in(text))}"
        raise ValueError(message)


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_min_length=1)


class KindWords(_Table):
    """One kind: its name, what to do in a few words, its headline at a place, and what to do in full."""

    event: str
    short: str
    headline: str
    instruction: str

    @model_validator(mode="after")
    def _names_its_place(self) -> "KindWords":
        _checked("headline", self.headline, frozenset({"place"}))
        _checked("event", self.event, frozenset())
        _checked("short", self.short, frozenset())
        _checked("instruction", self.instruction, frozenset())
        return self


class SaidWords(_Table):
    """What is said around an advisory."""

    in_force: str
    expired: str
    what_to_do: str
    issued: str
    confirmed: str
    until: str
    own_words: str
    ran_out: str
    lifted: str
    lifted_headline: str
    lifted_samples: str
    lifted_override: str
    let_run: str
    contact: str
    feed: str

    @model_validator(mode="after")
    def _say_their_facts(self) -> "SaidWords":
        for key in type(self).model_fields:
            _checked(key, getattr(self, key), _FACTS.get(key, frozenset()))
        return self


class Phrases(BaseModel):
    """The words of one language.

    Attributes:
        reviewed_by: the native speaker who has signed them off; "" while nobody has.
        kinds: by kind of advisory.
        said: what is said around them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    reviewed_by: str
    kinds: dict[AdvisoryKind, KindWords]
    said: SaidWords

    @model_validator(mode="after")
    def _know_every_kind(self) -> "Phrases":
        lacking = sorted(set(AdvisoryKind) - self.kinds.keys())
        if lacking:
            message = f"kinds: {lacking[0]} is missing"
            raise ValueError(message)
        return self

    def issued(self, by: Authority, at: datetime) -> str:
        """Who gave the order, and when."""
        return self.said.issued.format(name=by.name, office=by.office, when=written(at))

    def confirmed(self, by: Authority) -> str:
        """Who was the second person."""
        return self.said.confirmed.format(name=by.name, office=by.office)

    def until(self, at: datetime) -> str:
        """How long it is in force."""
        return self.said.until.format(when=written(at))

    def ran_out(self, at: datetime) -> str:
        """That its time is over, and that nobody has lifted it."""
        return self.said.ran_out.format(when=written(at))

    def lifted(self, by: Authority, at: datetime, *, count: int, override: str) -> str:
        """Who lifted it, and on what grounds."""
        form = self.said.lifted_override if override else self.said.lifted_samples
        facts = {"reason": override} if override else {"count": count}
        return form.format(name=by.name, office=by.office, when=written(at), **facts)


def written(at: datetime) -> str:
    """A date and time as all five languages read it: day first, time of Tbilisi."""
    return f"{at.astimezone(_TBILISI):%d.%m.%Y, %H:%M}"


def phrases_from(text: str, place: str) -> Phrases:
    """Read and check the words of a language.

    Raises:
        ConfigError: they cannot be used; says where; mended by whoever edited them.
    """
    try:
        return Phrases.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{place}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{place}: {where}: {first['msg']}") from error


@cache
def phrases(language: Language) -> Phrases:
    """The words of a language that ship."""
    name = f"{language}.toml"
    text = files("alerts.advisories").joinpath("words", name).read_text(encoding="utf-8")
    return phrases_from(text, name)
