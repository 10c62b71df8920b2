"""Seven water points, one standing in each way there is: for the tests of the pages and to look at."""

import math
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from fastapi import FastAPI
from psycopg import sql
from sqlalchemy import insert

from server.database.engine import Database
from server.database.models import (
    Base,
)
from server.store.port import ChartPoint, Row, StoreUnavailable
from server.store.sqlite import SqliteReadingStore
from server.web.app import create_app
from server.web.live import LiveHub
from server.web.settings import WebSettings
from tests.builders import missing, observation, reading, row
from tests.server.web.rows import NOW, POINTS, ledger_rows, registry_rows
from waterquality.flags import Flag, Why
from waterquality.parameters import Parameter
from waterquality.readings import to_ms


@dataclass
class AwayStore:
    """A real store that can be unplugged."""

    inner: SqliteReadingStore
    is_away: bool = False

    def write(self, rows: Sequence[Row]) -> None:
        self._ask().write(rows)

    def latest(self, water_points: Sequence[str], *, since: datetime, until: datetime) -> Any:
        return self._ask().latest(water_points, since=since, until=until)

    def chart(
        self, water_point: str, parameter: Parameter, *, since: datetime, until: datetime, pixels: int
    ) -> Sequence[ChartPoint]:
        return self._ask().chart(water_point, parameter, since=since, until=until, pixels=pixels)

    def identities(self, water_point: str, device: str, *, since_ms: int, until_ms: int) -> Any:
        return self._ask().identities(water_point, device, since_ms=since_ms, until_ms=until_ms)

    def count(self, *, since: datetime, until: datetime) -> int:
        return self._ask().count(since=since, until=until)

    def close(self) -> None:
        self.inner.close()

    def _ask(self) -> SqliteReadingStore:
        if self.is_away:
            message = "unplugged"
            raise StoreUnavailable(message)
        return self.inner


@dataclass
class Villages:
    """The parts of a page over seven water points; the clock is moved by hand."""

    database: Database
    store: AwayStore
    live: LiveHub = field(default_factory=lambda: LiveHub(pace_s=0.05))
    at: datetime = NOW

    def app(self, settings: WebSettings | None = None) -> FastAPI:
        return create_app(
            database=self.database,
            store=self.store,
            live=self.live,
            now=lambda: self.at,
            settings=settings or WebSettings(has_phone=True, is_simulated=True),
        )

    @contextmanager
    def writing(self) -> Any:
        with self.database.writing() as connection:
            yield connection


def take_away(database: Database) -> None:
    """Let the database not be there any more."""
    url = database.engine.url
    if url.get_backend_name() == "sqlite":
        Base.metadata.drop_all(database.engine)
        return
    with psycopg.connect(
        host=url.host, port=url.port, user=url.username, dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(url.database or ""))
        )


def villages(folder: Path, database: Database | None = None, *, has_history: bool = True) -> Villages:
    """The seven water points in fresh files of a folder, or in an empty database of the newest schema."""
    if database is None:
        database = Database(f"sqlite:///{folder}/registry.db")
        Base.metadata.create_all(database.engine)
    store = SqliteReadingStore(folder / "readings.db")
    store.prepare()
    with database.writing() as connection:
        for table, rows in registry_rows().items():
            connection.execute(insert(table), rows)
        for table, rows in ledger_rows().items():
            connection.execute(insert(table), rows)
    step = timedelta(minutes=2) if has_history else timedelta(hours=1)
    for name, *_ in POINTS:
        store.write(
            [
                _row(name, NOW - timedelta(seconds=15) - step * back)
                for back in range(timedelta(days=1) // step)
            ]
        )
    return Villages(database, AwayStore(store))


def _row(name: str, at: datetime) -> Row:
    """What the water of a place was like at an instant."""
    minutes = (NOW - at) / timedelta(minutes=1)
    wave = math.sin(minutes / 57) + 0.3 * math.sin(minutes / 5.3)
    calm = {
        "turbidity": 0.8 + 0.12 * wave,
        "ph": 7.4 + 0.05 * wave,
        "flow": 11 + 2 * wave,
        "temperature": 12 + 0.3 * wave,
    }
    changed: dict[str, Any] = {}
    if name == "sadakhlo":
        changed = {"turbidity": max(0.7, 12.4 - minutes / 8 + 0.4 * wave)}
    elif name == "kazreti":
        changed = {"ph": 9.3 if minutes < 4 else 8.1 + 0.05 * wave}
    elif name == "orozmani":
        at -= timedelta(hours=3)
    elif name == "martkopi" and minutes < 200:
        changed = {"turbidity": missing(Why.PROBE_SATURATED, Flag.FAIL)}
    elif name == "nardevani":
        flow = reading("flow", 0.0) if minutes < 30 else calm["flow"]
        doubt = reading("turbidity", 2.1, flag=Flag.SUSPECT, why=Why.STAGNANT_SAMPLE)
        changed = {"flow": flow, "turbidity": doubt if minutes < 30 else calm["turbidity"]}
    elif name == "talaveri":
        changed = {"turbidity": 1.0 + max(0.0, 6 - abs(minutes - 90) / 10)}
    return row(observation(at=at, seq=int(to_ms(at) // 1000), **(calm | changed)), water_point=name)
