"""What the database knows, in figures: on SQLite and on PostgreSQL."""

from datetime import timedelta

from sqlalchemy import insert

from server.database.engine import Database
from server.database.models import (
    AlertRow,
    CustodyRow,
    Deployment,
    Device,
    Municipality,
    NotificationRow,
    QuarantineRow,
    RuleRow,
    WaterPoint,
)
from server.telemetry.catalogue import CATALOGUE
from server.telemetry.facts import facts
from tests.builders import instant
from waterquality.readings import to_ms

NOW = instant("2026-11-20T06:00:00Z")
NOW_MS = to_ms(NOW)
HEALTH = {
    "epoch": "9f1c2a7e",
    "appended": 50,
    "held": 48,
    "in_outbox": 3,
    "in_gaps": 2,
    "clock_synchronised": False,
    "uptime_s": 12.5,
    "vitals": {"under_voltage": 1.0, "board_c": 51.5, "disk_free_mb": 2.0},
}


def told(database: Database, most_devices: int = 500) -> dict[tuple[str, ...], float]:
    points = facts(database, most_devices, NOW)
    assert all(len(point.labels) == len(CATALOGUE[point.name].labels) for point in points)
    return {(point.name.removeprefix("tskaro_"), *point.labels): float(point.value) for point in points}


def put(database: Database, table: type, *rows: dict[str, object]) -> None:
    with database.writing() as connection:
        for row in rows:
            connection.execute(insert(table).values(**row))


def settle(database: Database, devices: int = 2) -> None:
    """Devices kk-0001 and so on at one water point; kk-9999 stands nowhere any more."""
    put(database, Municipality, {"id": "marneuli", "names": {}})
    point = {
        "id": "algeti",
        "municipality_id": "marneuli",
        "names": {},
        "sms_names": {},
        "lat": 41,
        "lon": 44,
    }
    put(database, WaterPoint, point)
    names = [f"kk-{n:04}" for n in range(1, devices + 1)]
    for n, name in enumerate([*names, "kk-9999"]):
        put(database, Device, {"id": name, "registered_ms": n})
        ended = {"until_ms": 5} if name == "kk-9999" else {}
        put(
            database,
            Deployment,
            {"device_id": name, "water_point_id": "algeti", "since_ms": 1} | ended,
        )


def book(device: str, epoch: str = "9f1c2a7e", **given: object) -> dict[str, object]:
    sets = {"stored": [], "quarantined": [], "gaps": [], "missing": [], "noted": []}
    return sets | {"device_id": device, "epoch": epoch, "held": 1, "updated_ms": NOW_MS - 9000} | given


def alert(rule: str, point: str, phase: str, lane: str = "live") -> dict[str, object]:
    place = {"rule_id": rule, "water_point_id": point, "lane": lane, "phase": phase}
    return place | {"since_ms": 1, "judged_ms": 1, "beyond": 0.0, "episode": 1, "told": True}


def text_owed(person: str, fate: str, owed_ms: int, due_ms: int | None) -> dict[str, object]:
    words = {"kind": "device_silent", "address": "+995555000001", "language": "ka", "text": "…"}
    place = {"rule_id": "no-data", "water_point_id": "algeti", "lane": "live", "episode": 1}
    return (
        words
        | place
        | {"person_id": person, "breached_ms": 1, "owed_ms": owed_ms, "fate": fate, "due_ms": due_ms}
    )


def test_an_empty_database_has_figures_and_none_of_them_is_made_up(database: Database) -> None:
    known = told(database)

    assert known["devices",] == known["notifications_owed",] == known["custody_missing_numbers",] == 0
    assert not [key for key in known if key[0].startswith("device_")]
    assert ("custody_oldest_awaited_timestamp_seconds",) not in known


