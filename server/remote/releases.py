"""Which device should run which signed version, written down, and how far each has come."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select

from server.database.engine import Database
from server.database.models import Device
from server.database.remote_models import DeviceUpdate, SoftwareRelease
from server.database.statements import upsert
from server.registry.reserved import is_real
from server.remote.desk import PENDING, must_be_known
from server.remote.signing import Artefact
from waterquality.errors import ConfigError
from waterquality.wire.updates import encode_offer


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the update of a device has come.

    Attributes:
        device: which one.
        wanted: the version that it should run.
        running: what it says that it runs; "" before it has said anything.
        state: `pending`, `under_way`, `installed`, `refused` or `rolled_back`.
        reason: why, or what is under way.
        who: who asked.
        asked_ms: when, milliseconds since 1970, UTC.
    """

    device: str
    wanted: str
    running: str
    state: str
    reason: str
    who: str
    asked_ms: int


class Releases:
    """Where updates are asked for.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def publish(
        self, artefact: Artefact, url: str, *, devices: Sequence[str], who: str, now_ms: int
    ) -> Sequence[str]:
        """Have devices run a signed version; returns which ones.

        Args:
            artefact: as it was signed.
            url: where devices fetch it; https.
            devices: which ones; none is all that are registered.
            who: whoever asks.
            now_ms: milliseconds since 1970, UTC.

        Raises:
            ConfigError: no such device, or no such address; mended by the operator.
            DatabaseUnavailable: mended by time.
        """
        if not url.startswith("https://"):
            raise ConfigError(f"{url}: devices fetch over https only")
        manifest, offer = artefact.manifest, encode_offer(replace(artefact.offer, url=url))
        with self._database.writing() as connection:
            for device in devices:
                must_be_known(connection, device)
            meant = (
                devices
                or connection.scalars(select(Device.id).where(is_real(Device.id)).order_by(Device.id)).all()
            )
            release = {
                "version": manifest.version,
                "offer": offer.decode(),
                "who": who[:120],
                "made_ms": now_ms,
            }
            upsert(connection, SoftwareRelease, {"sha256": manifest.sha256}, release)
            wanted = {
                "release": manifest.sha256,
                "who": who[:120],
                "asked_ms": now_ms,
                "state": PENDING,
                "reason": "",
            }
            for device in meant:
                known = connection.scalar(
                    select(DeviceUpdate.running).where(DeviceUpdate.device_id == device)
                )
                upsert(connection, DeviceUpdate, {"device_id": device}, {**wanted, "running": known or ""})
        return list(meant)

    def standings(self) -> list[Standing]:
        """How far every device has come that was ever asked to run another version.

        Raises:
            DatabaseUnavailable: mended by time.
        """
        rows = (
            select(
                DeviceUpdate.device_id,
                SoftwareRelease.version,
                DeviceUpdate.running,
                DeviceUpdate.state,
                DeviceUpdate.reason,
                DeviceUpdate.who,
                DeviceUpdate.asked_ms,
            )
            .join(SoftwareRelease, SoftwareRelease.sha256 == DeviceUpdate.release)
            .order_by(DeviceUpdate.device_id)
        )
        with self._database.reading() as connection:
            return [Standing(*row) for row in connection.execute(rows)]
