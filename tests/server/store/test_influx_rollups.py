"""Marks and rollups in InfluxDB, where they are its own way: the log of marks, and what a failure does to it."""

import pytest

from server.store.influx import InfluxReadingStore, InfluxSettings
from server.store.influx_marks import RELIED_ON_MS, SETTLES_MS
from server.store.port import Move, PointRejected, StoreUnavailable
from server.store.rollup import HOUR_MS
from tests.builders import WATER_POINT, instant, ms, row
from tests.services.influxdb import InfluxDB
from waterquality.readings import from_ms

pytestmark = pytest.mark.integration
AT = ms("2026-11-02T00:00:00Z")
MINUTE = 60_000


class Clock:
    ms = AT

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(influxdb: InfluxDB, influx_database: str, clock: Clock):
    store = InfluxReadingStore(InfluxSettings(influxdb.url, influx_database), clock)
    work_out(store, AT)  # it looks whether anything was there before
    yield store
    store.close()


def work_out(store: InfluxReadingStore, at_ms: int) -> int:
    hours = 0
    while done := store.roll_up(from_ms(at_ms)):
        hours += done
    return hours


def rows_in(influxdb: InfluxDB, database: str, measurement: str) -> int:
    found = influxdb.query(f"SELECT * FROM {measurement} WHERE time >= 0", database)
    return sum(len(series["values"]) for series in found)


def test_an_hour_of_a_water_point_costs_one_mark(
    store: InfluxReadingStore, influxdb: InfluxDB, influx_database: str, clock: Clock
) -> None:
    for minute in range(75):
        clock.ms = AT + minute * MINUTE
        store.write([row(seq=minute + 1, at=clock.ms)])
    assert rows_in(influxdb, influx_database, "touched") == 2


def test_a_backlog_costs_one_mark_a_batch(
    store: InfluxReadingStore, influxdb: InfluxDB, influx_database: str
) -> None:
    store.write([row(seq=n + 1, at=AT - n * 20 * MINUTE) for n in range(300)])
    assert rows_in(influxdb, influx_database, "touched") == 1


def test_an_hour_is_not_worked_out_before_its_last_mark_has_settled(
    store: InfluxReadingStore, clock: Clock
) -> None:
    clock.ms = late = AT + 5 * HOUR_MS
    store.write([row(seq=1, at=AT)])
    settled = late + RELIED_ON_MS + SETTLES_MS
    assert work_out(store, settled) == 0  # a loop whose clock runs ahead of the store's
    clock.ms = settled - 1
    assert work_out(store, clock.ms) == 0
    clock.ms = settled
    assert work_out(store, clock.ms) == 1


def test_a_store_that_was_put_back_from_a_copy_is_marked_again(
    store: InfluxReadingStore, influxdb: InfluxDB, influx_database: str, clock: Clock
) -> None:
    store.write([row(seq=1, at=AT)])
    influxdb.kill()
    with pytest.raises(StoreUnavailable):
        store.write([row(seq=2, at=AT + MINUTE)])
    influxdb.start()
    for measurement in ("touched", "observation"):
        influxdb.query(f"DELETE FROM {measurement} WHERE time >= 0", influx_database)
    store.write([row(seq=2, at=AT + MINUTE)])
    assert rows_in(influxdb, influx_database, "touched") == 1
    clock.ms = AT + 5 * HOUR_MS
    assert work_out(store, clock.ms) == 1


def test_what_was_worked_out_but_not_noted_is_worked_out_again(
    store: InfluxReadingStore, influxdb: InfluxDB, influx_database: str, clock: Clock
) -> None:
    noted = rows_in(influxdb, influx_database, "rolled")
    store.write([row(seq=1, at=AT)])
    clock.ms = AT + 5 * HOUR_MS
    assert work_out(store, clock.ms) == 1
    assert rows_in(influxdb, influx_database, "rolled") > noted
    influxdb.query(f"DELETE FROM rolled WHERE time > {AT}ms", influx_database)  # it did not come so far
    another = InfluxReadingStore(InfluxSettings(influxdb.url, influx_database), clock)
    assert work_out(another, clock.ms) == 1
    another.close()


def test_marks_that_are_worked_out_are_tidied_away(
    store: InfluxReadingStore, influxdb: InfluxDB, influx_database: str, clock: Clock
) -> None:
    store.write([row(seq=1, at=AT)])
    clock.ms = AT + 5 * HOUR_MS
    work_out(store, clock.ms)
    clock.ms = AT + 5 * 24 * HOUR_MS
    work_out(store, clock.ms)
    store.forget(instant("2026-01-01T00:00:00Z"), from_ms(clock.ms))
    assert rows_in(influxdb, influx_database, "touched") == 0
    assert rows_in(influxdb, influx_database, "rolled") > 0


def test_what_is_not_taken_at_its_new_place_stays_at_the_old_one(
    store: InfluxReadingStore, influxdb: InfluxDB, influx_database: str
) -> None:
    store.write([row(seq=1, at=AT)])
    too_long = Move("kk-0001", WATER_POINT, "x" * 2_000, AT, AT + HOUR_MS)
    with pytest.raises(PointRejected):
        store.move(too_long)
    assert rows_in(influxdb, influx_database, "observation") == 1
