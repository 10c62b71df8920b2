"""What people ask of devices, written down: who, when, what, and what became of it. No network here.

Whoever publishes (`server.remote.courier`) reads what is owed from the same tables, so that a restart of either
side forgets nothing and everything that was ever asked can be looked up.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from firmware_config.device import DeviceConfig
from server.database.engine import Database
from server.database.models import Device
from server.database.remote_models import DeviceCommandRow, DeviceConfigRow, DeviceRunning
from waterquality.errors import ConfigError
from waterquality.wire.commands import Argument
from waterquality.wire.desired import MAX_CONFIG_LETTERS, Desired

PENDING, SUPERSEDED = "pending", "superseded"


@dataclass(frozen=True, slots=True)
class Configured:
    """The desired configuration of a device, and what the device runs.

    Attributes:
        version: of the desired one; 0 where nothing was ever desired.
        text: its TOML.
        sha256: its hash.
        who: who asked for it.
        made_ms: when, milliseconds since 1970, UTC.
        state: `pending`, `applied` or `refused` (older ones: `superseded`); "" where nothing was ever desired.
        reason: why it was refused.
        running_version: what the device last said that it runs; None before it has said anything.
        running_sha256: the hash of that.
        told_ms: when it said so.
    """

    version: int
    text: str
    sha256: str
    who: str
    made_ms: int
    state: str
    reason: str
    running_version: int | None
    running_sha256: str
    told_ms: int | None


class Desk:
    """Where configurations and commands are asked for.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def configure(self, config: DeviceConfig, text: str, *, device: str, who: str, now_ms: int) -> int:
        """Desire a configuration; returns its version. What is desired already gets no new one.

        Args:
            config: as it was read from the text, so that nothing unchecked is ever sent.
            text: of the TOML file.
            device: which one.
            who: whoever asks.
            now_ms: milliseconds since 1970, UTC.

        Raises:
            ConfigError: no such device, the configuration of another one, or a file too long; mended by the
                operator.
            DatabaseUnavailable: mended by time.
        """
        if config.device != device:
            raise ConfigError(f"device: this is the configuration of {config.device}, not of {device}")
        if len(text) > MAX_CONFIG_LETTERS:
            raise ConfigError(f"the file is longer than {MAX_CONFIG_LETTERS} letters")
        with self._database.writing() as connection:
            must_be_known(connection, device)
            newest = self._newest(connection, device)
            sha256 = Desired(1, text).sha256
            if newest is not None and newest["sha256"] == sha256 and newest["state"] != "refused":
                return int(newest["version"])
            version = 1 + max(
                0 if newest is None else newest["version"], self._running_version(connection, device)
            )
            connection.execute(
                update(DeviceConfigRow)
                .where(DeviceConfigRow.device_id == device, DeviceConfigRow.state == PENDING)
                .values(state=SUPERSEDED)
            )
            connection.execute(
                insert(DeviceConfigRow).values(
                    device_id=device,
                    version=version,
                    text=text,
                    sha256=sha256,
                    who=who[:120],
                    made_ms=now_ms,
                    state=PENDING,
                    reason="",
                )
            )
            return version

    def configured(self, device: str) -> Configured:
        """The desired configuration of a device, and what it runs.

        Raises:
            ConfigError: no such device; mended by the operator.
            DatabaseUnavailable: mended by time.
        """
        with self._database.reading() as connection:
            must_be_known(connection, device)
            row = self._newest(connection, device)
            running = (
                connection.execute(select(DeviceRunning.__table__).where(DeviceRunning.device_id == device))
                .mappings()
                .first()
            )
        return Configured(
            version=0 if row is None else row["version"],
            text="" if row is None else row["text"],
            sha256="" if row is None else row["sha256"],
            who="" if row is None else row["who"],
            made_ms=0 if row is None else row["made_ms"],
            state="" if row is None else row["state"],
            reason="" if row is None else row["reason"],
            running_version=None if running is None else running["version"],
            running_sha256="" if running is None else running["sha256"],
            told_ms=None if running is None else running["told_ms"],
        )

    def command(
        self,
        device: str,
        name: str,
        arguments: Mapping[str, Argument],
        *,
        who: str,
        now_ms: int,
        lasting_s: float,
    ) -> str:
        """Ask a command of a device; returns its id.

        Args:
            device: which one.
            name: of the command.
            arguments: of it.
            who: whoever asks.
            now_ms: milliseconds since 1970, UTC.
            lasting_s: seconds after which it is not to be done any more.

        Raises:
            ConfigError: no such device; mended by the operator.
            DatabaseUnavailable: mended by time.
        """
        id_ = f"c-{secrets.token_hex(8)}"
        with self._database.writing() as connection:
            must_be_known(connection, device)
            connection.execute(
                insert(DeviceCommandRow).values(
                    id=id_,
                    device_id=device,
                    name=name,
                    arguments=dict(arguments),
                    who=who[:120],
                    asked_ms=now_ms,
                    expires_ms=now_ms + round(lasting_s * 1000),
                )
            )
        return id_

    def reply(self, id_: str) -> dict[str, Any] | None:
        """What a device replied to a command; None while it has not.

        Raises:
            DatabaseUnavailable: mended by time.
        """
        with self._database.reading() as connection:
            row = connection.execute(
                select(DeviceCommandRow.reply).where(
                    DeviceCommandRow.id == id_, DeviceCommandRow.replied_ms.is_not(None)
                )
            ).first()
        return None if row is None else row[0]

    @staticmethod
    def _newest(connection: Connection, device: str) -> Mapping[Any, Any] | None:
        rows = connection.execute(
            select(DeviceConfigRow.__table__)
            .where(DeviceConfigRow.device_id == device)
            .order_by(DeviceConfigRow.version.desc())
            .limit(1)
        )
        return rows.mappings().first()

    @staticmethod
    def _running_version(connection: Connection, device: str) -> int:
        """What the device says that it runs: higher than ours where this database was restored."""
        found = connection.scalar(
            select(func.max(DeviceRunning.version)).where(DeviceRunning.device_id == device)
        )
        return int(found or 0)


def must_be_known(connection: Connection, device: str) -> None:
    """Refuse what is no registered device.

    Raises:
        ConfigError: mended by the operator.
    """
    if connection.scalar(select(Device.id).where(Device.id == device)) is None:
        raise ConfigError(f"no device {device} is registered")
