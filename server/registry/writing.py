"""Registering municipalities, water points, devices and rules. The same again changes nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from alerts.specs import AnySpec
from alerts.supply import Supply
from alerts.texts import check_site_name
from server.database.models import (
    Deployment,
    Device,
    Municipality,
    Probe,
    RuleRow,
    WaterPoint,
)
from server.database.statements import upsert
from server.registry.reserved import DRILL_DEVICE
from waterquality.errors import ConfigError
from waterquality.languages import Language
from waterquality.parameters import Parameter
from waterquality.readings import DEVICE_ID

Names = Mapping[Language, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWaterPoint:
    """A water point to register; names are keyed by language."""

    id: str
    municipality: str
    names: Names
    sms_names: Names
    lat: float
    lon: float
    supply: str = ""


def add_municipality(connection: Connection, name: str, names: Names) -> None:
    """Register a municipality."""
    upsert(connection, Municipality, {"id": name}, {"names": _plain(names)})


def add_water_point(connection: Connection, new: NewWaterPoint) -> None:
    """Register a water point.

    Raises:
        ConfigError: a short name would push a text over one segment; mended by the operator.
    """
    for language, name in new.sms_names.items():
        reason = check_site_name(name, language)
        if reason:
            message = f"{new.id}: short name {name!r} ({language}): {reason}"
            raise ConfigError(message)
    values = {
        "municipality_id": new.municipality,
        "names": _plain(new.names),
        "sms_names": _plain(new.sms_names),
        "lat": new.lat,
        "lon": new.lon,
    }
    upsert(connection, WaterPoint, {"id": new.id}, values)
    if new.supply:  # a file that does not say it takes nothing back
        set_supply(connection, new.id, new.supply)


def set_supply(connection: Connection, water_point: str, text: str) -> None:
    """Say when water is due at a water point; "" takes it back.

    Raises:
        ConfigError: it is no calendar, or the water point is not registered; mended by the operator.
    """
    try:
        tidy = str(Supply.parse(text)) if text else ""
    except ValueError as error:
        raise ConfigError(f"{water_point}: supply: {error}") from error
    here = WaterPoint.id == water_point
    if connection.scalar(select(WaterPoint.id).where(here)) is None:
        raise ConfigError(f"{water_point}: no water point of this id is registered")
    connection.execute(update(WaterPoint).where(here).values(supply=tidy))


def add_device(connection: Connection, device: str, models: Mapping[Parameter, str], at_ms: int) -> None:
    """Register a device with the models of its probes.

    Raises:
        ConfigError: the id is not of the form `kk-0007`; mended by the operator.
    """
    check_device_id(device)
    if connection.scalar(select(Device.id).where(Device.id == device)) is None:
        connection.execute(insert(Device).values(id=device, registered_ms=at_ms))
    set_probes(connection, device, models)


def check_device_id(device: str) -> None:
    """Refuse what is no device id.

    Raises:
        ConfigError: it is not of the form `kk-0007`, or kept for the drill; mended by the operator.
    """
    if not DEVICE_ID.fullmatch(device):
        message = f"{device!r} is no device id: two letters, a hyphen, at least four digits, e.g. kk-0007"
        raise ConfigError(message)
    if device == DRILL_DEVICE:
        raise ConfigError(f"{device} is kept for the drill; give the device another id")


def set_probes(connection: Connection, device: str, models: Mapping[Parameter, str]) -> None:
    """A registered device carries these probes and no others."""
    connection.execute(delete(Probe).where(Probe.device_id == device))
    for parameter, model in models.items():
        connection.execute(insert(Probe).values(device_id=device, parameter=str(parameter), model=model))


def deploy(connection: Connection, device: str, water_point: str, since_ms: int) -> None:
    """A device serves a water point from now on; its stay elsewhere ends. Where it is already, it stays."""
    if standing(connection, device) == water_point:
        return
    open_stay = (Deployment.device_id == device) & Deployment.until_ms.is_(None)
    connection.execute(update(Deployment).where(open_stay).values(until_ms=since_ms))
    connection.execute(
        insert(Deployment).values(device_id=device, water_point_id=water_point, since_ms=since_ms)
    )


def standing(connection: Connection, device: str) -> str | None:
    """The water point that a device serves now; None when it serves none."""
    open_stay = (Deployment.device_id == device) & Deployment.until_ms.is_(None)
    return connection.scalar(select(Deployment.water_point_id).where(open_stay))


def _plain(names: Names) -> dict[str, str]:
    return {str(language): name for language, name in names.items()}


def seed_rules(connection: Connection, rules: Iterable[AnySpec]) -> None:
    """Give a server its first rules; one that has any keeps its own."""
    if connection.scalar(select(func.count()).select_from(RuleRow)):
        return
    for rule in rules:
        put_rule(connection, rule)


def put_rule(connection: Connection, rule: AnySpec) -> None:
    """Put a rule in force, or change the one of this name."""
    upsert(connection, RuleRow, {"id": rule.id}, {"spec": rule.model_dump(mode="json")})
