"""Leases on shards: one holder at a time, and whoever has lost one finds out before it changes anything."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from server.database.engine import Database, DatabaseUnavailable
from server.database.lease_models import IngestWorkerRow, ShardLeaseRow
from server.ingest.leases import LeaseLost, Leases, Look, database_ms
from server.ingest.sharing import FREE, Share, quota, share_out
from server.ingest.worker_name import WorkerName, realm
from tests.fakes.patience import eventually
from waterquality.topics import SHARDS


class Town:
    """Workers that look in turn, on a clock wound by hand."""

    def __init__(self, database: Database) -> None:
        self.database, self.now_ms = database, 1_000_000

    def worker(self, name: str = "") -> Leases:
        """One more worker, on a machine of its own."""
        named = replace(WorkerName.of_this_process(), realm=f"realm-{name}")
        return Leases(self.database, lease_s=10, name=named, now_ms=lambda _: self.now_ms)

    def look(self, worker: Leases, *, takes_part: bool = True, since: int | None = None) -> Look:
        """Let a worker look, as if it held whatever the database says."""
        with self.database.reading() as connection:
            mine = connection.scalars(
                select(ShardLeaseRow.shard).where(ShardLeaseRow.worker == worker.name)
            ).all()
        return worker.look(takes_part=takes_part, listening=dict.fromkeys(mine, since))

    def after(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)

    def settle(self, *workers: Leases) -> list[Look]:
        """Let all look until nothing moves."""
        for _ in range(3):
            looks = [self.look(worker) for worker in workers]
        return looks


@pytest.fixture
def town(database: Database) -> Town:
    return Town(database)


def held_by(*looks: Look) -> list[int]:
    return [len(look.held) for look in looks]


# ---- how shards are shared out ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("workers", "quotas"),
    [
        pytest.param(["a"], [16], id="one alone has all"),
        pytest.param(["a", "b"], [8, 8], id="two have half"),
        pytest.param(["a", "b", "c"], [6, 5, 5], id="where it does not come out even the first has one more"),
        pytest.param(list("abcdefghijklmnopqr"), [1] * 16 + [0, 0], id="more workers than shards: some wait"),
    ],
)
def test_quotas_are_fair_and_add_up(workers: list[str], quotas: list[int]) -> None:
    assert quotas == [quota(worker, workers) for worker in workers]
    assert len(SHARDS) == sum(quotas)


def test_whoever_has_too_much_gives_and_whoever_has_too_little_takes_what_is_free() -> None:
    holders = dict.fromkeys(SHARDS, "a") | {"3": FREE, "c": "b"}

    assert Share(8, give=list("9abdef"), take=[]) == share_out("a", ["a", "b"], holders)
    assert Share(8, give=[], take=["3"]) == share_out("b", ["a", "b"], holders)


def test_one_that_does_not_take_part_neither_gives_nor_takes() -> None:
    assert Share(0) == share_out("c", ["a", "b"], dict.fromkeys(SHARDS, FREE) | {"0": "c"})


# ---- in the database --------------------------------------------------------------------------------------


def test_one_worker_alone_takes_all_at_once(town: Town) -> None:
    assert set(SHARDS) == set(town.look(town.worker()).held)


def test_workers_that_come_and_go_share_what_there_is(town: Town) -> None:
    first, second, third = town.worker("1"), town.worker("2"), town.worker("3")
    assert [16] == held_by(*town.settle(first))
    assert [8, 8] == held_by(*town.settle(first, second))
    assert [6, 5, 5] == held_by(*town.settle(first, second, third))

    second.release()

    looks = town.settle(first, third)
    assert [8, 8] == held_by(*looks)
    assert set(SHARDS) == set(looks[0].held) | set(looks[1].held)


def test_what_is_renewed_stays_and_what_is_not_is_taken_over(town: Town) -> None:
    first, second = town.worker("1"), town.worker("2")
    town.settle(first, second)
    town.after(9)
    town.look(second)
    assert 8 == len(town.look(second).held)  # the first still has its lease

    town.after(2)

    assert 16 == len(town.look(second).held)
    assert {} == town.worker("3").look(takes_part=False, listening={}).held


def test_a_lease_that_ran_out_and_that_nobody_took_is_still_held(town: Town) -> None:
    alone = town.worker()
    before = town.look(alone)
    town.after(3600)

    assert before.held == town.look(alone).held


def test_a_worker_that_does_not_hear_the_broker_lets_its_leases_run_out(town: Town) -> None:
    deaf, other = town.worker("1"), town.worker("2")
    town.settle(deaf, other)
    for _ in range(4):
        town.after(3)
        assert 8 == len(town.look(deaf, takes_part=False).held) or town.now_ms > 1_010_000
        town.look(other)

    assert [0, 16] == held_by(town.look(deaf, takes_part=False), town.look(other))


def test_each_taking_makes_a_new_generation(town: Town) -> None:
    first, second = town.worker("1"), town.worker("2")
    before = town.look(first).held
    town.after(11)
    town.look(second)
    town.after(11)
    after = town.look(first).held

    assert all(after[shard] > before[shard] + 1 for shard in after)


def test_a_clock_put_back_does_not_keep_what_a_dead_worker_held(town: Town) -> None:
    dead, other = town.worker("1"), town.worker("2")
    town.look(dead)
    town.after(-7200)

    assert 16 == len(town.look(other).held)


def test_a_worker_of_this_machine_that_was_killed_is_not_waited_for(town: Town) -> None:
    killed = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    name = replace(WorkerName.of_this_process(), process=_process_of(killed.pid))
    first = Leases(town.database, name=name, now_ms=lambda _: town.now_ms)
    second = Leases(town.database, now_ms=lambda _: town.now_ms)
    town.look(first)
    town.settle(first, second)
    assert 8 == len(town.look(second).held)

    killed.kill()  # and nobody has waited for it yet
    eventually(lambda: name.has_gone(realm()))

    assert 16 == len(town.look(second).held)
    killed.wait()
    assert name.has_gone(realm())


def test_of_a_worker_on_another_machine_nobody_can_tell(town: Town) -> None:
    elsewhere = replace(WorkerName.of_this_process(), realm="another boot.1", process="999999.1")

    assert not elsewhere.has_gone(realm())
    assert not replace(elsewhere, realm="").has_gone("")
    assert elsewhere == WorkerName.read(str(elsewhere))
    assert WorkerName.read("no name") is None


def test_since_when_others_listen_is_told(town: Town) -> None:
    first, second = town.worker("1"), town.worker("2")
    town.settle(first, second)
    town.look(first, since=777)

    elsewhere = town.look(second).elsewhere

    assert set(SHARDS) - set(town.look(second).held) == set(elsewhere)
    assert {777} == set(elsewhere.values())
    town.look(first, since=None)
    assert {None} == set(town.look(second).elsewhere.values())


# ---- fencing ----------------------------------------------------------------------------------------------


def test_whoever_lost_a_shard_finds_out_before_its_commit_and_changes_nothing(town: Town) -> None:
    stopped, other = town.worker("1"), town.worker("2")
    held = town.look(stopped).held
    town.after(11)
    town.look(other)

    def commits() -> None:
        with town.database.writing() as connection:
            connection.execute(update(IngestWorkerRow).values(joined_ms=5))
            stopped.guard(connection, held)

    with pytest.raises(LeaseLost):
        commits()
    with town.database.reading() as connection:
        assert 5 not in connection.scalars(select(IngestWorkerRow.joined_ms)).all()
    with pytest.raises(LeaseLost):
        stopped.confirm(held)


def test_a_shard_lost_and_taken_again_is_not_the_one_that_was_held(town: Town) -> None:
    stopped, other = town.worker("1"), town.worker("2")
    held = town.look(stopped).held
    town.after(11)
    town.look(other)
    town.after(11)
    again = town.look(stopped).held

    assert set(held) == set(again)
    with pytest.raises(LeaseLost):
        stopped.confirm(held)
    stopped.confirm(again)


@pytest.mark.integration
def test_what_is_being_renewed_waits_for_no_commit(postgres_town: Town) -> None:
    alone = postgres_town.worker()
    held = postgres_town.look(alone).held

    with postgres_town.database.writing() as connection:
        alone.guard(connection, held)
        began = time.monotonic()
        assert held == postgres_town.look(alone).held

    assert time.monotonic() - began < 5


@pytest.mark.integration
def test_what_a_hanging_worker_has_under_way_is_undone_before_its_shards_are_taken(
    postgres_town: Town,
) -> None:
    town, its_own = postgres_town, Database(postgres_town.database.url)
    stopped = Leases(its_own, lease_s=10, now_ms=lambda _: town.now_ms)
    other = town.worker("2")
    held = town.look(stopped).held
    town.after(11)

    def stops_before_its_commit() -> None:
        with its_own.writing() as connection:
            connection.execute(update(IngestWorkerRow).values(joined_ms=5))
            stopped.guard(connection, held)
            eventually(lambda: len(town.look(other).held) == 16)  # which waits for none of these locks

    with pytest.raises(DatabaseUnavailable):
        stops_before_its_commit()
    with town.database.reading() as connection:
        assert 5 not in connection.scalars(select(IngestWorkerRow.joined_ms)).all()
    with pytest.raises(LeaseLost):
        stopped.confirm(held)
    its_own.close()


@pytest.mark.integration
def test_no_session_waits_or_is_waited_for_without_end(postgresql_database: Database) -> None:
    with postgresql_database.reading() as connection:
        shown = [
            connection.exec_driver_sql(f"SHOW {name}").scalar()
            for name in ("idle_in_transaction_session_timeout", "lock_timeout", "application_name")
        ]
    assert ["15s", "5s", postgresql_database.session] == shown
    given = Database(postgresql_database.url + "?application_name=ours&options=-c%20lock_timeout=7s")
    with given.reading() as connection:
        assert "7s" == connection.exec_driver_sql("SHOW lock_timeout").scalar()
    assert "" == given.session  # others may go by that name: they are not to be ended
    given.close()


def test_workers_that_look_at_the_same_time_never_hold_the_same_shard(database: Database) -> None:
    workers = [Leases(database) for _ in range(4)]
    held: dict[str, set[str]] = {}

    def run(worker: Leases) -> None:
        mine: dict[str, int] = {}
        for _ in range(8):
            mine = dict(worker.look(takes_part=True, listening=dict.fromkeys(mine)).held)
        held[worker.name] = set(mine)

    _together([lambda worker=worker: run(worker) for worker in workers])  # type: ignore[misc]
    for worker in workers:
        held[worker.name] = set(worker.look(takes_part=True, listening=dict.fromkeys(held[worker.name])).held)

    taken = [shard for shards in held.values() for shard in shards]
    assert len(set(taken)) == len(taken)


def test_the_database_tells_the_time(database: Database) -> None:
    with database.reading() as connection:
        assert abs(database_ms(connection) - time.time() * 1000) < 5_000


@pytest.fixture
def postgres_town(postgresql_database: Database) -> Town:
    return Town(postgresql_database)


def _process_of(pid: int) -> str:
    return f"{pid}." + Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def _together(acts: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
