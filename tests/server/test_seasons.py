"""The months of a water point: from what the store holds, by the upkeep, into the flags of new readings."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import cos, tau
from pathlib import Path

import pytest
from sqlalchemy import select

from server.database.climate_models import MonthsLook, MonthSpan
from server.database.engine import Database
from server.ingest.screener import Screener
from server.keeper import StoreKeeper
from server.registry.current import CurrentRegistry
from server.registry.file import load_registry, read_registry_file
from server.registry.months import due_for_a_look, put_months
from server.seasons import Seasons, days_of
from server.store.influx import InfluxReadingStore, InfluxSettings
from server.store.port import ChartPoint, ReadingStore, Row
from server.store.sqlite import SqliteReadingStore
from tests.builders import instant, observation, row
from tests.fakes.world import registry as villages
from waterquality.flags import Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.readings import to_ms
from waterquality.screening.months import Day, Month

PLACE = ("algeti", "kk-0001")
NOW = instant("2026-12-10T06:00:00Z")
TEMPERATURE, TURBIDITY = Parameter.TEMPERATURE, Parameter.TURBIDITY
GOOD, UNUSUAL = Screened(Flag.GOOD), Screened(Flag.SUSPECT, Why.UNUSUAL_FOR_THE_MONTH)
BY_MONTH = '[[screening]]\nwater_point = "algeti"\n[screening.turbidity]\nunit = "NTU"\nmonths = true\n'
HOUR_MS = 3_600_000


@dataclass
class Hands:
    """A server's clock that is moved by hand."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def pause(self, seconds: float, wake: threading.Event) -> None: ...


@pytest.fixture
def clock() -> Hands:
    """The store's clock."""
    return Hands(NOW)


