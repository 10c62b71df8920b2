"""Correcting afterwards where a device stood: its deployments, and what must move because of it.

What was told in alerts stays as it was told: people acted on it. Custody knows no water points and stays too.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, insert, select

from server.database.models import Deployment, WaterPoint
from server.keeping import ask_for
from server.registry.snapshot import Stay
from server.store.port import Move
from server.store.span import LATEST_MS
from waterquality.errors import ConfigError

_EVER_MS = LATEST_MS + 1


def correct(
    connection: Connection,
    device: str,
    water_point: str,
    *,
    since_ms: int,
    until_ms: int | None,
    who: str,
    now_ms: int,
) -> Sequence[Move]:
    """A device stood at a water point from `since_ms` to before `until_ms` (None: until now and on).

    Its deployments are rewritten, and what was stored under another water point is asked to be moved, in one
    transaction. The same again changes nothing.

    Returns:
        what must move.

    Raises:
        ConfigError: no such water point, or no time between; mended by the operator.
    """
    if until_ms is not None and until_ms <= since_ms:
        raise ConfigError(f"{device}: `until` must come after `since`")
    if connection.scalar(select(WaterPoint.id).where(WaterPoint.id == water_point)) is None:
        raise ConfigError(f"{water_point}: no such water point; register it first")
    query = select(Deployment.since_ms, Deployment.until_ms, Deployment.water_point_id)
    rows = connection.execute(query.where(Deployment.device_id == device).order_by(Deployment.since_ms))
    stays = [Stay(device, point, since, until) for since, until, point in rows]
    right = Stay(device, water_point, since_ms, until_ms)
    corrected, moves = with_stay(stays, right), moved_by(stays, right)
    if corrected != stays:
        connection.execute(delete(Deployment).where(Deployment.device_id == device))
        for stay in corrected:
            connection.execute(
                insert(Deployment).values(
                    device_id=device,
                    water_point_id=stay.water_point,
                    since_ms=stay.since_ms,
                    until_ms=stay.until_ms,
                )
            )
        ask_for(connection, moves, who=who, now_ms=now_ms)
    return moves


def with_stay(stays: Iterable[Stay], right: Stay) -> list[Stay]:
    """Stays in order, this one among them; what it overlaps gives way, and neighbours at one point are one stay."""
    kept = [part for stay in stays for part in _outside(stay, right)]
    joined: list[Stay] = []
    for stay in sorted([*kept, right], key=lambda stay: stay.since_ms):
        last = joined[-1] if joined else None
        if last is not None and (last.water_point, last.until_ms) == (stay.water_point, stay.since_ms):
            joined[-1] = Stay(stay.device, stay.water_point, last.since_ms, stay.until_ms)
        else:
            joined.append(stay)
    return joined


def moved_by(stays: Iterable[Stay], right: Stay) -> list[Move]:
    """What was stored elsewhere while the device stood there."""
    moves = []
    for stay in stays:
        since_ms, until_ms = max(stay.since_ms, right.since_ms), min(_end(stay), _end(right))
        if stay.water_point != right.water_point and since_ms < until_ms:
            moves.append(Move(stay.device, stay.water_point, right.water_point, since_ms, until_ms))
    return moves


def _outside(stay: Stay, right: Stay) -> Iterable[Stay]:
    if stay.since_ms < right.since_ms:
        end_ms = min(_end(stay), right.since_ms)
        yield Stay(stay.device, stay.water_point, stay.since_ms, _until(end_ms))
    if _end(stay) > _end(right):
        yield Stay(stay.device, stay.water_point, max(stay.since_ms, _end(right)), stay.until_ms)


def _end(stay: Stay) -> int:
    return _EVER_MS if stay.until_ms is None else stay.until_ms


def _until(end_ms: int) -> int | None:
    return None if end_ms == _EVER_MS else end_ms
