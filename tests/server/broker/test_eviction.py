"""Whoever was revoked is pushed off the line, more than once; who is heard nevertheless is told of."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from sqlalchemy import insert, update

from server.broker.eviction import Evictions
from server.database.engine import Database
from server.database.migrate import migrate
from server.database.models import Device, DeviceCertificate
from waterquality.readings import to_ms

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DEVICE, OTHER = "kk-0007", "kk-0008"


class Clock:
    """A server's clock that is set by hand."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def pause(self, seconds: float, wake: threading.Event) -> None:
        raise NotImplementedError


class Yard:
    """A database of certificates, and who was pushed off the line."""

    def __init__(self, database: Database) -> None:
        self.database, self.now_s = database, 1_000.0
        self.clock = Clock()
        self.pushed: list[str] = []
        self.heard: dict[str, float] = {}
        self.answers = True
        self.evictions = self.new_evictions()
        with database.writing() as connection:
            for number, device in enumerate((DEVICE, OTHER)):
                connection.execute(insert(Device).values(id=device, registered_ms=0))
                connection.execute(
                    insert(DeviceCertificate).values(
                        serial=str(number), device_id=device, issued_ms=0, not_before_ms=0, not_after_ms=1
                    )
                )

    def new_evictions(self, shard_of: str = "") -> Evictions:
        return Evictions(
            self.database,
            self._end_session,
            self.clock,
            owns=lambda device: device != shard_of,
            heard=lambda: self.heard,
        )

    def revoke(self, device: str, at: datetime = NOW) -> None:
        with self.database.writing() as connection:
            row = DeviceCertificate.device_id == device
            connection.execute(update(DeviceCertificate).where(row).values(revoked_ms=to_ms(at)))

    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now_s += 1.0
            self.clock.at += timedelta(seconds=1)
            self.evictions.turn(self.now_s)

    def _end_session(self, device: str) -> bool:
        self.pushed.append(device)
        return self.answers


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    database = Database(f"sqlite:///{tmp_path}/t.db")
    migrate(database)
    yield Yard(database)
    database.close()


def test_who_was_revoked_is_pushed_at_once_and_again_for_a_minute_and_then_left_alone(yard: Yard) -> None:
    yard.wait(2)
    assert yard.pushed == []
    yard.revoke(DEVICE, at=yard.clock.now())

    yard.wait(1)
    assert yard.pushed == [DEVICE]
    yard.wait(120)
    assert yard.pushed == [DEVICE] * 7
    yard.wait(900)
    assert len(yard.pushed) == 7


def test_who_is_revoked_once_more_is_pushed_once_more(yard: Yard) -> None:
    yard.revoke(DEVICE)
    yard.wait(100)
    yard.pushed.clear()
    yard.revoke(DEVICE, at=yard.clock.now())

    yard.wait(1)
    assert yard.pushed == [DEVICE]


def test_what_was_revoked_while_nobody_looked_is_made_up_for(yard: Yard) -> None:
    yard.revoke(DEVICE, at=NOW - timedelta(minutes=9))
    yard.revoke(OTHER, at=NOW - timedelta(days=9))

    yard.wait(1)
    assert yard.pushed == [DEVICE]


def test_who_is_heard_nevertheless_is_pushed_now_and_then_and_told_of_once_an_hour(yard: Yard) -> None:
    yard.revoke(DEVICE, at=NOW - timedelta(days=1))
    with structlog.testing.capture_logs() as said:
        for _ in range(300):
            yard.heard[DEVICE] = yard.now_s
            yard.wait(1)

    assert 8 <= yard.pushed.count(DEVICE) <= 10
    assert [(line["event"], line["device"]) for line in said] == [("revoked_device_heard", DEVICE)]


def test_who_was_heard_before_it_was_pushed_and_not_since_is_not_told_of(yard: Yard) -> None:
    yard.revoke(DEVICE)
    yard.heard[DEVICE] = yard.now_s
    with structlog.testing.capture_logs() as said:
        yard.wait(300)

    assert said == []


def test_a_device_of_another_ingest_is_left_to_it(yard: Yard) -> None:
    yard.evictions = yard.new_evictions(shard_of=DEVICE)
    yard.revoke(DEVICE)
    yard.revoke(OTHER)

    yard.wait(1)
    assert yard.pushed == [OTHER]


def test_a_session_that_could_not_be_ended_is_counted(yard: Yard) -> None:
    yard.answers = False
    yard.revoke(DEVICE)

    yard.wait(1)
    assert yard.evictions.counters == {"sessions_not_ended": 1}
