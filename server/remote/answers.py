"""What devices answer, written beside what they were asked. Each writer says what the device turns out to lack."""

from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from server.database.models import Device
from server.database.remote_models import DeviceCommandRow, DeviceConfigRow, DeviceRunning, DeviceUpdate
from server.database.statements import letters, upsert
from server.remote.owed import CONFIG, UPDATE
from waterquality.wire.commands import as_table, decode_reply
from waterquality.wire.desired import Applied, decode_applied
from waterquality.wire.updates import UpdateState, decode_progress

_OVERTAKEN = (
    "the device was told version {} before, by a server that this database knows nothing of; ask again"
)


def write_applied(connection: Connection, device: str, payload: bytes, now_ms: int) -> Sequence[str]:
    """Write what a device runs and what became of its newest configuration.

    Raises:
        Malformed: it is no such message; mended by nobody.
        DatabaseUnavailable: mended by time.
    """
    applied = decode_applied(payload)
    if connection.scalar(select(Device.id).where(Device.id == device)) is None:
        return ()
    running = {
        "version": applied.running_version,
        "sha256": applied.running_sha256,
        "told_ms": now_ms,
    }
    upsert(connection, DeviceRunning, {"device_id": device}, running)
    desired = connection.execute(
        select(DeviceConfigRow.version, DeviceConfigRow.state)
        .where(DeviceConfigRow.device_id == device)
        .order_by(DeviceConfigRow.version.desc())
        .limit(1)
    ).first()
    if desired is None or desired.state != "pending":
        return ()
    if applied.version < desired.version:
        return (CONFIG,)
    state, reason = _outcome(applied, desired.version)
    connection.execute(
        update(DeviceConfigRow)
        .where(DeviceConfigRow.device_id == device, DeviceConfigRow.version == desired.version)
        .values(state=state, reason=letters(reason), answered_ms=now_ms)
    )
    return ()


def _outcome(applied: Applied, desired: int) -> tuple[str, str]:
    if applied.version > desired:
        return "refused", _OVERTAKEN.format(applied.version)
    return str(applied.state), applied.reason


def write_reply(connection: Connection, device: str, payload: bytes, now_ms: int) -> Sequence[str]:
    """Write what a device replied to a command; the first reply stands.

    Raises:
        Malformed: it is no reply; mended by nobody.
        DatabaseUnavailable: mended by time.
    """
    reply = decode_reply(payload)
    connection.execute(
        update(DeviceCommandRow)
        .where(
            DeviceCommandRow.id == reply.id,
            DeviceCommandRow.device_id == device,
            DeviceCommandRow.replied_ms.is_(None),
        )
        .values(reply=as_table(reply), replied_ms=now_ms)
    )
    return ()


def write_progress(connection: Connection, device: str, payload: bytes, now_ms: int) -> Sequence[str]:
    """Write how far a device's update has come.

    Raises:
        Malformed: it is no progress; mended by nobody.
        DatabaseUnavailable: mended by time.
    """
    progress = decode_progress(payload)
    of_device = update(DeviceUpdate).where(DeviceUpdate.device_id == device)
    connection.execute(of_device.values(running=letters(progress.running), told_ms=now_ms))
    wanted = connection.execute(
        select(DeviceUpdate.release, DeviceUpdate.state).where(DeviceUpdate.device_id == device)
    ).first()
    if wanted is None or wanted.state not in ("pending", UpdateState.UNDER_WAY):
        return ()
    if progress.sha256 != wanted.release:
        return (UPDATE,)
    connection.execute(of_device.values(state=str(progress.state), reason=letters(progress.reason)))
    return ()
