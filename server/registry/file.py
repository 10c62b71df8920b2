"""A registry written by hand: one TOML file of municipalities, water points, devices and people.

What a small deployment keeps in git and loads with `tskaro registry load`; the database is where it lives.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, Field, ValidationError, model_validator
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from alerts.specs import RuleSpec
from alerts.supply import Supply
from firmware_config.errors import Problem
from firmware_config.refusal import config_error, read_toml, refuse
from firmware_config.screening import ParameterTests, problems_of
from server.database.engine import Database
from server.registry.consent import take_from_list
from server.registry.correcting import correct
from server.registry.people import add_person
from server.registry.person_entry import Id, Part, PersonEntry
from server.registry.screening import Where, put_screening
from server.registry.writing import (
    NewWaterPoint,
    add_device,
    add_municipality,
    add_water_point,
    deploy,
    put_rule,
    standing,
)
from waterquality.errors import ConfigError
from waterquality.languages import Language
from waterquality.parameters import Parameter
from waterquality.readings import to_ms


def _calendar(text: str) -> str:
    """A supply calendar, tidied; refused with an example where it is none."""
    return str(Supply.parse(text)) if text else ""


class MunicipalityEntry(Part):
    """A municipality; names by language."""

    id: Id
    names: dict[Language, str]


class WaterPointEntry(Part):
    """A water point and the device that serves it."""

    id: Id
    municipality: Id
    names: dict[Language, str]
    sms_names: dict[Language, str]
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    supply: Annotated[str, AfterValidator(_calendar)] = ""


class DeviceEntry(Part):
    """A device, the models of its probes, and where it stands since when (None: since the file is loaded)."""

    id: str
    water_point: Id | None = None
    since: AwareDatetime | None = None
    probes: dict[Parameter, str] = Field(default_factory=dict)


class ScreeningEntry(Part):
    """How the readings of a device or at a water point are screened, where the defaults are not for it."""

    water_point: Id | None = None
    device: str | None = None
    turbidity: ParameterTests | None = None
    ph: ParameterTests | None = None
    flow: ParameterTests | None = None
    volume: ParameterTests | None = None
    temperature: ParameterTests | None = None

    @model_validator(mode="after")
    def _of_one_and_in_its_units(self) -> Self:
        found = [
            problem for name, tests in self.tests().items() for problem in problems_of(name, tests, name)
        ]
        if (self.water_point is None) == (self.device is None):
            found.insert(0, Problem("", "name a `water_point` or a `device`, and not both"))
        refuse(found)
        return self

    def tests(self) -> Mapping[Parameter, ParameterTests]:
        """What is set, by parameter."""
        each = {parameter: getattr(self, parameter) for parameter in Parameter}
        return {parameter: tests for parameter, tests in each.items() if tests is not None}


class RegistryFile(Part):
    """The whole file."""

    municipality: tuple[MunicipalityEntry, ...] = ()
    water_point: tuple[WaterPointEntry, ...] = ()
    device: tuple[DeviceEntry, ...] = ()
    person: tuple[PersonEntry, ...] = ()
    rule: tuple[RuleSpec, ...] = ()
    screening: tuple[ScreeningEntry, ...] = ()


def read_registry_file(path: Path) -> RegistryFile:
    """Read and check a registry file.

    Raises:
        ConfigRefused: with every problem as `file: key: reason`; mended by the operator.
    """
    try:
        return RegistryFile.model_validate(read_toml(path))
    except ValidationError as error:
        raise config_error(path, error, RegistryFile) from error


def load_registry(file: RegistryFile, database: Database, now_ms: int) -> None:
    """Register everything in a file, as a whole. Loading it again changes nothing.

    Raises:
        ConfigError: something in it cannot be registered; nothing was; mended by the operator.
        DatabaseUnavailable: nothing was registered; mended by time.
    """
    try:
        with database.writing() as connection:
            _register(file, connection, now_ms)
    except IntegrityError as error:
        message = f"something is named that is nowhere registered: {error.orig} ({error.params})"
        raise ConfigError(message) from error


def _register(file: RegistryFile, connection: Connection, now_ms: int) -> None:
    for rule in file.rule:
        put_rule(connection, rule)
    for municipality in file.municipality:
        add_municipality(connection, municipality.id, municipality.names)
    for point in file.water_point:
        add_water_point(connection, NewWaterPoint(**dict(point)))
    for device in file.device:
        add_device(connection, device.id, device.probes, now_ms)
        if device.water_point is not None:
            _stands(connection, device, device.water_point, now_ms)
    for person in file.person:
        add_person(connection, person.person())
        if person.consent is not None:
            given = person.consent
            take_from_list(
                connection,
                person.id,
                wording=given.wording,
                at=given.at(),
                source="registry file",
                now_ms=now_ms,
            )
    for screening in file.screening:
        where = Where(screening.water_point or "", screening.device or "")
        put_screening(connection, where, screening.tests())


def _stands(connection: Connection, device: DeviceEntry, water_point: str, now_ms: int) -> None:
    """Where it is already, it stays; what it measured elsewhere since then moves along."""
    if device.since is None or standing(connection, device.id) == water_point:
        deploy(connection, device.id, water_point, now_ms)
        return
    since_ms = to_ms(device.since)
    correct(
        connection, device.id, water_point, since_ms=since_ms, until_ms=None, who="registry", now_ms=now_ms
    )