def test_a_device_is_told_of_as_it_last_said_and_what_it_did_not_say_is_left_out(database: Database) -> None:
    settle(database)
    with database.writing() as connection:
        connection.execute(
            Device.__table__.update()
            .where(Device.id == "kk-0001")
            .values(is_online=True, status_ms=NOW_MS, health=HEALTH, health_ms=NOW_MS - 60_000)
        )
    put(database, CustodyRow, book("kk-0001"), book("kk-0001", "00000001", updated_ms=NOW_MS - 90_000))
    known = told(database)

    assert (known["devices",], known["devices_online",], known["devices_left_out",]) == (2, 1, 0)
    assert known["device_outbox_records", "kk-0001"] == 3
    assert known["device_sequence_head", "kk-0001"] == 50
    assert known["device_gap_numbers", "kk-0001"] == 2
    assert known["device_clock_synchronised", "kk-0001"] == 0
    assert known["device_under_voltage", "kk-0001"] == 1
    assert known["device_disk_free_bytes", "kk-0001"] == 2_000_000
    assert known["device_last_health_timestamp_seconds", "kk-0001"] == (NOW_MS - 60_000) / 1000
    assert known["device_last_booked_timestamp_seconds", "kk-0001"] == (NOW_MS - 9000) / 1000
    assert {key[0] for key in known if key[1:] == ("kk-0002",)} == {"device_missing_numbers"}
    assert not [key for key in known if key[1:] == ("kk-9999",)]


def test_beyond_so_many_devices_only_their_number_is_told_and_the_same_ones_stay(database: Database) -> None:
    settle(database, devices=5)
    known = told(database, most_devices=2)

    assert (known["devices",], known["devices_left_out",]) == (5, 3)
    assert {key[1] for key in known if key[0] == "device_missing_numbers"} == {"kk-0004", "kk-0005"}
    assert not [key for key in told(database, most_devices=0) if key[0].startswith("device_")]


def test_missing_and_awaited_numbers_are_added_up_over_all_devices(database: Database) -> None:
    settle(database)
    waits = {"awaited_ms": NOW_MS - 60_000, "stored": [[1, 3], [6, 6], [9, 10]], "head": 10, "through": 3}
    lost = {"missing": [[2, 4]], "missing_ms": NOW_MS, "stored": [[1, 1], [5, 5]], "head": 5, "through": 5}
    put(database, CustodyRow, book("kk-0001", **waits), book("kk-0002", conflict_ms=7, **lost))
    known = told(database)

    assert known["custody_awaited_numbers",] == 4
    assert known["custody_missing_numbers",] == known["device_missing_numbers", "kk-0002"] == 3
    assert known["device_missing_numbers", "kk-0001"] == 0
    assert known["custody_oldest_awaited_timestamp_seconds",] == (NOW_MS - 60_000) / 1000
    assert known["custody_conflicts",] == 1


def test_alerts_are_counted_by_rule_and_phase_with_a_zero_where_there_is_none(database: Database) -> None:
    put(
        database,
        RuleRow,
        {"id": "no-data", "spec": {"kind": "no_data", "id": "no-data", "after_s": 60, "severity": "warning"}},
        {"id": "spoilt", "spec": {"kind": "nonsense"}},
    )
    put(
        database,
        AlertRow,
        alert("no-data", "a", "firing"),
        alert("no-data", "b", "firing"),
        alert("no-data", "c", "resolved"),
        alert("no-data", "d", "firing", lane="late"),
        alert("gone", "a", "unknown"),
    )
    known = told(database)

    assert known["alerts", "no-data", "warning", "firing"] == known["water_points_silent",] == 2
    assert known["alerts", "no-data", "warning", "recovering"] == 0
    assert known["alerts", "spoilt", "unknown", "firing"] == 0
    assert known["alerts", "gone", "unknown", "unknown"] == 1


def test_texts_owed_are_those_that_nobody_has_taken(database: Database) -> None:
    old = NOW_MS - round(timedelta(minutes=5) / timedelta(milliseconds=1))
    put(
        database,
        NotificationRow,
        text_owed("ann", "queued", old, NOW_MS),
        text_owed("nino", "queued", NOW_MS, NOW_MS),
        text_owed("ivan", "accepted", old - 5000, NOW_MS),
        text_owed("lia", "delivered", old - 9000, None),
    )
    known = told(database)

    assert (known["notifications_owed",], known["notifications_oldest_owed_age_seconds",]) == (2, 300)


def test_the_quarantine_is_counted_by_reason_and_shards_that_nobody_holds_are_told(
    database: Database,
) -> None:
    kept = {"device_id": "kk-0001", "epoch": "9f1c2a7e", "first": 1, "last": 1, "topic": "t", "detail": ""}
    kept |= {"payload": b"", "payload_bytes": 0, "received_ms": 1, "times": 1}
    put(
        database, QuarantineRow, *[kept | {"reason": reason} for reason in ("not_json", "not_json", "defect")]
    )
    known = told(database)

    assert (known["quarantine_entries", "not_json"], known["quarantine_entries", "defect"]) == (2, 1)
    assert known["shards_unheld",] == 16
