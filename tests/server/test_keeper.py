"""The loop that keeps a store in order, on a real store and a real database."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from server.database.engine import Database
from server.database.migrate import migrate
from server.keeper import StoreKeeper
from server.keeping import all_moves, ask_for, forgotten_days
from server.registry.writing import add_device
from server.store.port import Move, PointRejected
from server.store.sqlite import SqliteReadingStore
from tests.builders import WATER_POINT, instant, row
from waterquality.parameters import Parameter
from waterquality.readings import to_ms

START = instant("2026-11-01T00:00:00Z")
AT, DAY, HOUR = to_ms(START), 86_400_000, 3_600_000


@dataclass
class Hands:
    """A server's clock that is moved by hand."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def pause(self, seconds: float, wake: threading.Event) -> None: ...

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Server:
    store: SqliteReadingStore
    database: Database
    clock: Hands
    worker: StoreKeeper

    def turn(self) -> None:
        self.worker.turn(threading.Event())


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Server:
    store = SqliteReadingStore(tmp_path / "readings.db")
    store.prepare()
    is_file = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/tskaro.db" if is_file else request.getfixturevalue("postgres_url")
    database = Database(url)
    migrate(database)
    clock = Hands(START)
    return Server(store, database, clock, StoreKeeper(store, database, clock, timedelta(days=2)))


def hourly(hours: int):
    return [row(seq=n + 1, at=AT + n * HOUR, turbidity=float(n)) for n in range(hours)]


def test_what_is_older_than_what_is_kept_is_deleted_and_noted_and_its_rollups_stay(server: Server) -> None:
    server.store.write(hourly(96))
    server.clock.advance(timedelta(days=5).total_seconds())
    server.turn()

    assert server.store.upkeep().due == 0
    assert server.store.count(since=START, until=START + timedelta(days=9)) == 48
    days = [(day["through_ms"], day["rows"]) for day in forgotten_days(server.database)]
    assert days == [(AT + 2 * DAY, 24), (AT + DAY, 24)]
    chart = server.store.chart(
        WATER_POINT, Parameter.TURBIDITY, since=START, until=START + timedelta(days=4), pixels=96
    )
    assert [point.mean for point in chart] == [float(n) for n in range(96)]


def test_a_move_waits_until_every_ingest_knows_and_is_then_done(server: Server) -> None:
    server.store.write(hourly(48))
    what = Move("kk-0001", WATER_POINT, "kazreti", AT + DAY, AT + 2 * DAY)
    with server.database.writing() as connection:
        add_device(connection, "kk-0001", {}, AT)
        ask_for(connection, [what], who="nino", now_ms=AT)
    server.turn()
    assert all_moves(server.database)[0]["moved"] == 0

    server.clock.advance(3 * 60)
    server.turn()
    (move,) = all_moves(server.database)
    assert (move["moved"], move["done_ms"], move["who"]) == (24, AT + 3 * 60_000, "nino")
    assert len(server.store.identities("kazreti", "kk-0001", since_ms=AT, until_ms=AT + 9 * DAY)) == 24


def test_a_move_that_the_store_refuses_is_not_tried_again(server: Server, monkeypatch) -> None:
    tried = []

    def refuse(what: Move) -> int:
        tried.append(what)
        raise PointRejected({0: "beyond the retention"})

    monkeypatch.setattr(server.store, "move", refuse)
    with server.database.writing() as connection:
        add_device(connection, "kk-0001", {}, AT)
        ask_for(connection, [Move("kk-0001", "a", "b", 0, 9)], who="nino", now_ms=0)
    server.turn()
    server.turn()
    assert len(tried) == 1
    assert "beyond the retention" in all_moves(server.database)[0]["refused"]
