"""Which certificates were issued and taken back, on either kind of database."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from server.authority.records import all_revoked, devices, newest_certificates, note_issued, note_revoked
from server.authority.signing import Issued
from server.database.engine import Database
from server.database.models import Device
from waterquality.readings import to_ms

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)


@pytest.fixture
def database(database: Database) -> Database:
    with database.writing() as connection:
        connection.execute(
            insert(Device), [{"id": name, "registered_ms": to_ms(NOW)} for name in ("kk-0001", "kk-0002")]
        )
    return database


def issued(device: str, serial: str) -> Issued:
    return Issued(device, serial, NOW - timedelta(days=1), NOW + timedelta(days=730), b"certificate", b"key")


def test_the_newest_certificate_counts_and_what_was_taken_back_is_listed(database: Database) -> None:
    with database.writing() as connection:
        note_issued(connection, issued("kk-0001", "a1"), NOW)
        note_issued(connection, issued("kk-0002", "b1"), NOW)
        assert 1 == note_revoked(connection, "kk-0001", NOW + timedelta(hours=1), "stolen " * 100)
        note_issued(connection, issued("kk-0001", "a2"), NOW + timedelta(hours=2))

    with database.reading() as connection:
        newest = newest_certificates(connection)
        assert {"kk-0001": "a2", "kk-0002": "b1"} == {name: each.serial for name, each in newest.items()}
        assert all(each.is_in_force(to_ms(NOW)) for each in newest.values())
        assert [("a1", NOW + timedelta(hours=1))] == [
            (each.serial, each.at) for each in all_revoked(connection)
        ]
        assert ["kk-0001", "kk-0002"] == [each.device for each in devices(connection)]


def test_nothing_is_taken_back_twice(database: Database) -> None:
    with database.writing() as connection:
        note_issued(connection, issued("kk-0001", "a1"), NOW)
        assert [1, 0] == [note_revoked(connection, "kk-0001", NOW, "lost") for _ in range(2)]
