"""The words of each language: what translators write, read from `alerts/templates/*.toml` and checked.

**Invariants** of a phrasebook: every kind of text has at least one form, every form names the water point and
nothing that a text cannot know, every parameter has a name and a unit.
"""

import tomllib
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from alerts.ports import Kind
from alerts.rules import Fault
from waterquality.errors import ConfigError
from waterquality.languages import Language
from waterquality.parameters import Parameter

_WHERE_AND_WHEN = frozenset({"site", "when", "when_short"})
_OF_A_LIMIT = frozenset({"name", "value", "limit", "word", "within", "breach"})
FACTS = _WHERE_AND_WHEN | _OF_A_LIMIT | {"fault", "cause", "cause_short", "count"}
_CAUSE_FACTS = frozenset({"name", "move", "size", "minutes"})


def facts_in(form: str) -> frozenset[str]:
    """The placeholders of a form, without their braces."""
    return frozenset(fact for _, fact, _, _ in Formatter().parse(form) if fact is not None)


def _names_only_facts(form: str) -> str:
    unknown = facts_in(form) - FACTS
    if unknown or "site" not in facts_in(form):
        message = f"{form!r}: " + (f"unknown {sorted(unknown)}" if unknown else "{site} is missing")
        raise ValueError(message)
    return form


Form = Annotated[str, AfterValidator(_names_only_facts)]


class Words(BaseModel):
    """What a limit is called: the first of each pair when a named person has confirmed it, else the second.

    Attributes:
        norm: before the number of a confirmed limit.
        limit: before any other.
        in_norm: that readings keep a confirmed limit again.
        in_limit: that they keep any other.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    norm: str
    limit: str
    in_norm: str
    in_limit: str


def _names_a_change(form: str) -> str:
    if facts_in(form) != _CAUSE_FACTS:
        message = f"{form!r}: it must name {sorted(_CAUSE_FACTS)} and nothing else"
        raise ValueError(message)
    return form


class Causes(BaseModel):
    """How a change is said.

    Attributes:
        rose: that it went up.
        fell: that it went down.
        moved: what changed, by how much and how fast.
        steady: the same, while the flow was steady.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    rose: str
    fell: str
    moved: Annotated[str, AfterValidator(_names_a_change)]
    steady: Annotated[str, AfterValidator(_names_a_change)]


class Phrasebook(BaseModel):
    """The texts of one language.

    Attributes:
        reviewed_by: the native speaker who has signed the texts off; "" while nobody has.
        words: what a limit is called.
        names: what each parameter is called.
        units: how its unit is written; "" where the name says it all.
        faults: what may ail a probe.
        causes: how a change is said.
        texts: the forms of each kind of text, the fullest first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    reviewed_by: str
    words: Words
    names: dict[Parameter, str]
    units: dict[Parameter, str]
    faults: dict[Fault, str]
    causes: Causes
    texts: dict[Kind, Annotated[tuple[Form, ...], Field(min_length=1)]]

    @model_validator(mode="after")
    def _leaves_nothing_out(self) -> "Phrasebook":
        tables = (
            (self.names, Parameter),
            (self.units, Parameter),
            (self.faults, Fault),
            (self.texts, Kind),
        )
        for table, keys in tables:
            missing = sorted(set(keys) - set(table))
            if missing:
                message = f"nothing is said for {missing}"
                raise ValueError(message)
        return self


@cache
def phrasebook(language: Language) -> Phrasebook:
    """The phrasebook of a language, as it is shipped.

    Raises:
        ConfigError: the file is wrong; mended by whoever edited it.
    """
    name = f"{language}.toml"
    return read(files("alerts").joinpath("templates", name).read_text(encoding="utf-8"), name)


def read(toml: str, name: str) -> Phrasebook:
    """Read a phrasebook.

    Args:
        toml: its text.
        name: the file it came from, for the error.

    Raises:
        ConfigError: it cannot be used; mended by whoever edited it.
    """
    try:
        return Phrasebook.model_validate(tomllib.loads(toml))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigError(f"{name}: {error}") from error
