"""What devices and water points are screened by, where the defaults are not for them: written, and read whole.

Invariant: what is set for a parameter of one of them replaces all that was set before; set to nothing, it is gone.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from pydantic import ValidationError
from sqlalchemy import Connection, delete, select

from firmware_config.datasheet import load
from firmware_config.screening import ParameterTests
from server.database.models import Device, WaterPoint
from server.database.screening_models import ScreeningRow
from server.database.statements import upsert
from waterquality.errors import ConfigError
from waterquality.parameters import Parameter

_log = structlog.get_logger()
ByParameter = Mapping[Parameter, ParameterTests]


@dataclass(frozen=True, slots=True)
class Where:
    """A water point or a device; the other is empty."""

    water_point: str = ""
    device: str = ""

    def __str__(self) -> str:
        return f"water point {self.water_point}" if self.water_point else f"device {self.device}"


@dataclass(frozen=True, slots=True)
class OwnTests:
    """All that is set.

    Attributes:
        models: by the datasheets of a device's probes, by device.
        devices: for a device.
        water_points: for a water point.
    """

    models: Mapping[str, ByParameter] = field(default_factory=dict)
    devices: Mapping[str, ByParameter] = field(default_factory=dict)
    water_points: Mapping[str, ByParameter] = field(default_factory=dict)


def put_screening(connection: Connection, where: Where, tests: ByParameter) -> None:
    """Set what a water point or a device is screened by; parameters that are not named keep what they had.

    Raises:
        ConfigError: it is nowhere registered; mended by the operator.
    """
    known = select(WaterPoint.id).where(WaterPoint.id == where.water_point)
    if where.device:
        known = select(Device.id).where(Device.id == where.device)
    if connection.scalar(known) is None:
        raise ConfigError(f"screening: {where} is nowhere registered")
    for parameter, each in tests.items():
        key = {
            "water_point_id": where.water_point,
            "device_id": where.device,
            "parameter": str(parameter),
        }
        if each.named():
            upsert(
                connection, ScreeningRow, key, {"tests": each.model_dump(mode="json", exclude_defaults=True)}
            )
        else:
            connection.execute(delete(ScreeningRow).filter_by(**key))


def sheets_of(probes: Iterable[tuple[str, str]]) -> Mapping[str, ByParameter]:
    """What the datasheets of probes set, by device.

    Args:
        probes: device and model.
    """
    found: defaultdict[str, dict[Parameter, ParameterTests]] = defaultdict(dict)
    for device, model in probes:
        with suppress(ConfigError):  # a model without a sheet has nothing of its own
            sheet = load(model)
            if sheet.screening is not None:
                found[device][sheet.parameter] = sheet.screening
    return dict(found)


def read_screening(connection: Connection, models: Mapping[str, ByParameter]) -> OwnTests:
    """All that is set.

    Args:
        connection: of the database.
        models: what the datasheets say, by device.
    """
    devices: defaultdict[str, dict[Parameter, ParameterTests]] = defaultdict(dict)
    points: defaultdict[str, dict[Parameter, ParameterTests]] = defaultdict(dict)
    columns = (
        ScreeningRow.water_point_id,
        ScreeningRow.device_id,
        ScreeningRow.parameter,
        ScreeningRow.tests,
    )
    for point, device, parameter, tests in connection.execute(select(*columns)):
        mine = points[point] if point else devices[device]
        try:
            mine[Parameter(parameter)] = ParameterTests.model_validate(tests)
        except ValidationError as error:
            _log.error("screening_unusable", water_point=point, device=device, detail=str(error))
    return OwnTests(models, dict(devices), dict(points))
