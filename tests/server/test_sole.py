"""One process at a time, on both databases."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.database.engine import Database
from server.database.migrate import migrate
from server.ingest.worker_name import WorkerName
from server.sole import Sole


class Clocks:
    """The database's clock, and that of the processes."""

    now_s = 1_000_000.0

    def of_process(self) -> float:
        return self.now_s

    def of_database(self, _: object) -> int:
        return int(self.now_s * 1000)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    is_file = request.param == "sqlite"
    database = Database(
        f"sqlite:///{tmp_path / 'tskaro.db'}" if is_file else request.getfixturevalue("postgres_url")
    )
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def sole(database: Database, clocks: Clocks, name: WorkerName | None = None, task: str = "notify") -> Sole:
    return Sole(database, task, lease_s=30, name=name, now_ms=clocks.of_database, seconds=clocks.of_process)


def test_the_first_has_it_and_the_second_waits(database: Database, clocks: Clocks) -> None:
    one, two = sole(database, clocks), sole(database, clocks)

    assert [one.is_ours(), two.is_ours(), one.is_ours()] == [True, False, True]


def test_who_goes_on_keeps_it(database: Database, clocks: Clocks) -> None:
    one, two = sole(database, clocks), sole(database, clocks)
    for _ in range(20):
        assert one.is_ours()
        assert not two.is_ours()
        clocks.now_s += 9


def test_who_was_stopped_for_too_long_finds_out_before_the_next_step(
    database: Database, clocks: Clocks
) -> None:
    one, two = sole(database, clocks), sole(database, clocks)
    assert one.is_ours()
    clocks.now_s += 31

    assert two.is_ours()
    assert not one.is_ours()


def test_who_stops_gives_it_back(database: Database, clocks: Clocks) -> None:
    one, two = sole(database, clocks), sole(database, clocks)
    assert one.is_ours()
    one.release()

    assert two.is_ours()
    assert not one.is_ours()


def test_to_give_back_what_is_anothers_changes_nothing(database: Database, clocks: Clocks) -> None:
    one, two = sole(database, clocks), sole(database, clocks)
    assert one.is_ours()
    two.release()

    assert not two.is_ours()


def test_who_died_on_this_machine_is_followed_at_once(database: Database, clocks: Clocks) -> None:
    child = subprocess.run(
        [
            sys.executable,
            "-c",
            "from server.ingest.worker_name import WorkerName; print(WorkerName.of_this_process())",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    dead = WorkerName.read(child.stdout.strip())
    assert sole(database, clocks, dead).is_ours()

    assert sole(database, clocks).is_ours()


def test_a_lease_of_a_clock_since_put_back_counts_for_nothing(database: Database, clocks: Clocks) -> None:
    one, two = sole(database, clocks), sole(database, clocks)
    assert one.is_ours()
    clocks.now_s -= 86_400

    assert two.is_ours()


def test_tasks_do_not_disturb_each_other(database: Database, clocks: Clocks) -> None:
    assert sole(database, clocks).is_ours()
    assert sole(database, clocks, task="another").is_ours()
