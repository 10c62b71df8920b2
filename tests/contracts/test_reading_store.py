"""What every store of readings promises, on InfluxDB and on the embedded store alike."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.store.influx import InfluxReadingStore, InfluxSettings
from server.store.port import ChartPoint, PointRejected, ReadingStore, StoreUnavailable
from server.store.sqlite import SqliteReadingStore
from tests.builders import WATER_POINT, instant, missing, ms, observation, reading, row
from tests.services.influxdb import InfluxDB
from waterquality.flags import Flag, Why
from waterquality.parameters import Parameter
from waterquality.readings import from_ms

pytestmark = pytest.mark.integration
START, END = instant("2026-11-01T00:00:00Z"), instant("2026-12-01T00:00:00Z")
NOON = ms("2026-11-20T12:00:00Z")
MINUTE = 60_000


class Standing(Protocol):
    """A store that can be taken down, with what was acknowledged kept."""

    store: ReadingStore

    def take_down(self) -> None: ...

    def bring_back(self) -> None: ...


class StandingInflux:
    def __init__(self, service: InfluxDB, database: str) -> None:
        self._service = service
        self.store = InfluxReadingStore(InfluxSettings(service.url, database))
        self.take_down, self.bring_back = service.kill, service.start


class StandingSqlite:
    """Down is when another process writes and does not end."""

    def __init__(self, path: Path) -> None:
        self.store = SqliteReadingStore(path, busy_timeout_s=0.05)
        self.store.prepare()
        self._other = sqlite3.connect(path, isolation_level=None)

    def take_down(self) -> None:
        self._other.execute("BEGIN IMMEDIATE")

    def bring_back(self) -> None:
        self._other.close()


@pytest.fixture(params=["influxdb", "sqlite"])
def standing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Standing]:
    if request.param == "sqlite":
        standing: Standing = StandingSqlite(tmp_path / "readings.db")
    else:
        service = request.getfixturevalue("influxdb")
        standing = StandingInflux(service, request.getfixturevalue("influx_database"))
    yield standing
    standing.store.close()


@pytest.fixture
def store(standing: Standing) -> ReadingStore:
    return standing.store


def newest(store: ReadingStore, water_point: str = WATER_POINT):
    return store.latest([water_point], since=START, until=END).get(water_point)


def turbidity(store: ReadingStore, *, pixels: int = 1000, since: datetime = START, until: datetime = END):
    return store.chart(WATER_POINT, Parameter.TURBIDITY, since=since, until=until, pixels=pixels)


def every_minute(*values: float, start: int = NOON):
    return [row(seq=n + 1, at=start + n * MINUTE, turbidity=value) for n, value in enumerate(values)]


# --- what is written comes back


def test_a_row_comes_back_as_it_was_written(store: ReadingStore):
    written = row(
        turbidity=reading(value=4.25, raw=3.9821, certificate="kk-0001/turbidity/3", spread=0.04),
        ph=reading(value=4.9, flag=Flag.SUSPECT, why=Why.UNUSUAL_VALUE, raw=1.5),
        flow=reading(value=11.3, raw=512, raw_unit="count"),
        volume=reading(value=99.5, flag=Flag.FAIL, why=Why.PROBE_STUCK),
        temperature=missing(),
        clock_uncertainty_s=12.5,
        seq=2**53 + 1,
    )
    store.write([written])
    assert newest(store) == written


def test_an_observation_without_readings_is_kept_too(store: ReadingStore):
    bare = row(turbidity=None, ph=None, flow=None)
    store.write([bare])
    assert newest(store) == bare
    assert store.count(since=START, until=END) == 1


@pytest.mark.parametrize("value", [0.0, 0.1, 7, 7.0, 1e-7, 5e-324, -2.5, 123456789.12345679, 1e22, -1e300])
def test_a_number_comes_back_exactly(store: ReadingStore, value: float):
    store.write([row(turbidity=reading(value=value, raw=value, spread=value))])
    got = newest(store).observation.readings[Parameter.TURBIDITY]
    assert (got.value, got.raw, got.spread) == (value, value, value)
    assert isinstance(got.value, float)


def test_whole_numbers_and_fractions_live_in_one_series(store: ReadingStore):
    store.write([row(seq=1, at=NOON, ph=reading("ph", 7))])
    store.write(
        [row(seq=2, at=NOON + 1, ph=reading("ph", 7.5)), row(seq=3, at=NOON + 2, ph=reading("ph", 8))]
    )
    points = store.chart(WATER_POINT, Parameter.PH, since=START, until=END, pixels=9)
    assert [point.mean for point in points] == [7.0, 7.5, 8.0]


def test_a_flow_is_kept_in_litres_a_minute_as_it_came(store: ReadingStore):
    store.write([row(flow=11.1)])
    assert newest(store).observation.readings[Parameter.FLOW].value == 11.1


@pytest.mark.parametrize(
    "water_point",
    [
        "ბოლნისი",
        "upper spring",
        " spring ",
        "a,b=c",
        'the "old" tap',
        "it's",
        "a/b",
        "a.b|c",
        "^x$",
        "(a)",
        "Çay",
    ],
)
def test_a_water_point_of_any_name_is_found_again_and_no_other(store: ReadingStore, water_point: str):
    there, elsewhere = row(water_point=water_point), row(water_point="axb", turbidity=9.0)
    store.write([there, elsewhere])
    assert newest(store, water_point) == there
    (point,) = store.chart(water_point, Parameter.TURBIDITY, since=START, until=END, pixels=10)
    assert point.mean == 0.31
    observed = there.observation
    assert store.identities(
        water_point, observed.device, since_ms=observed.taken_ms, until_ms=observed.taken_ms
    ) == {(observed.epoch, observed.seq, observed.taken_ms)}


finite = st.floats(allow_nan=False, allow_infinity=False)
readings = st.builds(
    reading,
    value=st.floats(-1e300, 1e300),
    raw=st.none() | finite,
    spread=st.none() | finite,
    certificate=st.text(max_size=20),
    flag=st.sampled_from(Flag),
    why=st.sampled_from(Why),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(reading=readings, at=st.integers(0, ms("2200-01-01T00:00:00Z")))
def test_any_reading_comes_back_as_it_was_written(store: ReadingStore, reading, at: int):
    written = row(at=at, turbidity=reading, ph=None, flow=None)
    store.write([written])
    assert store.latest([WATER_POINT], since=from_ms(at), until=from_ms(at)) == {WATER_POINT: written}


# --- writing again


def test_writing_a_row_again_changes_nothing(store: ReadingStore):
    rows = every_minute(0.3, 0.4, 0.5)
    store.write(rows)
    before = (newest(store), turbidity(store), store.count(since=START, until=END))
    store.write(rows)
    assert (newest(store), turbidity(store), store.count(since=START, until=END)) == before


def test_a_corrected_flag_clears_its_old_reason(store: ReadingStore):
    store.write([row(turbidity=reading(flag=Flag.SUSPECT, why=Why.FIRST_FLUSH))])
    corrected = row(turbidity=reading(flag=Flag.GOOD))
    store.write([corrected])
    assert newest(store) == corrected


@pytest.mark.parametrize("flag", [Flag.MISSING, Flag.FAIL])
def test_a_value_taken_back_is_gone(store: ReadingStore, flag: Flag):
    store.write([row(turbidity=reading(value=3000.0, raw=4.1, spread=0.5))])
    taken_back = row(turbidity=missing(Why.PROBE_SATURATED, flag))
    store.write([taken_back])
    assert newest(store) == taken_back
    (point,) = turbidity(store)
    assert point == ChartPoint(taken_back.observation.taken_ms, None, None, None, flag, 1)
    assert turbidity(store, pixels=1)[0].high is None


def test_of_two_versions_of_a_row_in_one_batch_the_later_stands(store: ReadingStore):
    store.write([row(turbidity=1.0), row(turbidity=2.0)])
    assert newest(store) == row(turbidity=2.0)
    assert store.count(since=START, until=END) == 1


def test_nothing_to_write_is_no_trouble(store: ReadingStore):
    store.write([])
    assert store.count(since=START, until=END) == 0


def test_a_backlog_of_many_thousands_is_stored_whole(store: ReadingStore):
    rows = [row(seq=n + 1, at=NOON - n * 1000) for n in range(12_001)]
    store.write(rows)
    assert store.count(since=START, until=END) == len(rows)


# --- the newest of each point


def test_the_newest_row_is_the_last_taken_not_the_last_written(store: ReadingStore):
    first, second, third = every_minute(0.1, 0.2, 0.3)
    store.write([third, first])
    store.write([second])
    assert newest(store) == third


def test_the_newest_is_given_for_each_point_asked_that_has_any(store: ReadingStore):
    here, there = row(water_point="a"), row(water_point="b", device="kk-0002", at=NOON)
    store.write([here, there, row(water_point="c", device="kk-0003")])
    assert store.latest(["b", "a", "none", "b"], since=START, until=END) == {"a": here, "b": there}
    assert store.latest([], since=START, until=END) == {}


def test_a_name_that_begins_another_does_not_match_it(store: ReadingStore):
    store.write([row(water_point="spring-10"), row(water_point="my-spring-1", device="kk-0002")])
    assert store.latest(["spring-1"], since=START, until=END) == {}


def test_the_newest_is_looked_for_within_its_bounds_and_both_belong(store: ReadingStore):
    store.write(every_minute(0.1, 0.2, 0.3))
    only_second = store.latest([WATER_POINT], since=from_ms(NOON + MINUTE), until=from_ms(NOON + MINUTE))
    assert only_second[WATER_POINT].observation.seq == 2
    before = store.latest([WATER_POINT], since=START, until=from_ms(NOON - 1))
    after = store.latest([WATER_POINT], since=from_ms(NOON + 2 * MINUTE + 1), until=END)
    assert before == after == {}


def test_a_swapped_device_is_the_newest_of_its_point(store: ReadingStore):
    new = row(device="kk-0002", epoch="0000beef", at=NOON + 1)
    store.write([row(at=NOON), new])
    assert newest(store) == new


def test_any_bounds_may_be_asked(store: ReadingStore):
    store.write([row()])
    ever = {"since": datetime.min.replace(tzinfo=UTC), "until": datetime.max.replace(tzinfo=UTC)}
    assert len(store.latest([WATER_POINT], **ever)) == 1
    assert store.count(**ever) == 1
    assert len(turbidity(store, **ever)) == 1
    assert store.latest([WATER_POINT], since=END, until=START) == {}


# --- charts


def test_readings_that_fit_are_charted_as_they_are(store: ReadingStore):
    store.write(every_minute(0.3, 0.5, 0.4))
    assert turbidity(store, pixels=3) == [
        ChartPoint(NOON, 0.3, 0.3, 0.3, Flag.GOOD, 1),
        ChartPoint(NOON + MINUTE, 0.5, 0.5, 0.5, Flag.GOOD, 1),
        ChartPoint(NOON + 2 * MINUTE, 0.4, 0.4, 0.4, Flag.GOOD, 1),
    ]


def test_readings_that_do_not_fit_are_charted_by_intervals(store: ReadingStore):
    store.write(every_minute(1.0, 2.0, 6.0, 4.0))
    since, until = from_ms(NOON), from_ms(NOON + 4 * MINUTE)
    points = turbidity(store, since=since, until=until, pixels=3)
    assert points == [
        ChartPoint(NOON, 1.0, 1.5, 2.0, Flag.GOOD, 2),
        ChartPoint(NOON + 2 * MINUTE, 4.0, 5.0, 6.0, Flag.GOOD, 2),
    ]


def test_a_spike_is_never_averaged_away(store: ReadingStore):
    values = [0.3] * 1440
    values[777] = 95.0
    store.write(every_minute(*values))
    points = turbidity(store, since=from_ms(NOON), until=from_ms(NOON) + timedelta(days=1), pixels=100)
    assert len(points) <= 100
    assert max(point.high for point in points) == 95.0
    assert sum(point.count for point in points) == 1440


def test_a_failed_reading_is_seen_in_the_flag_and_not_in_the_numbers(store: ReadingStore):
    rows = every_minute(1.0, 3.0, 2.0)
    failed = observation(seq=4, at=NOON + 3 * MINUTE, turbidity=reading(value=2999.0, flag=Flag.FAIL))
    store.write([*rows, row(failed)])
    (point,) = turbidity(store, pixels=1)
    assert (point.low, point.mean, point.high, point.count) == (1.0, 2.0, 3.0, 4)
    assert point.flag is Flag.FAIL
    assert turbidity(store, pixels=4)[-1] == ChartPoint(NOON + 3 * MINUTE, None, None, None, Flag.FAIL, 1)


def test_a_suspect_value_counts_and_an_unscreened_one_does_not(store: ReadingStore):
    suspect = row(seq=1, at=NOON, turbidity=reading(value=120.0, flag=Flag.SUSPECT))
    unscreened = row(seq=2, at=NOON + 1, turbidity=reading(value=500.0, flag=Flag.UNKNOWN))
    store.write([suspect, unscreened])
    (point,) = turbidity(store, pixels=1)
    assert (point.high, point.flag, point.count) == (120.0, Flag.SUSPECT, 2)


def test_an_interval_of_missing_readings_shows_without_numbers(store: ReadingStore):
    store.write([row(seq=n + 1, at=NOON + n * MINUTE, turbidity=missing()) for n in range(3)])
    (point,) = turbidity(store, pixels=1)
    assert (point.low, point.mean, point.high, point.flag, point.count) == (None, None, None, Flag.MISSING, 3)


def test_an_interval_without_readings_has_no_point(store: ReadingStore):
    store.write([*every_minute(0.3, 0.3), *every_minute(0.3, 0.3, start=NOON + 100 * MINUTE)])
    points = turbidity(store, since=from_ms(NOON), until=from_ms(NOON + 102 * MINUTE), pixels=3)
    assert [point.count for point in points] == [2, 2]


def test_what_an_observation_did_not_measure_is_not_charted(store: ReadingStore):
    store.write([row(seq=1, at=NOON, turbidity=None), row(seq=2, at=NOON + 1, turbidity=0.4)])
    assert [point.at_ms for point in turbidity(store)] == [NOON + 1]
    assert store.chart(WATER_POINT, Parameter.VOLUME, since=START, until=END, pixels=10) == []


def test_two_devices_at_one_instant_are_two_readings(store: ReadingStore):
    store.write([row(at=NOON, turbidity=1.0), row(at=NOON, turbidity=2.0, device="kk-0002")])
    assert sorted(point.mean for point in turbidity(store)) == [1.0, 2.0]
    assert turbidity(store, pixels=1)[0].count == 2


def test_a_chart_begins_at_its_start_and_ends_before_its_end(store: ReadingStore):
    store.write(every_minute(0.1, 0.2, 0.3))
    points = turbidity(store, since=from_ms(NOON), until=from_ms(NOON + 2 * MINUTE))
    assert [point.mean for point in points] == [0.1, 0.2]


def test_a_chart_of_nothing_is_empty(store: ReadingStore):
    assert list(turbidity(store)) == []
    store.write([row()])
    assert list(turbidity(store, until=START + timedelta(days=1))) == []
    assert list(turbidity(store, since=END, until=START)) == []


def test_a_chart_without_a_pixel_is_refused(store: ReadingStore):
    with pytest.raises(ValueError, match="0 pixels"):
        turbidity(store, pixels=0)


# --- a walk through everything


def test_every_row_is_walked_by_water_point_then_time_then_device(store: ReadingStore):
    rows = [
        row(water_point=point, device=device, at=NOON + minute * MINUTE)
        for point in ("a", "b", "წყარო")
        for minute in range(3)
        for device in ("kk-0001", "kk-0002")
    ]
    store.write(rows[::-1])
    assert list(store.rows(since_ms=0, until_ms=ms(END))) == rows


def test_a_walk_begins_at_its_start_and_ends_before_its_end(store: ReadingStore):
    store.write(every_minute(0.1, 0.2, 0.3))
    walked = store.rows(since_ms=NOON + MINUTE, until_ms=NOON + 2 * MINUTE)
    assert [each.observation.seq for each in walked] == [2]
    assert list(store.rows(since_ms=NOON, until_ms=NOON)) == []


def test_a_walk_of_more_rows_than_are_fetched_at_once_gives_each_once(store: ReadingStore):
    rows = [
        row(seq=n + 1, at=NOON + n // 2, device=f"kk-000{n % 2}", turbidity=None, ph=None)
        for n in range(20_002)
    ]
    store.write(rows)
    assert list(store.rows(since_ms=0, until_ms=ms(END))) == rows


def test_all_that_was_stored_before_a_walk_is_in_it_though_more_is_written_meanwhile(store: ReadingStore):
    first = [row(seq=n + 1, at=NOON + 2 * n, flow=None, ph=None) for n in range(12_000)]
    store.write(first)
    walked = []
    for each in store.rows(since_ms=0, until_ms=ms(END)):
        walked.append(each)
        if len(walked) in (1, 6_000, 11_999):
            start = NOON + 2 * len(walked) + 1
            store.write([row(seq=99_000 + n, at=start + 2 * n - 4_000, turbidity=9.0) for n in range(2_000)])
    assert [each for each in walked if each.observation.seq < 99_000] == first
    assert len({each.observation.taken_ms for each in walked}) == len(walked)


def test_the_extent_is_from_the_oldest_to_the_newest(store: ReadingStore):
    assert store.extent() is None
    store.write([row(at=NOON, water_point="a"), row(at=5, water_point="b"), row(at=NOON + MINUTE)])
    assert store.extent() == (5, NOON + MINUTE)


# --- time


def test_readings_a_millisecond_apart_are_two(store: ReadingStore):
    store.write([row(seq=1, at=NOON, turbidity=0.1), row(seq=2, at=NOON + 1, turbidity=0.2)])
    assert [point.at_ms for point in turbidity(store)] == [NOON, NOON + 1]


def test_a_bound_between_two_milliseconds_cuts_between_them(store: ReadingStore):
    store.write([row(seq=1, at=NOON), row(seq=2, at=NOON + 1)])
    between = from_ms(NOON) + timedelta(microseconds=500)
    assert [point.at_ms for point in turbidity(store, since=between)] == [NOON + 1]
    assert [point.at_ms for point in turbidity(store, until=between)] == [NOON]
    assert store.count(since=between, until=END) == store.count(since=START, until=between) == 1


# --- what is there


def test_identities_are_those_of_the_device_at_the_point_within_the_bounds(store: ReadingStore):
    rows = every_minute(0.1, 0.2, 0.3, 0.4)
    others = [row(device="kk-0002", at=NOON + MINUTE), row(water_point="elsewhere", at=NOON + MINUTE)]
    store.write([*rows, *others])
    found = store.identities(WATER_POINT, "kk-0001", since_ms=NOON + MINUTE, until_ms=NOON + 2 * MINUTE)
    assert found == {("9f1c2a7e", 2, NOON + MINUTE), ("9f1c2a7e", 3, NOON + 2 * MINUTE)}
    assert store.identities(WATER_POINT, "kk-0009", since_ms=0, until_ms=NOON * 2) == frozenset()
    assert store.identities(WATER_POINT, "kk-0001", since_ms=NOON, until_ms=NOON - 1) == frozenset()


def test_neighbours_are_those_of_the_device_at_the_point_oldest_first(store: ReadingStore):
    rows = every_minute(0.1, 0.2, 0.3, 0.4)
    others = [row(device="kk-0002", at=NOON + MINUTE), row(water_point="elsewhere", at=NOON + MINUTE)]
    store.write([*rows, *others])
    span = {"since_ms": NOON, "until_ms": NOON + 3 * MINUTE}

    assert list(store.neighbours(WATER_POINT, "kk-0001", at_most=9, newest=True, **span)) == rows[:3]
    assert list(store.neighbours(WATER_POINT, "kk-0001", at_most=2, newest=True, **span)) == rows[1:3]
    assert list(store.neighbours(WATER_POINT, "kk-0001", at_most=2, newest=False, **span)) == rows[:2]
    assert list(store.neighbours(WATER_POINT, "kk-0009", at_most=2, newest=True, **span)) == []
    backwards = store.neighbours(WATER_POINT, "kk-0001", since_ms=9, until_ms=9, at_most=2, newest=True)
    assert list(backwards) == []


def test_a_row_whose_flag_was_corrected_is_its_only_self(store: ReadingStore):
    doubted = row(ph=reading("ph", 7.4, flag=Flag.SUSPECT, why=Why.SPIKE))
    good = row(ph=reading("ph", 7.4))
    store.write([doubted, good])
    store.write([doubted])
    store.write([good])

    span = {"since_ms": 0, "until_ms": NOON * 2}
    assert list(store.neighbours(WATER_POINT, "kk-0001", at_most=9, newest=True, **span)) == [good]


def test_a_count_is_of_all_points_and_both_bounds_belong(store: ReadingStore):
    store.write([*every_minute(0.1, 0.2, 0.3), row(water_point="elsewhere", at=NOON)])
    assert store.count(since=from_ms(NOON), until=from_ms(NOON + MINUTE)) == 3
    assert store.count(since=END, until=START) == 0


# --- when something is wrong

UNSTORABLE = {
    "a certificate that is no Unicode": row(turbidity=reading(certificate="\ud800")),
    "an epoch that is no Unicode": row(epoch="\udfff"),
    "a sequence number beyond 64 bits": row(seq=2**63),
    "a time beyond the store's": row(at=9_223_372_036_855),
    "a time before 1970": row(at=-1),
    "a clock uncertainty without end": row(clock_uncertainty_s=float("inf")),
    "a value that no sum can hold": row(turbidity=reading(value=1.1e300)),
    "an unknown unit of the raw value": row(turbidity=reading(raw=1.0, raw_unit="mA")),
    "a water point without a name": row(water_point=""),
    "a line end in a name": row(water_point="a\nb"),
    "a backslash in a name": row(device="kk-0001\\"),
    "a name that is no Unicode": row(water_point="\ud800"),
}


@pytest.mark.parametrize("name", UNSTORABLE)
def test_what_can_never_be_stored_is_named_and_the_others_are_stored(store: ReadingStore, name: str):
    bad = UNSTORABLE[name]
    good = [replace(each, water_point="good") for each in every_minute(0.1, 0.2, 0.3)]
    with pytest.raises(PointRejected) as rejected:
        store.write([good[0], bad, good[1], good[2]])
    assert list(rejected.value.reasons) == [1]
    assert rejected.value.reasons[1]
    assert store.count(since=START, until=END) == 3


def test_a_name_that_cannot_be_stored_is_asked_for_in_vain(store: ReadingStore):
    store.write([row()])
    assert store.latest(["\ud800", "a\\", "", WATER_POINT], since=START, until=END).keys() == {WATER_POINT}
    assert store.chart("a\n", Parameter.PH, since=START, until=END, pixels=5) == []
    assert store.identities("a\n", "kk-0001", since_ms=0, until_ms=NOON * 2) == frozenset()


def test_a_store_that_is_down_says_so_and_takes_everything_when_it_is_back(standing: Standing):
    store, rows = standing.store, every_minute(*[0.1] * 50)
    store.write(rows[:20])
    standing.take_down()
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            store.write(rows[20:])
        with pytest.raises(StoreUnavailable):
            store.write([*rows[20:], UNSTORABLE["a backslash in a name"]])
    standing.bring_back()
    store.write(rows[20:])
    assert store.count(since=START, until=END) == 50


def test_several_threads_write_and_read_at_once(store: ReadingStore):
    def write_and_read(number: int) -> int:
        for n in range(10):
            at = NOON + n * MINUTE
            store.write([row(water_point=f"point-{number}", device=f"kk-000{number}", seq=n + 1, at=at)])
            store.latest(["point-0", "point-1"], since=START, until=END)
        return len(
            store.chart(f"point-{number}", Parameter.PH, since=START, until=END, pixels=100),
        )

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(write_and_read, range(6))) == [10] * 6
    assert store.count(since=START, until=END) == 60
