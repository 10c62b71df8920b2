"""The registry as intake needs it: which water point a device served at an instant, and what its probes can show.

A snapshot, read as a whole and replaced as a whole; intake asks it for every observation and never the database.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sqlalchemy import func, select

from firmware_config.datasheet import load
from server.database.engine import Database
from server.database.models import Deployment, Device, DeviceCertificate, Probe
from server.registry.bounds import DATASHEET, Climates, Layer, bounds_of
from server.registry.months import KnownMonths, Months
from server.registry.screening import OwnTests, Where, read_screening, sheets_of
from waterquality.errors import ConfigError
from waterquality.limits import Capability
from waterquality.parameters import Parameter
from waterquality.screening import Bounds
from waterquality.screening.months import climate_of
from waterquality.topics import shard

# One certificate that was not taken back is enough; an expired one is the broker's to refuse.
_WITHOUT_A_CERTIFICATE = (
    select(DeviceCertificate.device_id)
    .group_by(DeviceCertificate.device_id)
    .having(func.count() == func.count(DeviceCertificate.revoked_ms))
)


@dataclass(frozen=True, slots=True)
class Stay:
    """Device D served water point W from `since_ms` to before `until_ms` (None: until now)."""

    device: str
    water_point: str
    since_ms: int
    until_ms: int | None


@dataclass(frozen=True)
class Registry:
    """What is deployed where.

    Attributes:
        devices: ids of all registered devices.
        stays: all deployments, by device.
        capabilities: what each device's probes can show, by device and parameter.
        shut_out: devices that had certificates, all of which were taken back.
        own: what devices and water points are screened by, where the defaults are not for them.
        months: what is known of the months, by water point.
    """

    devices: frozenset[str] = frozenset()
    stays: Mapping[str, Sequence[Stay]] = field(default_factory=dict)
    capabilities: Mapping[str, Mapping[Parameter, Capability]] = field(default_factory=dict)
    shut_out: frozenset[str] = frozenset()
    own: OwnTests = field(default_factory=OwnTests)
    months: Mapping[str, KnownMonths] = field(default_factory=dict)

    def water_point(self, device: str, at_ms: int) -> str | None:
        """Where a device stood at an instant; None when it was deployed nowhere."""
        for stay in self.stays.get(device, ()):
            if stay.since_ms <= at_ms and (stay.until_ms is None or at_ms < stay.until_ms):
                return stay.water_point
        return None

    def bounds(self, place: tuple[str, str]) -> Mapping[Parameter, Bounds]:
        """By what the readings at a (water point, device) are screened; the same object each time."""
        known = self._bounds.get(place)
        if known is None:  # asked for at every observation, so worked out once for each snapshot
            capabilities, climates = self.capabilities.get(place[1], {}), self.climates(place[0])
            known = bounds_of(capabilities, self.layers(*place), climates)
            self._bounds[place] = known
        return known

    def climates(self, water_point: str) -> Climates:
        """The spans of the months at a water point, as far as its history is known."""
        return {
            parameter: climate_of(parameter, {month: known.month for month, known in months.items()})
            for parameter, months in self.months.get(water_point, {}).items()
        }

    def layers(self, water_point: str, device: str) -> Sequence[Layer]:
        """What is set for a device at a water point, from wide to narrow."""
        own = self.own
        each = (
            Layer(DATASHEET, own.models.get(device, {})),
            Layer(str(Where(device=device)), own.devices.get(device, {})),
            Layer(str(Where(water_point=water_point)), own.water_points.get(water_point, {})),
        )
        return [layer for layer in each if layer.tests]

    @cached_property
    def _bounds(self) -> dict[tuple[str, str], Mapping[Parameter, Bounds]]:
        return {}

    def devices_by_water_point(self) -> Mapping[str, Sequence[str]]:
        """The devices that serve each water point now."""
        devices: defaultdict[str, list[str]] = defaultdict(list)
        for stays in self.stays.values():
            for stay in stays:
                if stay.until_ms is None:
                    devices[stay.water_point].append(stay.device)
        return devices

    def shards_of(self, water_point: str) -> frozenset[str]:
        """The shards of all devices that ever served a water point: their backlogs may still be judged there."""
        return self._shards.get(water_point, frozenset())

    @cached_property
    def _shards(self) -> Mapping[str, frozenset[str]]:
        shards: defaultdict[str, set[str]] = defaultdict(set)
        for device, stays in self.stays.items():
            for stay in stays:
                shards[stay.water_point].add(shard(device))
        return {water_point: frozenset(each) for water_point, each in shards.items()}

    def water_points(self) -> frozenset[str]:
        """The water points that a device serves now."""
        return frozenset(self.devices_by_water_point())


CapabilityOf = Callable[[str], Capability | None]


def capability_of(model: str) -> Capability | None:
    """What a model can show, by its datasheet; None for one that has none (it then evidences no limit)."""
    try:
        return load(model).capability
    except ConfigError:
        return None


def read_registry(
    database: Database, known: CapabilityOf = capability_of, months: Months | None = None
) -> Registry:
    """Read the registry as it stands.

    Args:
        database: where it is.
        known: tells what a probe model can show.
        months: what was read of the months before; only what has changed since is read anew.

    Raises:
        DatabaseUnavailable: mended by time.
    """
    with database.reading() as connection:
        devices = frozenset(connection.scalars(select(Device.id)))
        stays: defaultdict[str, list[Stay]] = defaultdict(list)
        columns = (Deployment.device_id, Deployment.water_point_id, Deployment.since_ms, Deployment.until_ms)
        for row in connection.execute(select(*columns).order_by(Deployment.since_ms.desc())):
            stays[row[0]].append(Stay(*row))
        probes = connection.execute(select(Probe.device_id, Probe.parameter, Probe.model)).all()
        shut_out = frozenset(connection.scalars(_WITHOUT_A_CERTIFICATE))
        own = read_screening(connection, sheets_of((row[0], row[2]) for row in probes))
        by_month = (months or Months()).read(connection)
    capabilities: defaultdict[str, dict[Parameter, Capability]] = defaultdict(dict)
    for device, parameter, model in probes:
        capability = known(model)
        if capability is not None:
            capabilities[device][Parameter(parameter)] = capability
    return Registry(devices, dict(stays), dict(capabilities), shut_out, own, by_month)
