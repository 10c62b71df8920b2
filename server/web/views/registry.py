"""What the pages know of places and devices, read from the registry."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, or_, select

from firmware_config.datasheet import load
from server.database.models import Deployment, Device, Municipality, Probe, WaterPoint
from server.registry.reserved import is_real
from waterquality.errors import ConfigError, RejectedError
from waterquality.limits import Capability
from waterquality.parameters import Parameter


class UnknownWaterPoint(RejectedError):
    """No water point has this id; mended by nobody."""


@dataclass(frozen=True, slots=True)
class Place:
    """A municipality; names by language."""

    id: str
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Point:
    """A water point; names by language, coordinates in degrees (WGS 84)."""

    id: str
    names: Mapping[str, str]
    municipality: Place
    lat: float
    lon: float

    def is_called(self, text: str) -> bool:
        """Whether a search text occurs in its id or in any of its names, in any language."""
        wanted = text.casefold()
        return any(wanted in name.casefold() for name in (self.id, *self.names.values()))


@dataclass(frozen=True, slots=True)
class Served:
    """A device, and when it served the water point: open-ended while `until_ms` is None.

    Attributes:
        device: its id.
        is_online: what the broker last said; None where it never said anything.
        heard_ms: when status or health last came; None before the first.
        since_ms: begin of the deployment.
        until_ms: its end.
        health: what the device last said of itself.
    """

    device: str
    is_online: bool | None
    heard_ms: int | None
    since_ms: int
    until_ms: int | None
    health: Mapping[str, Any]


def municipalities(connection: Connection) -> Sequence[Place]:
    """Every municipality, by id."""
    rows = connection.execute(
        select(Municipality.id, Municipality.names).where(is_real(Municipality.id)).order_by(Municipality.id)
    )
    return [Place(row.id, row.names) for row in rows]


def points(connection: Connection) -> Sequence[Point]:
    """Every water point, by id."""
    return [_point(row) for row in connection.execute(_POINTS.order_by(WaterPoint.id))]


def point(connection: Connection, water_point: str) -> Point:
    """One water point.

    Raises:
        UnknownWaterPoint: mended by nobody.
    """
    row = connection.execute(_POINTS.where(WaterPoint.id == water_point)).one_or_none()
    if row is None:
        raise UnknownWaterPoint(f"there is no water point {water_point!r}")
    return _point(row)


def served(connection: Connection, water_point: str) -> Sequence[Served]:
    """The devices that serve or served a water point, newest deployment first."""
    rows = connection.execute(
        select(Deployment.since_ms, Deployment.until_ms, Device)
        .join(Device, Device.id == Deployment.device_id)
        .where(Deployment.water_point_id == water_point)
        .order_by(Deployment.since_ms.desc())
    )
    return [
        Served(
            row.id,
            row.is_online,
            max((at for at in (row.status_ms, row.health_ms) if at is not None), default=None),
            row.since_ms,
            row.until_ms,
            row.health or {},
        )
        for row in rows
    ]


def measured(connection: Connection, now_ms: int) -> Mapping[str, Mapping[Parameter, Capability | None]]:
    """What the probes of the device at each water point measure now and can show, by water point.

    A model without a datasheet has no capability, and so evidences no limit.
    """
    rows = connection.execute(
        select(Deployment.water_point_id, Probe.parameter, Probe.model)
        .join(Probe, Probe.device_id == Deployment.device_id)
        .where(Deployment.since_ms <= now_ms)
        .where(or_(Deployment.until_ms.is_(None), Deployment.until_ms > now_ms))
    )
    found: defaultdict[str, dict[Parameter, Capability | None]] = defaultdict(dict)
    for row in rows:
        found[row.water_point_id][Parameter(row.parameter)] = _capability(row.model)
    return found


def _capability(model: str) -> Capability | None:
    try:
        return load(model).capability
    except ConfigError:
        return None


_POINTS = (
    select(
        WaterPoint.id,
        WaterPoint.names,
        WaterPoint.lat,
        WaterPoint.lon,
        WaterPoint.municipality_id,
        Municipality.names.label("municipality_names"),
    )
    .join(Municipality, Municipality.id == WaterPoint.municipality_id)
    .where(is_real(WaterPoint.id))
)


def _point(row: Any) -> Point:
    return Point(row.id, row.names, Place(row.municipality_id, row.municipality_names), row.lat, row.lon)
