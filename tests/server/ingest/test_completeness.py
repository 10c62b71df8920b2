"""The completeness ledger and what is found in it: it adds up, by epoch and by day, or says what does not."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from alerts.rules import Flaw, Imbalance
from server.database.engine import Database
from server.database.models import Device
from server.ingest.auditing import Auditor
from server.ingest.books import Booking
from server.ingest.completeness import accounts, days_of
from server.ingest.custody import Book
from server.ingest.reconciling import check_epoch
from server.registry.writing import add_device
from tests.builders import instant, observation
from tests.server.ingest.test_intake import KEY, NOW, Station, batch, junk
from waterquality.intervals import IntervalSet
from waterquality.readings import Observation, to_ms
from waterquality.wire.records import Gap, GapWhy

MIDNIGHT = instant("2026-11-19T20:00:00Z")  # in Tbilisi
MINUTE = timedelta(minutes=1)


def taken(seq: int) -> Observation:
    """One a minute, number 100 at midnight."""
    return observation(seq=seq, at=MIDNIGHT + (seq - 100) * MINUTE)


def run(first: int, last: int) -> list[Observation]:
    return [taken(seq) for seq in range(first, last + 1)]


class Audited(Station):
    """A station whose device is registered, and the auditor of its books."""

    def __init__(self, folder: Path, database: Database) -> None:
        super().__init__(folder, database)
        with self.database.writing() as connection:
            add_device(connection, "kk-0001", {}, to_ms(NOW))
        self.now = NOW
        self.audits()

    def audits(self) -> None:
        self.auditor = Auditor(self.database, self.store, lambda: self.registry)

    def says(self, *, appended: int, held: int, epoch: str = KEY[1]) -> None:
        health = {"epoch": epoch, "appended": appended, "held": held, "time_ms": to_ms(self.now)}
        with self.database.writing() as connection:
            values = {"health": health, "health_ms": to_ms(self.now)}
            connection.execute(update(Device).where(Device.id == "kk-0001").values(**values))

    def counts(self) -> dict[str, int]:
        with self.database.reading() as connection:
            (account,) = accounts(connection)
        assert account.fates.adds_up is not bool(account.fates.unaccounted)
        return {name: count for name, count in account.fates.counts.items() if count}

    def days(self) -> dict[str, dict[str, int]]:
        with self.database.reading() as connection:
            found = days_of(connection, accounts(connection, ["kk-0001"]))
            return {str(each.on): {n: c for n, c in each.fates.counts.items() if c} for each in found}

    def found(self) -> Sequence[Imbalance]:
        self.now += 2 * MINUTE
        found: Mapping[str, Sequence[Imbalance]] | None = self.auditor.look(self.now)
        assert found is not None
        assert set(found) == {"algeti"}
        return found["algeti"]


@pytest.fixture
def audited(tmp_path: Path, database: Database) -> Audited:
    return Audited(tmp_path, database)


def test_every_number_stands_once_by_epoch_and_by_day(audited: Audited) -> None:
    audited.take(
        batch(*run(81, 90)), junk(91, 95), batch(Gap(96, 105, GapWhy.OUTBOX_FULL)), batch(*run(106, 120))
    )
    audited.take(batch(*run(121, 121), held=41))
    audited.says(appended=400, held=122)

    assert audited.counts() == {
        "appended": 400,
        "stored": 26,
        "quarantined": 5,
        "gaps": 10,
        "missing": 40,
        "in_outbox": 279,
        "unaccounted": 40,
    }
    days = audited.days()
    assert list(days) == ["2026-11-19", "2026-11-20"]
    assert days["2026-11-19"] == {
        "appended": 99,
        "stored": 10,
        "quarantined": 5,
        "gaps": 4,
        "missing": 40,
        "unaccounted": 40,
    }
    assert days["2026-11-20"] == {"appended": 301, "stored": 16, "gaps": 6, "in_outbox": 279}


def test_days_before_a_date_are_left_out_and_cut_no_other(audited: Audited) -> None:
    audited.take(batch(*run(1, 110)))
    with audited.database.reading() as connection:
        since = MIDNIGHT.date() + timedelta(days=1)
        (day,) = days_of(connection, accounts(connection), since)

    assert (str(day.on), len(day.fates.stored)) == ("2026-11-20", 11)


def test_a_record_that_adds_up_is_nothing_to_speak_of(audited: Audited) -> None:
    audited.take(batch(*run(1, 20)))
    audited.says(appended=50, held=21)

    assert audited.found() == []
    assert audited.auditor.look(audited.now) is None  # once a minute is enough


def test_a_number_that_waits_while_later_ones_came_is_found_since_then(audited: Audited) -> None:
    audited.take(batch(*run(1, 5)), batch(*run(8, 9)))

    (flaw,) = audited.found()

    assert (flaw.flaw, flaw.since) == (Flaw.AWAITED, NOW)
    assert "number 6 has no fate, though 9 has" in flaw.detail
    audited.take(batch(*run(6, 7)))
    assert audited.found() == []


def test_a_number_that_came_with_other_content_rings_for_a_day(audited: Audited) -> None:
    audited.take(batch(taken(1)))
    audited.take(batch(observation(seq=1, at=NOW)))

    assert [each.flaw for each in audited.found()] == [Flaw.CONFLICT]
    audited.now += timedelta(days=1)
    assert audited.found() == []


def test_what_is_missing_is_looked_for_in_the_store_before_it_rings(audited: Audited) -> None:
    audited.take(batch(*run(1, 9)))
    forgotten = Book(stored=IntervalSet(((1, 3), (9, 9))), missing=IntervalSet(((4, 8),)))
    audited.books.book(Booking({KEY: forgotten}), to_ms(NOW))

    assert audited.found() == []  # it was not looked for before
    audited.books.book(Booking({KEY: Book(stored=IntervalSet(((1, 9),)))}), to_ms(NOW))  # as upkeep does
    assert audited.found() == []


def test_what_is_missing_and_is_not_in_the_store_rings(audited: Audited) -> None:
    audited.take(batch(*run(1, 3)), batch(*run(9, 9), held=9))
    audited.store.is_away = True

    assert audited.found() == []
    assert [each.flaw for each in audited.found()] == [Flaw.MISSING]


def test_a_device_that_has_let_go_of_what_never_came_is_found(audited: Audited) -> None:
    audited.take(batch(*run(1, 3)))
    audited.says(appended=12, held=8)
    first = audited.found()
    again = audited.found()

    assert [each.flaw for each in first] == [Flaw.DISAGREES]
    assert first[0].since == again[0].since
    assert "holds nothing below 8, and 4 never came" in first[0].detail


def test_a_device_that_says_it_gave_out_less_than_has_come_is_found(audited: Audited) -> None:
    audited.take(batch(*run(1, 30)))
    audited.says(appended=12, held=13)
    assert [each.flaw for each in audited.found()] == [Flaw.DISAGREES]

    audited.intake.take([batch(*run(31, 31))], audited.now + MINUTE)
    assert audited.found() == []  # what came since it spoke proves nothing


def test_a_store_put_back_is_told_from_one_that_is_whole(audited: Audited, tmp_path: Path) -> None:
    audited.take(batch(*run(1, 20)))

    def look() -> tuple[int, int]:
        found = check_epoch(audited.store, audited.books, KEY, ["algeti", "bolnisi"], oldest_ms=0)
        return len(found.found), len(found.lost)

    assert look() == (0, 0)
    for file in tmp_path.glob("readings.db*"):
        file.unlink()
    audited.store = type(audited.store)(tmp_path / "readings.db")
    audited.store.prepare()
    assert look() == (0, 20)
    old_ms = to_ms(NOW + timedelta(days=1))
    assert not check_epoch(
        audited.store, audited.books, KEY, ["algeti"], oldest_ms=old_ms
    )  # deleted for its age
