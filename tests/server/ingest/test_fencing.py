"""An intake whose worker was stopped for a while: what it remembers is old, and it must not act by it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.watch import Watch
from server.database.engine import Database
from server.ingest.books import Books
from server.ingest.intake import Intake
from server.ingest.leases import LeaseLost, Leases
from server.ingest.shards import Shards
from server.ledger import SqlLedger
from server.store.sqlite import SqliteReadingStore
from tests.builders import observation
from tests.fakes.town import Town
from tests.server.ingest.test_intake import KEY, NOW, REGISTRY, batch
from waterquality.readings import to_ms
from waterquality.topics import shard

pytestmark = pytest.mark.integration


class Worker:
    """Everything of an ingest but the network, on a clock wound by hand."""

    def __init__(self, database: Database, store: SqliteReadingStore, now_ms: Callable[[], int]) -> None:
        leases = Leases(database, lease_s=10, now_ms=lambda _: now_ms())
        self.shards = Shards(leases, now=lambda: NOW, lease_s=10)
        self.books = Books(database, self.shards.guard)
        self.watch = Watch(SqlLedger(database, self.shards.guard), Town())
        self._now_ms = now_ms
        self.intake = Intake(
            store=store,
            books=self.books,
            watch=self.watch,
            registry=lambda: REGISTRY,
            keep=timedelta(days=30),
            confirm=lambda: self.shards.confirm(now_ms() / 1000),
        )
        self.shards.forgets(self._forget)

    def look(self) -> int:
        self.shards.look(self._now_ms() / 1000, hears=True, since=NOW)
        return len(self.shards.held)

    def take(self, *seqs: int) -> None:
        seen = [observation(seq=seq, at=NOW - timedelta(minutes=60 - seq)) for seq in seqs]
        self.intake.take([batch(*seen)], NOW)

    def _forget(self, lost: frozenset[str], gained: frozenset[str]) -> None:
        def of(device: str) -> bool:
            return shard(device) in lost | gained

        for part in (self.watch, self.books, self.intake):
            part.forget(of)


class Two:
    """A worker, and the one that takes over."""

    def __init__(self, folder: Path, url: str) -> None:
        self.now_ms = 1_000_000
        self.databases = [Database(url), Database(url)]
        self.store = SqliteReadingStore(folder / "readings.db")
        self.store.prepare()
        self.first, self.second = (
            Worker(database, self.store, lambda: self.now_ms) for database in self.databases
        )

    def stored(self) -> list[int]:
        until_ms = to_ms(NOW) + 1
        found = self.store.identities("algeti", KEY[0], since_ms=0, until_ms=until_ms)
        return sorted(seq for _, seq, _ in found)

    def take_over(self) -> None:
        """The first is stopped, and the second takes everything."""
        self.now_ms += 11_000
        self.second.look()
        assert 16 == self.second.look()


@pytest.fixture
def two(database: Database, tmp_path: Path) -> Two:
    return Two(tmp_path, database.url)


def test_a_worker_that_lost_its_shards_books_judges_and_stores_nothing(two: Two) -> None:
    two.first.look()
    two.first.take(1, 2)
    two.take_over()

    with pytest.raises(LeaseLost):
        two.first.take(3, 4)

    assert [1, 2] == two.stored()
    assert ((1, 2),) == Books(two.databases[1]).of(KEY).settled.spans
    assert ((1, 2),) == SqlLedger(two.databases[1]).judged([KEY])[KEY].spans
    two.second.take(3, 4)
    assert [1, 2, 3, 4] == two.stored()


def test_what_others_booked_meanwhile_is_known_when_the_shards_come_back(two: Two) -> None:
    two.first.look()
    two.first.take(1, 2)
    two.take_over()
    two.second.take(3, 4)
    two.second.shards.release()

    assert 16 == two.first.look()
    two.first.take(5)

    assert ((1, 5),) == Books(two.databases[1]).of(KEY).settled.spans
    assert 5 == two.first.intake.counters["stored"] + two.second.intake.counters["stored"]


def test_rows_are_not_sent_to_the_store_by_a_worker_that_has_not_looked_for_long(two: Two) -> None:
    two.first.look()
    two.take_over()

    with pytest.raises(LeaseLost):
        two.first.shards.confirm(two.now_ms / 1000)
    two.second.shards.confirm(two.now_ms / 1000)