@pytest.fixture(params=["sqlite", pytest.param("influxdb", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Hands) -> Iterator[ReadingStore]:
    """A store of each kind."""
    if request.param == "sqlite":
        opened: ReadingStore = SqliteReadingStore(tmp_path / "readings.db")
    else:
        service, name = request.getfixturevalue("influxdb"), request.getfixturevalue("influx_database")
        opened = InfluxReadingStore(InfluxSettings(service.url, name), lambda: to_ms(clock.at))
    opened.prepare()
    yield opened
    opened.close()


def load(database: Database, folder: Path, more: str = "") -> None:
    path = folder / "registry.toml"
    path.write_text(villages({"kk-0001": "algeti"}) + more, encoding="utf-8")
    load_registry(read_registry_file(path), database, 1000)


def season(at: datetime) -> float:
    """Coldest in the middle of January at 4 °C, warmest in July at 16."""
    return 10 - 6 * cos(tau * (at.timetuple().tm_yday - 15) / 365) + at.hour / 24


def history(
    temperature: Callable[[datetime], float] = season,
    *,
    since: str = "2024-12-01",
    until: datetime = NOW,
    turbidity: float = 0.4,
) -> list[Row]:
    """A reading every three hours."""
    at, rows = datetime.fromisoformat(since).replace(tzinfo=UTC), []
    while at < until:
        values = {"temperature": temperature(at), "turbidity": turbidity, "ph": 7.4}
        rows.append(row(water_point="algeti", seq=len(rows) + 1, at=at, **values))
        at += timedelta(hours=3)
    return rows


def turn(store: ReadingStore, database: Database, at: datetime = NOW) -> None:
    """The upkeep, once."""
    StoreKeeper(store, database, Hands(at), timedelta(days=4_000)).turn(threading.Event())


def kept(database: Database) -> dict[tuple[str, int], tuple[float, float]]:
    """The widest spans, by parameter and month."""
    columns = (MonthSpan.parameter, MonthSpan.month, MonthSpan.widest_low, MonthSpan.widest_high)
    with database.reading() as connection:
        return {(name, month): (low, high) for name, month, low, high in connection.execute(select(*columns))}


# ---- the whole way ----------------------------------------------------------------------------------------


def test_two_years_of_history_tell_what_is_out_of_season(
    store: ReadingStore, sqlite_database: Database, tmp_path: Path
) -> None:
    load(sqlite_database, tmp_path)
    store.write(history())
    current = CurrentRegistry(sqlite_database)
    current.refresh()
    assert not current.registry().bounds(PLACE)[TEMPERATURE].climate

    turn(store, sqlite_database)
    current.refresh()

    screener = Screener(store, lambda _: True)
    given = {"epoch": "0a0a0a0a", "flag": Flag.UNKNOWN, "turbidity": 40.0}
    round_ = [
        Row("algeti", observation(seq=1, at=NOW, temperature=5.3, **given), 0),
        Row("algeti", observation(seq=2, at=NOW + timedelta(hours=1), temperature=15.0, **given), 0),
    ]
    judged = screener.screen(round_, current.registry().bounds, may_ask=lambda: True)

    found = [each.observation.readings[TEMPERATURE].screened for each in judged.rows]
    assert [GOOD, UNUSUAL] == found
    # Turbidity is known by month too, and does not count unless somebody says so.
    assert GOOD == judged.rows[1].observation.readings[TURBIDITY].screened
    assert ("turbidity", 12) in kept(sqlite_database)


def test_what_is_forgotten_is_still_learned_from(
    store: ReadingStore, sqlite_database: Database, tmp_path: Path, clock: Hands
) -> None:
    """Of readings that are deleted the hours are left."""
    load(sqlite_database, tmp_path)
    store.write(history())
    for _ in range(3):  # marks settle first, and what goes is noted before it goes
        clock.at += timedelta(minutes=10)
        while store.roll_up(clock.at):
            pass
        while store.forget(NOW - timedelta(days=300), clock.at) is not None:
            pass
    assert store.upkeep().forgotten_ms

    turn(store, sqlite_database)

    assert {(str(TEMPERATURE), month) for month in range(1, 13)} <= set(kept(sqlite_database))


# ---- when and what ----------------------------------------------------------------------------------------


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[SqliteReadingStore]:
    store = SqliteReadingStore(tmp_path / "readings.db")
    store.prepare()
    yield store
    store.close()


def test_the_month_under_way_never_moves_its_own_bounds(
    embedded: SqliteReadingStore, sqlite_database: Database, tmp_path: Path
) -> None:
    load(sqlite_database, tmp_path)
    embedded.write(history(until=instant("2026-12-01T00:00:00Z")))
    turn(embedded, sqlite_database)
    before = kept(sqlite_database)
    embedded.write(history(lambda _: 25.0, since="2026-12-01"))
    with sqlite_database.writing() as connection:  # as though nobody had looked
        connection.execute(MonthsLook.__table__.delete())

    turn(embedded, sqlite_database)

    assert before == kept(sqlite_database)


def test_a_water_point_is_looked_at_once_a_month_and_what_did_not_move_is_not_written(
    embedded: SqliteReadingStore, sqlite_database: Database, tmp_path: Path
) -> None:
    load(sqlite_database, tmp_path)
    embedded.write(history())
    turn(embedded, sqlite_database)
    current = CurrentRegistry(sqlite_database)
    current.refresh()
    bounds, december = current.registry().bounds(PLACE), to_ms(instant("2026-12-01T00:00:00Z"))
    assert [] == due_for_a_look(sqlite_database, december)

    january = instant("2027-01-02T00:00:00Z")
    assert ["algeti"] == due_for_a_look(sqlite_database, to_ms(instant("2027-01-01T00:00:00Z")))
    turn(embedded, sqlite_database, january)

    current.refresh()
    assert bounds == current.registry().bounds(PLACE)
    with sqlite_database.reading() as connection:
        assert {to_ms(NOW)} == set(connection.scalars(select(MonthSpan.computed_ms)))
        assert to_ms(january) == connection.scalar(select(MonthsLook.looked_ms))


def test_a_look_that_is_interrupted_changes_nothing_and_is_done_again(
    embedded: SqliteReadingStore, sqlite_database: Database, tmp_path: Path
) -> None:
    load(sqlite_database, tmp_path)
    embedded.write(history())
    stop = threading.Event()
    stop.set()

    Seasons(embedded, sqlite_database, Hands(NOW)).look("algeti", stop)

    assert {} == kept(sqlite_database)
    turn(embedded, sqlite_database)
    assert kept(sqlite_database)


def test_a_point_counts_by_month_where_somebody_says_so(
    embedded: SqliteReadingStore, sqlite_database: Database, tmp_path: Path
) -> None:
    load(sqlite_database, tmp_path, BY_MONTH)
    embedded.write(history())
    turn(embedded, sqlite_database)
    current = CurrentRegistry(sqlite_database)
    current.refresh()
    assert 12 in current.registry().bounds(PLACE)[TURBIDITY].climate

    load(sqlite_database, tmp_path, BY_MONTH.replace("months = true", 'off = ["months"]'))
    current.refresh()

    assert not current.registry().bounds(PLACE)[TURBIDITY].climate


def point(hour: int, low: float | None, high: float | None, flag: Flag = Flag.GOOD) -> ChartPoint:
    return ChartPoint(hour * HOUR_MS, low, low, high, flag, 60)


def test_a_day_is_what_its_good_hours_show_and_without_them_what_is_usable() -> None:
    good = [point(hour, 1.0 + hour / 10, 2.0) for hour in range(6)]
    mud = [point(hour, 40.0, 90.0, Flag.SUSPECT) for hour in range(6, 24)]
    silent = [point(hour, None, None, Flag.MISSING) for hour in range(24)]

    assert [Day(0, 1.0, 2.0)] == days_of([*mud, *good])
    assert [Day(0, 1.1, 90.0)] == days_of([*mud, *good[1:]])
    assert [Day(0, 40.0, 90.0)] == days_of(mud)
    assert [] == days_of([*silent, *good[:5]])


# ---- in the database --------------------------------------------------------------------------------------


def month(low: float, high: float) -> Month:
    return Month((low + 1, high - 1), (low, high), 60, 2)


def test_months_are_kept_and_only_what_moves_is_told(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path)
    current = CurrentRegistry(database)
    first = {TEMPERATURE: {1: month(2, 8), 2: month(3, 9)}}

    assert 2 == put_months(database, "algeti", first, 1)
    current.refresh()
    assert {1: (2, 8), 2: (3, 9)} == current.registry().bounds(PLACE)[TEMPERATURE].climate
    assert 0 == put_months(database, "algeti", {TEMPERATURE: {1: month(2.1, 8), 2: month(3, 9)}}, 2)
    known = current.registry().months
    current.refresh()
    assert known is current.registry().months

    assert 2 == put_months(database, "algeti", {TEMPERATURE: {1: month(2, 12)}}, 3)
    current.refresh()
    assert {1: (2, 12)} == current.registry().bounds(PLACE)[TEMPERATURE].climate
