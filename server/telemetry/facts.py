"""What the database knows of devices, alerts, texts and custody, in figures.

Told by one process alone, the one with the notifier, so that no sum over processes counts anything twice.

**Bounded**: a handful of questions, none of which reads a table that only grows. At most `most_devices` devices
have figures of their own: those that were registered last, so that the same ones stay. The numbers of the books are
added up over the newest 2,000 in which something is missing or awaited; beyond that they are a lower bound.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, RowMapping, and_, func, not_, or_, select

from alerts.lifecycle import Phase
from alerts.ports import Fate, Lane
from alerts.rules import NoDataRule, OffRule, Rule
from alerts.specs import rule_from
from alerts.transports.spending import day_of
from server.database.engine import Database
from server.database.lease_models import ShardLeaseRow
from server.database.models import (
    AlertRow,
    CustodyRow,
    Deployment,
    Device,
    NotificationRow,
    QuarantineRow,
    RuleRow,
)
from server.database.spending_models import SpendingRow
from server.database.statements import spans_of
from server.ingest.leases import database_ms
from server.registry.reserved import is_real
from server.telemetry.catalogue import Point
from waterquality.intervals import IntervalSet
from waterquality.readings import to_ms

_PHASES = (Phase.PENDING, Phase.FIRING, Phase.RECOVERING, Phase.UNKNOWN)
_MOST_BOOKS = 2_000
_SETS = ("stored", "noted", "quarantined", "gaps", "missing")


def facts(database: Database, most_devices: int, now: datetime) -> Sequence[Point]:
    """What is known now.

    Args:
        database: registry, ledger, custody.
        most_devices: how many devices have figures of their own.
        now: the server's time.

    Raises:
        DatabaseUnavailable: mended by time.
    """
    with database.reading() as connection:
        lacking = _lacking(connection)
        return [
            *_alerts(connection),
            *_texts(connection, to_ms(now)),
            *_spending(connection, now),
            *_custody(connection, lacking),
            *_shards(connection),
            *_devices(connection, most_devices, lacking),
        ]


def _alerts(connection: Connection) -> Iterator[Point]:
    rules = {name: _rule(spec) for name, spec in connection.execute(select(RuleRow.id, RuleRow.spec))}
    query = (
        select(AlertRow.rule_id, AlertRow.phase, func.count())
        .where(AlertRow.lane == str(Lane.LIVE), AlertRow.phase.in_(_PHASES), is_real(AlertRow.water_point_id))
        .group_by(AlertRow.rule_id, AlertRow.phase)
    )
    counts = {(rule, phase): count for rule, phase, count in connection.execute(query)}
    for name in sorted(rules.keys() | {rule for rule, _ in counts}):
        rule = rules.get(name)
        severity = "unknown" if rule is None else str(rule.severity)
        for phase in _PHASES:
            yield Point("tskaro_alerts", counts.get((name, phase), 0), (name, severity, str(phase)))
    silence = [name for name, rule in rules.items() if isinstance(rule, NoDataRule)]
    yield Point("tskaro_water_points_silent", _silent(connection, silence))


def _silent(connection: Connection, rules: Collection[str]) -> int:
    query = select(func.count(AlertRow.water_point_id.distinct())).where(
        AlertRow.lane == str(Lane.LIVE), AlertRow.phase == Phase.FIRING, AlertRow.rule_id.in_(rules)
    )
    return connection.scalar(query) or 0


def _rule(spec: object) -> Rule | None:
    try:
        rule = rule_from(spec)
    except ValidationError:  # the log of ingest says so
        return None
    return None if isinstance(rule, OffRule) else rule


def _texts(connection: Connection, now_ms: int) -> Iterator[Point]:
    row = NotificationRow
    # By the index of what is due; what is held until its time is not late.
    is_held = and_(row.held != "", row.attempts == 0, row.due_ms > now_ms)
    owed = (row.due_ms.is_not(None), row.fate == str(Fate.QUEUED), not_(is_held))
    count, oldest_ms = connection.execute(select(func.count(), func.min(row.owed_ms)).where(*owed)).one()
    yield Point("tskaro_notifications_owed", count)
    age_s = 0.0 if oldest_ms is None else max(0.0, (now_ms - oldest_ms) / 1000)
    yield Point("tskaro_notifications_oldest_owed_age_seconds", age_s)


def _spending(connection: Connection, now: datetime) -> Iterator[Point]:
    row = SpendingRow
    today = select(row.gateway, row.tetri, row.segments).where(row.day == day_of(now).isoformat())
    for gateway, tetri, segments in connection.execute(today):
        yield Point("tskaro_sms_spent_today_lari", tetri / 100, (gateway,))
        yield Point("tskaro_sms_segments_today", segments, (gateway,))


@dataclass(frozen=True, slots=True)
class _Lacking:
    """How many numbers are missing of each device, and how many are awaited of all."""

    missing: Mapping[str, int]
    awaited: int


def _lacking(connection: Connection) -> _Lacking:
    row = CustodyRow
    query = (
        select(row.__table__)
        .where(or_(row.missing_ms.is_not(None), row.awaited_ms.is_not(None)))
        .order_by(row.updated_ms.desc())
        .limit(_MOST_BOOKS)
    )
    missing, awaited = Counter[str](), 0
    for book in connection.execute(query).mappings():
        missing[book["device_id"]] += len(spans_of(book["missing"]))
        awaited += _awaited(book) if book["awaited_ms"] is not None else 0
    return _Lacking(missing, awaited)


def _awaited(book: RowMapping) -> int:
    settled = IntervalSet.of(span for name in _SETS for span in spans_of(book[name]).spans)
    return len(IntervalSet(((1, book["head"]),)) - settled) if book["head"] else 0


def _custody(connection: Connection, lacking: _Lacking) -> Iterator[Point]:
    row = CustodyRow
    oldest_ms, conflicts = connection.execute(
        select(func.min(row.awaited_ms), func.count(row.conflict_ms))
    ).one()
    yield Point("tskaro_custody_missing_numbers", sum(lacking.missing.values()))
    yield Point("tskaro_custody_awaited_numbers", lacking.awaited)
    yield Point("tskaro_custody_conflicts", conflicts)
    yield from _instant("tskaro_custody_oldest_awaited_timestamp_seconds", oldest_ms)
    reasons = select(QuarantineRow.reason, func.count()).group_by(QuarantineRow.reason)
    for reason, count in connection.execute(reasons):
        yield Point("tskaro_quarantine_entries", count, (reason,))


def _shards(connection: Connection) -> Iterator[Point]:
    ended = select(func.count()).where(ShardLeaseRow.until_ms < database_ms(connection))
    yield Point("tskaro_shards_unheld", connection.scalar(ended) or 0)


def _devices(connection: Connection, most: int, lacking: _Lacking) -> Iterator[Point]:
    deployed = select(Deployment.device_id).where(Deployment.until_ms.is_(None))
    serving = Device.id.in_(deployed) & is_real(Device.id)
    every, online = connection.execute(
        select(func.count(), func.count().filter(Device.is_online.is_(True)))
        .select_from(Device)
        .where(serving)
    ).one()
    newest = select(Device.__table__).where(serving).order_by(Device.registered_ms.desc(), Device.id)
    shown = connection.execute(newest.limit(most)).mappings().all()
    yield Point("tskaro_devices", every)
    yield Point("tskaro_devices_online", online)
    yield Point("tskaro_devices_left_out", every - len(shown))
    booked_ms = _booked_ms(connection, [device["id"] for device in shown])
    for device in shown:
        name = device["id"]
        yield from _device(device)
        yield Point("tskaro_device_missing_numbers", lacking.missing.get(name, 0), (name,))
        yield from _instant("tskaro_device_last_booked_timestamp_seconds", booked_ms.get(name), name)


def _booked_ms(connection: Connection, devices: Collection[str]) -> dict[str, int]:
    row = CustodyRow
    query = select(row.device_id, func.max(row.updated_ms).label("at_ms")).where(row.device_id.in_(devices))
    rows = connection.execute(query.group_by(row.device_id))
    return {found.device_id: found.at_ms for found in rows}


_HEALTH = {
    "in_outbox": ("tskaro_device_outbox_records", 1),
    "appended": ("tskaro_device_sequence_head", 1),
    "in_gaps": ("tskaro_device_gap_numbers", 1),
    "clock_synchronised": ("tskaro_device_clock_synchronised", 1),
    "uptime_s": ("tskaro_device_uptime_seconds", 1),
}
_VITALS = {
    "under_voltage": ("tskaro_device_under_voltage", 1),
    "board_c": ("tskaro_device_board_celsius", 1),
    "disk_free_mb": ("tskaro_device_disk_free_bytes", 1_000_000),
}


def _device(device: RowMapping) -> Iterator[Point]:
    """What its newest health message says; what it does not say is left out, and never taken for 0."""
    name, health = device["id"], device["health"] or {}
    if device["is_online"] is not None:
        yield Point("tskaro_device_online", device["is_online"], (name,))
    yield from _instant("tskaro_device_last_health_timestamp_seconds", device["health_ms"], name)
    yield from _told(name, health, _HEALTH)
    yield from _told(name, health.get("vitals") or {}, _VITALS)


def _told(device: str, told: Mapping[str, Any], names: Mapping[str, tuple[str, int]]) -> Iterator[Point]:
    for key, (name, factor) in names.items():
        if key in told:
            yield Point(name, float(told[key]) * factor, (device,))


def _instant(name: str, at_ms: int | None, *labels: str) -> Iterator[Point]:
    if at_ms is not None:
        yield Point(name, at_ms / 1000, labels)
