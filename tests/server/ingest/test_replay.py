"""Replaying from quarantine: what can be read now leaves it, the rest stays with its newest reason."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from server.database.engine import Database
from server.ingest.devices import DeviceNews
from server.ingest.quarantine import ask_replay, asked, entries
from server.ingest.receipts import Receipts
from server.ingest.upkeep import Upkeep
from server.registry.snapshot import Registry
from server.store.port import StoreUnavailable
from tests.server.ingest.test_intake import KEY, NOW, REGISTRY, Station, batch, junk, seen
from waterquality.readings import to_ms
from waterquality.wire import decode as decoding
from waterquality.wire.records import Gap, GapWhy


@pytest.fixture
def station(tmp_path: Path, database: Database) -> Station:
    return Station(tmp_path, database)


def replayed(station: Station) -> None:
    """Ask for all, and let the upkeep of an ingest do it."""
    with station.database.writing() as connection:
        ask_replay(connection, [each.id for each in entries(connection)], to_ms(NOW))
    Upkeep(
        database=station.database,
        books=station.books,
        intake=station.intake,
        receipts=Receipts(lambda *_: True),
        news=DeviceNews(lambda: NOW),
        keep=timedelta(days=30),
    ).turn(NOW)


def fates(station: Station) -> dict[str, tuple[tuple[int, int], ...]]:
    book = station.books.of(KEY)
    return {name: getattr(book, name).spans for name in ("stored", "quarantined", "gaps", "missing")}


def test_what_came_before_its_device_was_deployed_is_taken_in_when_it_is(station: Station) -> None:
    station.registry = Registry(frozenset({"kk-0001"}), {})
    station.take(batch(seen(1), seen(2), seen(3)))
    assert fates(station)["quarantined"] == ((1, 3),)

    station.registry = REGISTRY
    replayed(station)

    assert station.stored() == [1, 2, 3]
    assert fates(station) == {"stored": ((1, 3),), "quarantined": (), "gaps": (), "missing": ()}
    assert station.quarantined() == []


def test_what_an_older_version_could_not_read_is_taken_in_by_one_that_can(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    gap = Gap(3, 9, GapWhy.OUTBOX_FULL)
    arrival = batch(seen(1), seen(2), gap, seen(10))
    with monkeypatch.context() as older:
        older.setattr(decoding, "MAX_PAYLOAD_BYTES", 10)
        station.take(arrival)
    assert station.quarantined() == [(1, 10, "too_large", 1)]

    replayed(station)

    assert fates(station) == {
        "stored": ((1, 2), (10, 10)),
        "quarantined": (),
        "gaps": ((3, 9),),
        "missing": (),
    }
    assert station.quarantined() == []


def test_what_still_fails_stays_in_its_place_with_its_newest_reason(station: Station) -> None:
    station.registry = Registry(frozenset({"kk-0001"}), {})
    station.take(batch(seen(1), seen(2)), junk(3, 4))
    with station.database.reading() as connection:
        before = {each.first: each for each in entries(connection)}

    ended = replace(REGISTRY.stays["kk-0001"][0], until_ms=seen(2).taken_ms)
    station.registry = replace(REGISTRY, stays={"kk-0001": (ended,)})
    replayed(station)

    with station.database.reading() as connection:
        after = {each.first: each for each in entries(connection)}
        assert asked(connection) == []
    assert station.stored() == [1]
    assert fates(station)["quarantined"] == ((2, 4),)
    assert sorted(after) == [2, 3]
    assert [(after[n].id, after[n].reason) for n in (2, 3)] == [
        (before[n].id, before[n].reason) for n in (2, 3)
    ]


def test_only_the_numbers_of_an_entry_leave_with_it(station: Station) -> None:
    two = batch(seen(1), seen(2), seen(3))
    station.store.refuses = frozenset({2})
    station.take(two)
    assert station.quarantined() == [(2, 2, "refused_by_store", 1)]

    station.store.refuses = frozenset()
    replayed(station)

    assert station.stored() == [1, 2, 3]
    assert fates(station)["quarantined"] == ()


def test_while_the_store_is_away_a_replay_changes_nothing_and_stays_asked_for(station: Station) -> None:
    station.store.refuses = frozenset({1})
    station.take(batch(seen(1)))
    station.store.refuses = frozenset()
    station.store.is_away = True

    replayed(station)

    with station.database.reading() as connection:
        ((device, kept),) = asked(connection)
    assert (device, kept.first) == ("kk-0001", 1)
    assert fates(station)["quarantined"] == ((1, 1),)
    with pytest.raises(StoreUnavailable):
        station.intake.replay(kept, NOW)
    assert fates(station)["quarantined"] == ((1, 1),)


def test_an_unknown_device_that_was_registered_gives_what_was_kept_of_it(station: Station) -> None:
    station.registry = Registry()
    station.take(batch(seen(1), seen(2)))
    station.registry = REGISTRY

    replayed(station)
    station.take(batch(seen(1), seen(2)))  # it comes again by itself, too

    assert station.stored() == [1, 2]
    assert station.quarantined() == []


def test_a_number_that_is_stored_with_other_content_stays_an_alarm(station: Station) -> None:
    station.take(batch(seen(1)))
    station.take(batch(seen(1, ph=6.1)))
    assert station.quarantined() == [(1, 1, "sequence_conflict", 1)]

    station.books._books[KEY] = replace(station.books.of(KEY), conflict_ms=7)  # long ago
    replayed(station)

    assert station.quarantined() == [(1, 1, "sequence_conflict", 1)]
    assert station.stored() == [1]
    assert station.books.of(KEY).conflict_ms == 7  # to look at it again rings no bell
