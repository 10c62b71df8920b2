"""What devices are owed now, read from the database: the newest configuration, commands, an update."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from server.database.remote_models import DeviceCommandRow, DeviceConfigRow, DeviceUpdate, SoftwareRelease
from waterquality.wire.commands import Command, encode_command
from waterquality.wire.desired import Desired, encode_desired

CONFIG, UPDATE = "config", "update"


@dataclass(frozen=True, slots=True)
class Owed:
    """A message that a device should get.

    Attributes:
        device: which one.
        channel: the topic's last part.
        key: tells one owed thing of a device from another.
        payload: what to send.
        is_retained: whether the broker is to keep it for the device.
    """

    device: str
    channel: str
    key: str
    payload: bytes
    is_retained: bool


def owed_to_devices(connection: Connection, now_ms: int) -> list[Owed]:
    """Everything that is owed and not yet answered.

    Args:
        connection: to the database.
        now_ms: milliseconds since 1970, UTC; commands that have expired are owed no more.
    """
    return [*_configs(connection), *_commands(connection, now_ms), *_updates(connection)]


def _configs(connection: Connection) -> Iterator[Owed]:
    rows = connection.execute(
        select(DeviceConfigRow.device_id, DeviceConfigRow.version, DeviceConfigRow.text).where(
            DeviceConfigRow.state == "pending"
        )
    )
    for device, version, text in rows:
        yield Owed(device, "config", CONFIG, encode_desired(Desired(version, text)), is_retained=True)


def _commands(connection: Connection, now_ms: int) -> Iterator[Owed]:
    rows = connection.execute(
        select(
            DeviceCommandRow.id,
            DeviceCommandRow.device_id,
            DeviceCommandRow.name,
            DeviceCommandRow.arguments,
            DeviceCommandRow.expires_ms,
        )
        .where(DeviceCommandRow.replied_ms.is_(None), DeviceCommandRow.expires_ms > now_ms)
        .order_by(DeviceCommandRow.asked_ms)
    )
    for id_, device, name, arguments, expires_ms in rows:
        payload = encode_command(Command(id_, name, expires_ms, arguments))
        yield Owed(device, "command", id_, payload, is_retained=False)


def _updates(connection: Connection) -> Iterator[Owed]:
    rows = connection.execute(
        select(DeviceUpdate.device_id, SoftwareRelease.offer)
        .join(SoftwareRelease, SoftwareRelease.sha256 == DeviceUpdate.release)
        .where(DeviceUpdate.state.in_(("pending", "under_way")))
    )
    for device, offer in rows:
        yield Owed(device, "update", UPDATE, offer.encode(), is_retained=True)
