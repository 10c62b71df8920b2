"""Which certificates were issued and which were taken back, as the database knows it: the one home of that."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from server.authority.signing import Issued, Revoked
from server.database.models import Deployment, Device, DeviceCertificate, Probe, WaterPoint
from server.registry.reserved import is_real
from waterquality.readings import from_ms, to_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate of a device.

    Attributes:
        serial: hexadecimal.
        device: whose.
        not_after_ms: valid until, milliseconds since 1970 UTC.
        revoked_ms: taken back since; None when it was not.
    """

    serial: str
    device: str
    not_after_ms: int
    revoked_ms: int | None

    def is_in_force(self, now_ms: int) -> bool:
        """Whether the broker lets in who shows it."""
        return self.revoked_ms is None and now_ms < self.not_after_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A device as an administrator looks at it.

    Attributes:
        device: its id.
        water_point: where it stands; None when it stands nowhere.
        certificate: the newest; None when it never got one.
        seen_ms: when it was last heard; None for never.
        models: the models of its probes.
    """

    device: str
    water_point: str | None
    certificate: Certificate | None
    seen_ms: int | None
    models: tuple[str, ...]


def note_issued(connection: Connection, issued: Issued, now: datetime) -> None:
    """Book a certificate that was issued to a device."""
    row = {
        "serial": issued.serial,
        "device_id": issued.name,
        "issued_ms": to_ms(now),
        "not_before_ms": to_ms(issued.not_before),
        "not_after_ms": to_ms(issued.not_after),
        "why": "",
    }
    connection.execute(insert(DeviceCertificate).values(row))


def note_revoked(connection: Connection, device: str, now: datetime, why: str) -> int:
    """Book that every certificate of a device is taken back; returns how many there were to take."""
    standing = (DeviceCertificate.device_id == device) & DeviceCertificate.revoked_ms.is_(None)
    taken = update(DeviceCertificate).where(standing).values(revoked_ms=to_ms(now), why=why[:200])
    return connection.execute(taken).rowcount


def all_revoked(connection: Connection) -> list[Revoked]:
    """Everything that was taken back, oldest first."""
    columns = (DeviceCertificate.serial, DeviceCertificate.revoked_ms)
    rows = connection.execute(
        select(*columns)
        .where(DeviceCertificate.revoked_ms.is_not(None))
        .order_by(DeviceCertificate.revoked_ms)
    )
    return [Revoked(serial, from_ms(at_ms)) for serial, at_ms in rows if at_ms is not None]


def newest_certificates(connection: Connection) -> dict[str, Certificate]:
    """The newest certificate of each device that has one."""
    rows = connection.execute(
        select(
            DeviceCertificate.serial,
            DeviceCertificate.device_id.label("device"),
            DeviceCertificate.not_after_ms,
            DeviceCertificate.revoked_ms,
        ).order_by(DeviceCertificate.issued_ms)
    ).mappings()
    return {row["device"]: Certificate(**row) for row in rows}


def devices(connection: Connection) -> list[Listed]:
    """All devices, by id."""
    certificates = newest_certificates(connection)
    open_stays = select(Deployment.device_id, Deployment.water_point_id).where(Deployment.until_ms.is_(None))
    stands = {row.device_id: row.water_point_id for row in connection.execute(open_stays)}
    models: dict[str, list[str]] = {}
    for device, model in connection.execute(select(Probe.device_id, Probe.model).order_by(Probe.parameter)):
        models.setdefault(device, []).append(model)
    heard = connection.execute(
        select(Device.id, Device.status_ms, Device.health_ms).where(is_real(Device.id)).order_by(Device.id)
    )
    return [
        Listed(
            device=device,
            water_point=stands.get(device),
            certificate=certificates.get(device),
            seen_ms=max(filter(None, (status_ms, health_ms)), default=None),
            models=tuple(models.get(device, ())),
        )
        for device, status_ms, health_ms in heard
    ]


def water_points(connection: Connection) -> list[str]:
    """The ids of all water points."""
    return list(
        connection.scalars(select(WaterPoint.id).where(is_real(WaterPoint.id)).order_by(WaterPoint.id))
    )
