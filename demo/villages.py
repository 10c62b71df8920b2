"""The cast of the demonstration: seven water points, the devices that serve them, and the people.

The data is `villages.toml`, read once and checked whole: a slip in it stops the demonstration with the key
that is wrong. Places are real; water, pipes, people and telephone numbers are invented.

Invariants: one village for each municipality; ids, devices and numbers occur once; every municipality named
exists; every name is there in every language; an SMS name has at most `SMS_NAME_CHARS` characters.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from alerts.rules import Role
from waterquality.errors import ConfigError
from waterquality.languages import Language
from waterquality.parameters import Parameter

SMS_NAME_CHARS = 15
HOURS_OF_DAY = 24
_FILE = "villages.toml"
_STRICT: ConfigDict = {"extra": "forbid"}


class Source(StrEnum):
    """Where the water of a point comes from; rain muddies each in its own way, and a borehole not at all."""

    SPRING = "spring"
    RESERVOIR = "reservoir"
    TAP = "tap"
    BOREHOLE = "borehole"


@dataclass(frozen=True, slots=True, kw_only=True)
class Municipality:
    """A municipality, with its name in every language."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    id: str
    names: Mapping[Language, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Village:
    """A water point, the device that serves it, and the water it gives on an ordinary day.

    Attributes:
        device: id of the device, e.g. `kk-0001`.
        water_point: id of the water point, of `a-z`, `0-9` and `-`.
        municipality: id of the municipality.
        lat: degrees north.
        lon: degrees east.
        source: where the water comes from.
        supply_hours: when water comes, as (from, until) in whole hours of Tbilisi time, in order, not
            touching one another nor midnight; ((0, 24),) all day.
        pipe_dn_mm: nominal width of the pipe that is measured, in mm.
        demand_l_per_min: mean flow while water comes, in L/min.
        turbidity_ntu: turbidity in dry weather, in NTU.
        ph: mean pH.
        temperature_c: mean temperature of the water over the year, in °C.
        names: name of the water point by language.
        sms_names: its short name for texts by language.
        probes: model of the probe by parameter.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    device: str
    water_point: str
    municipality: str
    lat: float
    lon: float
    source: Source
    supply_hours: tuple[tuple[int, int], ...]
    pipe_dn_mm: int
    demand_l_per_min: float
    turbidity_ntu: float
    ph: float
    temperature_c: float
    names: Mapping[Language, str]
    sms_names: Mapping[Language, str]
    probes: Mapping[Parameter, str]

    @property
    def has_water_all_day(self) -> bool:
        """Whether water comes at every hour."""
        return self.supply_hours == ((0, HOURS_OF_DAY),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who gets texts. Invented, like the number.

    Attributes:
        id: stable id.
        name: as shown, in Latin letters.
        phone: E.164 telephone number.
        language: what they read.
        role: who they are to Tskaro.
        municipalities: ids of the municipalities they hear of.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    id: str
    name: str
    phone: str
    language: Language
    role: Role
    municipalities: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Everybody and every place of the demonstration."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    municipalities: tuple[Municipality, ...]
    villages: tuple[Village, ...]
    people: tuple[Person, ...]


def parse_cast(text: str) -> Cast:
    """The cast written in a TOML text.

    Raises:
        ConfigError: the text is not TOML, a key is missing, unknown or of the wrong kind, or an invariant of
            this module is broken; mended by the operator.
    """
    try:
        cast = TypeAdapter(Cast).validate_python(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigError(f"{_FILE}: {error}") from error
    for fault in _faults(cast):
        raise ConfigError(f"{_FILE}: {fault}")
    return cast


@cache
def the_cast() -> Cast:
    """The cast that ships with the demonstration."""
    return parse_cast(files("demo").joinpath(_FILE).read_text(encoding="utf-8"))


def municipalities() -> tuple[Municipality, ...]:
    """The municipalities, with their names."""
    return the_cast().municipalities


def villages() -> tuple[Village, ...]:
    """The seven water points, `kk-0001` first."""
    return the_cast().villages


def people() -> tuple[Person, ...]:
    """Everybody who gets texts."""
    return the_cast().people


def _faults(cast: Cast) -> Iterator[str]:
    places = [village.municipality for village in cast.villages]
    yield from _repeated("municipality with more than one village", places)
    yield from _repeated("device", (village.device for village in cast.villages))
    yield from _repeated("water point", (village.water_point for village in cast.villages))
    yield from _repeated("person", (person.id for person in cast.people))
    yield from _repeated("telephone number", (person.phone for person in cast.people))
    known = {municipality.id for municipality in cast.municipalities}
    named = {*places, *(place for person in cast.people for place in person.municipalities)}
    yield from (f"no municipality {place!r} is described" for place in sorted(named - known))
    for village in cast.villages:
        yield from _faults_of(village)
    for municipality in cast.municipalities:
        yield from _unnamed(municipality.id, municipality.names)


def _faults_of(village: Village) -> Iterator[str]:
    yield from _unnamed(village.water_point, village.names)
    yield from _unnamed(village.water_point, village.sms_names)
    for name in village.sms_names.values():
        if len(name) > SMS_NAME_CHARS:
            yield f"{village.water_point}: {name!r} is longer than {SMS_NAME_CHARS} characters"
    hours = [hour for window in village.supply_hours for hour in window]
    is_rising = hours == sorted(set(hours)) and all(0 < hour < HOURS_OF_DAY for hour in hours)
    if not hours or not (is_rising or village.has_water_all_day):
        yield f"{village.water_point}: supply_hours must rise between 0 and 24, or be [[0, 24]] all day"


def _repeated(what: str, ids: Iterable[str]) -> Iterator[str]:
    return (f"{what} {name!r} occurs {times} times" for name, times in Counter(ids).items() if times > 1)


def _unnamed(what: str, names: Mapping[Language, str]) -> Iterator[str]:
    return (f"{what} has no name in {language}" for language in Language if not names.get(language))
