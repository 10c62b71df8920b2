"""What every store promises of its memory: rollups, forgetting and moving, on InfluxDB and on SQLite alike."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.store.influx import InfluxReadingStore, InfluxSettings
from server.store.line_protocol import line_of
from server.store.port import ChartPoint, Move, ReadingStore, Row
from server.store.rolled import RolledHour
from server.store.rollup import Part
from server.store.span import Span
from server.store.sqlite import SqliteReadingStore
from tests.builders import WATER_POINT, instant, missing, reading, row
from waterquality.flags import Flag
from waterquality.parameters import Parameter
from waterquality.readings import from_ms, to_ms

pytestmark = pytest.mark.integration
START = instant("2026-11-01T00:00:00Z")
HOUR, DAY, MINUTE = 3_600_000, 86_400_000, 60_000
AT = to_ms(START)


@dataclass
class Memory:
    """A store with a clock of the test's own, and other views of the same data."""

    open: Callable[[Callable[[], int]], ReadingStore]
    before_rollups: Callable[[list[Row]], None]
    now_ms: int = AT

    def __post_init__(self) -> None:
        self.stores = [self.another()]
        self.roll_up()  # a store that has been running: it has looked at what it found

    @property
    def store(self) -> ReadingStore:
        return self.stores[0]

    @property
    def now(self) -> datetime:
        return from_ms(self.now_ms)

    def another(self) -> ReadingStore:
        return self.open(lambda: self.now_ms)

    def restart(self) -> None:
        """Another process, which remembers nothing."""
        self.store.close()
        self.stores[0] = self.another()

    def roll_up(self, *, at_ms: int | None = None) -> int:
        self.now_ms = max(self.now_ms + 10 * MINUTE, at_ms or 0)
        hours = 0
        while done := self.store.roll_up(self.now):
            hours += done
        return hours

    def forget(self, before_ms: int) -> int:
        rows = 0
        for _ in range(3):  # some wait between noting it and doing it
            while (step := self.store.forget(from_ms(before_ms), self.now)) is not None:
                rows += step.rows
            self.now_ms += 2 * MINUTE
        return rows

    def chart(self, *, hours: int = 24, pixels: int = 1, point: str = WATER_POINT, start_ms: int = AT):
        since, until = from_ms(start_ms), from_ms(start_ms + hours * HOUR)
        return self.store.chart(point, Parameter.TURBIDITY, since=since, until=until, pixels=pixels)


@pytest.fixture(params=["influxdb", "sqlite"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Memory]:
    if request.param == "sqlite":
        path = tmp_path / "readings.db"

        def written_before(rows: list[Row]) -> None:
            SqliteReadingStore(path).write(rows)
            with sqlite3.connect(path, isolation_level=None) as file:
                for table in ("due", "rollup", "upkeep"):
                    file.execute(f"DROP TABLE {table}")

        def opened(_: Callable[[], int]) -> ReadingStore:
            store = SqliteReadingStore(path)
            store.prepare()
            return store

        memory = Memory(opened, written_before)
    else:
        service = request.getfixturevalue("influxdb")
        database = request.getfixturevalue("influx_database")

        def lines_before(rows: list[Row]) -> None:
            service.write(b"\n".join(map(line_of, rows)).decode(), database)
            service.query("DELETE FROM rolled WHERE time >= 0", database)

        memory = Memory(
            lambda clock_ms: InfluxReadingStore(InfluxSettings(service.url, database), clock_ms),
            lines_before,
        )
    yield memory
    memory.store.close()


def minutes(values: list[float], *, start_ms: int = AT, step_ms: int = MINUTE, **given: object) -> list[Row]:
    return [
        row(seq=n + 1, at=start_ms + n * step_ms, turbidity=value, **given) for n, value in enumerate(values)
    ]


def charted(rows: dict[tuple[str, int, str], Row], span: Span, pixels: int) -> list[ChartPoint]:
    """A chart by the plainest arithmetic: the oracle."""
    found = sorted(
        (key[1], one.observation.readings[Parameter.TURBIDITY])
        for key, one in rows.items()
        if span.start_ms <= key[1] < span.end_ms and Parameter.TURBIDITY in one.observation.readings
    )
    fits = len(found) <= pixels
    width = 1 if fits else span.width_for(pixels)
    points = []
    for at in sorted({at // width * width for at, _ in found}):
        of = [each for taken, each in found if taken // width * width == at]
        values = [each.value for each in of if each.flag.is_usable and each.value is not None]
        mean = sum(values) / len(values) if values else None
        worst = max(each.flag for each in of)
        points.append(
            ChartPoint(at, min(values, default=None), mean, max(values, default=None), worst, len(of))
        )
    return points


def about(points: list[ChartPoint]) -> list[object]:
    """Equal but for the last digits of a mean, which come of the order of adding."""
    return [
        (
            p.at_ms,
            p.low,
            None if p.mean is None else pytest.approx(p.mean, rel=1e-9, abs=1e-9),
            p.high,
            p.flag,
            p.count,
        )
        for p in points
    ]


def plain(points) -> list[object]:
    return [(p.at_ms, p.low, p.mean, p.high, p.flag, p.count) for p in points]


# --- rollups say what the readings say

_numbers = count()  # a water point of its own for each example
_writes = st.lists(
    st.tuples(
        st.integers(0, 4 * 24 * 4),  # a quarter of an hour within four days
        st.sampled_from([Flag.GOOD, Flag.GOOD, Flag.SUSPECT, Flag.FAIL, Flag.UNKNOWN, Flag.MISSING]),
        st.floats(-5, 100, allow_nan=False),
    ),
    min_size=1,
    max_size=40,
)
_turns = st.lists(st.tuples(_writes, st.booleans(), st.booleans()), min_size=1, max_size=4)
_spans = st.tuples(
    st.integers(0, 96 * 60), st.integers(1, 96 * 60), st.sampled_from([1, 2, 3, 4, 5, 8, 13, 20, 48, 96])
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(turns=_turns, spans=st.lists(_spans, min_size=1, max_size=4))
def test_a_chart_says_the_same_whatever_was_rolled_up(memory: Memory, turns, spans):
    point = f"point-{next(_numbers)}"
    known: dict[tuple[str, int, str], Row] = {}
    for writes, is_rolled, is_restarted in turns:
        written = [
            row(
                seq=quarter + 1,
                at=AT + quarter * 15 * MINUTE,
                water_point=point,
                turbidity=reading(value=None if flag is Flag.MISSING else value, flag=flag),
            )
            for quarter, flag, value in writes
        ]
        memory.store.write(written)
        known |= {(point, one.observation.taken_ms, one.observation.device): one for one in written}
        if is_rolled:
            memory.roll_up(at_ms=AT + 5 * DAY)
        if is_restarted:
            memory.restart()
        for first, length, pixels in spans:
            span = Span(AT + first * MINUTE, AT + (first + length) * MINUTE)
            got = memory.store.chart(
                point,
                Parameter.TURBIDITY,
                since=from_ms(span.start_ms),
                until=from_ms(span.end_ms),
                pixels=pixels,
            )
            assert plain(got) == about(charted(known, span, pixels))


def test_an_hour_is_worked_out_when_it_is_over_and_once(memory: Memory):
    memory.store.write(minutes([0.3, 0.5, 0.4]))
    memory.now_ms = AT + 30 * MINUTE
    assert memory.roll_up() == 0
    assert memory.roll_up(at_ms=AT + HOUR + 10 * MINUTE) == 1
    assert memory.roll_up() == 0


def test_what_came_late_and_what_was_judged_again_is_worked_out_anew(memory: Memory):
    rows = minutes([1.0, 2.0, 95.0])
    memory.store.write(rows)
    memory.roll_up(at_ms=AT + 2 * DAY)
    memory.store.write([row(seq=4, at=AT + 30 * MINUTE, turbidity=0.1)])
    memory.store.write([row(seq=3, at=AT + 2 * MINUTE, turbidity=reading(value=95.0, flag=Flag.FAIL))])
    before = memory.chart()
    assert memory.roll_up() == 1
    assert memory.chart() == before == [ChartPoint(AT, 0.1, pytest.approx(3.1 / 3), 2.0, Flag.FAIL, 4)]


def test_an_hour_that_lost_its_last_usable_value_shows_none(memory: Memory):
    memory.store.write(minutes([50.0, 60.0]))
    memory.roll_up(at_ms=AT + 2 * DAY)
    lost = missing(flag=Flag.FAIL)
    memory.store.write([row(seq=n + 1, at=AT + n * MINUTE, turbidity=lost) for n in range(2)])
    memory.roll_up()
    assert memory.chart() == [ChartPoint(AT, None, None, None, Flag.FAIL, 2)]


def test_marks_outlive_the_process_that_made_them(memory: Memory):
    memory.store.write(minutes([0.3, 95.0, 0.4]))
    memory.restart()
    assert memory.roll_up(at_ms=AT + DAY) == 1
    memory.restart()
    assert memory.chart()[0].high == 95.0


def test_readings_written_before_there_were_rollups_are_found(memory: Memory):
    memory.before_rollups(minutes([0.3] * 100 + [95.0] * 100, step_ms=10 * MINUTE))
    memory.restart()
    memory.now_ms = AT + 3 * DAY
    before = memory.chart(hours=48, pixels=4)
    memory.roll_up()
    memory.roll_up()
    assert memory.store.upkeep().due == 0
    assert plain(memory.chart(hours=48, pixels=4)) == about(before)
    assert memory.forget(AT + 2 * DAY) == 200
    assert plain(memory.chart(hours=48, pixels=4)) == about(before)


def test_two_that_work_out_the_same_do_no_harm(memory: Memory):
    values = [random.Random(7).uniform(0, 9) for _ in range(3 * 24 * 6)]
    memory.store.write(minutes(values, step_ms=10 * MINUTE))
    before = memory.chart(hours=72, pixels=6)
    memory.now_ms = AT + 4 * DAY
    others = [memory.another() for _ in range(2)]

    def work_out(store: ReadingStore) -> None:
        while store.roll_up(memory.now):
            pass

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(work_out, [memory.store, *others]))
    for store in others:
        store.close()
    assert plain(memory.chart(hours=72, pixels=6)) == about(before)
    memory.forget(AT + 3 * DAY)
    assert plain(memory.chart(hours=72, pixels=6)) == about(before)


def test_what_waits_is_told(memory: Memory):
    memory.store.write([*minutes([0.3, 0.4]), *minutes([0.3], start_ms=AT + HOUR)])
    memory.store.roll_up(memory.now)
    assert memory.store.upkeep().due == 2
    memory.roll_up(at_ms=AT + DAY)
    memory.roll_up(at_ms=AT + DAY + HOUR)
    assert memory.store.upkeep().due == 0
    assert memory.store.upkeep().forgotten_ms == 0


# --- forgetting


def test_days_that_are_wholly_before_are_deleted_and_their_rollups_stay(memory: Memory):
    memory.store.write(minutes([float(n % 50) for n in range(4 * 144)], step_ms=10 * MINUTE))
    memory.roll_up(at_ms=AT + 5 * DAY)
    before = memory.chart(hours=96, pixels=8)
    assert memory.forget(AT + 2 * DAY + 5 * HOUR) == 2 * 144
    assert memory.store.count(since=START, until=START + timedelta(days=9)) == 2 * 144
    assert memory.store.upkeep().forgotten_ms == AT + 2 * DAY
    assert plain(memory.chart(hours=96, pixels=8)) == about(before)
    assert len(memory.chart(hours=48, pixels=4000)) == 48
    assert memory.forget(AT + 2 * DAY + 5 * HOUR) == 0


def test_a_forgotten_day_is_charted_by_whole_hours(memory: Memory):
    memory.store.write(minutes([1.0, 2.0], step_ms=30 * MINUTE))
    memory.roll_up(at_ms=AT + 3 * DAY)
    memory.forget(AT + DAY)
    assert memory.chart(start_ms=AT + 45 * MINUTE, hours=1, pixels=800) == [
        ChartPoint(AT, 1.0, 1.5, 2.0, Flag.GOOD, 2)
    ]


def test_nothing_is_deleted_of_which_a_rollup_is_due(memory: Memory):
    memory.store.write(minutes([0.3] * 10))
    memory.now_ms = AT + 3 * DAY
    assert memory.forget(AT + 2 * DAY) == 0
    memory.roll_up()
    memory.store.write([row(seq=99, at=AT + 5 * HOUR, turbidity=9.0)])
    assert memory.roll_up() == 1
    assert memory.forget(AT + 2 * DAY) == 11
    assert memory.chart()[0].high == 9.0


def test_a_rollup_of_what_is_forgotten_is_final(memory: Memory):
    memory.store.write(minutes([0.3, 95.0]))
    memory.roll_up(at_ms=AT + 3 * DAY)
    memory.forget(AT + 2 * DAY)
    memory.store.write([row(seq=3, at=AT + 2 * MINUTE, turbidity=0.1)])
    memory.roll_up()
    memory.roll_up()
    assert memory.chart() == [ChartPoint(AT, 0.3, 47.65, 95.0, Flag.GOOD, 2)]


def test_to_forget_nothing_is_no_trouble(memory: Memory):
    memory.roll_up()
    assert memory.forget(AT + DAY) == 0


# --- moving


def moved(memory: Memory, what: Move) -> int:
    rows = 0
    while done := memory.store.move(what):
        rows += done
    return rows


def test_readings_move_to_where_the_device_stood_and_both_charts_follow(memory: Memory):
    rows = minutes([float(n) for n in range(48)], step_ms=HOUR)
    others = [row(seq=n + 1, at=AT + n * HOUR, device="kk-0002", turbidity=3.0) for n in range(48)]
    memory.store.write([*rows, *others])
    memory.roll_up(at_ms=AT + 3 * DAY)
    what = Move("kk-0001", WATER_POINT, "kazreti", AT + 24 * HOUR, AT + 36 * HOUR)
    assert moved(memory, what) == 12
    assert moved(memory, what) == 0
    for _ in range(2):  # from readings, then from rollups
        assert [point.count for point in memory.chart(hours=48, pixels=2)] == [48, 36]
        assert memory.chart(start_ms=AT + DAY, point="kazreti") == [
            ChartPoint(AT + DAY, 24.0, 29.5, 35.0, Flag.GOOD, 12)
        ]
        memory.roll_up()
    found = memory.store.identities("kazreti", "kk-0001", since_ms=AT, until_ms=AT + 3 * DAY)
    assert found == {("9f1c2a7e", n + 1, AT + n * HOUR) for n in range(24, 36)}
    assert len(memory.store.identities(WATER_POINT, "kk-0002", since_ms=AT, until_ms=AT + 3 * DAY)) == 48
    assert memory.store.latest(["kazreti"], since=START, until=memory.now) == {
        "kazreti": replace(rows[35], water_point="kazreti")
    }


def test_a_point_that_nothing_is_left_of_shows_nothing(memory: Memory):
    memory.store.write(minutes([1.0] * 300, step_ms=10 * MINUTE))
    memory.roll_up(at_ms=AT + 4 * DAY)
    assert moved(memory, Move("kk-0001", WATER_POINT, "kazreti", AT, AT + 9 * DAY)) == 300
    memory.roll_up()
    assert memory.chart(hours=96) == []
    assert memory.chart(hours=96, point="kazreti", pixels=2)[0].count + 12 == 300
    memory.forget(AT + 3 * DAY)
    assert memory.chart(hours=96) == []


def test_a_move_that_was_broken_off_is_finished(memory: Memory):
    rows = minutes([1.0, 2.0, 3.0])
    memory.store.write(rows)
    memory.store.write([replace(one, water_point="kazreti") for one in rows[:2]])  # written, not yet deleted
    assert moved(memory, Move("kk-0001", WATER_POINT, "kazreti", AT, AT + DAY)) == 3
    assert memory.store.count(since=START, until=START + timedelta(days=1)) == 3
    assert memory.chart() == []


def test_many_thousands_move_in_steps(memory: Memory):
    memory.store.write(minutes([0.3] * 5_001, step_ms=1_000))
    what = Move("kk-0001", WATER_POINT, "kazreti", AT, AT + DAY)
    assert memory.store.move(what) < 5_001
    assert moved(memory, what) > 0
    assert memory.chart(point="kazreti")[0].count == 5_001


# --- what another store has forgotten


def rolled(
    hour: int, *, point: str = WATER_POINT, parameter: Parameter = Parameter.TURBIDITY, low: float = 0.1
) -> RolledHour:
    return RolledHour(point, parameter, Part(AT + hour * HOUR, 6, 5, 6, low, 0.1 + 0.2, 4.0, Flag.SUSPECT))


def test_rolled_hours_are_those_of_forgotten_days_alone_in_order(memory: Memory):
    for point, device in (("b", "kk-0002"), ("a", "kk-0001"), ("წყარო", "kk-0003")):
        values = [0.1 * n for n in range(3 * 24)]
        memory.store.write(
            minutes(values, step_ms=HOUR, water_point=point, device=device, flow=missing(), ph=None)
        )
    memory.roll_up(at_ms=AT + 5 * DAY)
    assert list(memory.store.rolled_hours()) == []
    memory.forget(AT + 2 * DAY)
    walked = list(memory.store.rolled_hours())
    names = [
        (point, parameter, AT + n * HOUR)
        for point in ("a", "b", "წყარო")
        for parameter in ("flow", "turbidity")
        for n in range(48)
    ]
    assert [hour.name for hour in walked] == names
    assert walked[48 + 3].part == Part(AT + 3 * HOUR, 1, 1, 1, 0.1 * 3, 0.1 * 3, 0.1 * 3, Flag.GOOD)
    assert walked[3].part == Part(AT + 3 * HOUR, 1, 0, 0, None, 0.0, None, Flag.MISSING)


def test_an_empty_store_takes_over_what_another_has_forgotten_and_charts_it(memory: Memory):
    hours = [rolled(n, point=point, low=n / 7) for point in ("a", WATER_POINT) for n in range(48)]
    hours.append(
        RolledHour("a", Parameter.TURBIDITY, Part(AT + 50 * HOUR, 2, 0, 0, None, 0.0, None, Flag.FAIL))
    )
    hours.sort(key=lambda hour: hour.name)
    for _ in range(2):  # to say it again changes nothing
        assert memory.store.adopt(hours, AT + 3 * DAY) == len(hours)
        assert list(memory.store.rolled_hours()) == hours
        assert memory.store.upkeep().forgotten_ms == AT + 3 * DAY
    in_hours = memory.chart(hours=48, pixels=800)
    assert [(point.low, point.high, point.count) for point in in_hours] == [
        (n / 7, 4.0, 6) for n in range(48)
    ]
    in_days = memory.chart(hours=48, pixels=2)
    assert [(point.low, point.count, point.flag) for point in in_days] == [
        (0.0, 144, Flag.SUSPECT),
        (24 / 7, 144, Flag.SUSPECT),
    ]
    assert in_days[0].mean == pytest.approx(0.05)
    memory.restart()
    assert list(memory.store.rolled_hours()) == hours
    assert memory.chart(hours=48, pixels=800) == in_hours


def test_a_store_nobody_has_looked_at_yet_charts_what_it_took_over(memory: Memory):
    memory.before_rollups([row(seq=9, at=AT + 3 * DAY, turbidity=7.0)])
    memory.restart()
    memory.store.prepare()
    memory.store.adopt([rolled(5)], AT + 2 * DAY)
    assert [(point.high, point.count) for point in memory.chart(hours=96, pixels=4)] == [(4.0, 6), (7.0, 1)]


def test_readings_of_its_own_are_never_given_for_the_rollups_of_another(memory: Memory):
    memory.store.write(minutes([0.3] * 10, start_ms=AT + DAY))
    memory.roll_up(at_ms=AT + 5 * DAY)
    own = memory.chart(start_ms=AT + DAY, hours=24, pixels=24)
    assert memory.store.adopt([rolled(23), rolled(24), rolled(25)], AT + 3 * DAY) == 1
    assert memory.store.upkeep().forgotten_ms == AT + DAY
    assert memory.chart(start_ms=AT + DAY, hours=24, pixels=24) == own
    memory.store.write([row(seq=99, at=AT + DAY + 20 * MINUTE, turbidity=9.0)])
    memory.roll_up()
    assert memory.chart(start_ms=AT + DAY)[0].high == 9.0  # and goes on being worked out


def test_readings_left_over_of_a_forgotten_day_do_not_change_what_it_came_to(memory: Memory):
    memory.store.adopt([rolled(5)], AT + 2 * DAY)
    memory.store.write([row(seq=1, at=AT + 5 * HOUR, turbidity=95.0)])
    memory.roll_up(at_ms=AT + 6 * DAY)
    assert list(memory.store.rolled_hours()) == [rolled(5)]
    assert memory.forget(AT + 4 * DAY) == 1
    assert list(memory.store.rolled_hours()) == [rolled(5)]


def test_many_thousands_of_rolled_hours_are_taken_over_and_walked_in_pages(memory: Memory):
    hours = [rolled(n, low=n / 3) for n in range(12_000)]
    for start in range(0, len(hours), 5_000):
        memory.store.adopt(hours[start : start + 5_000], AT + 500 * DAY)
    assert list(memory.store.rolled_hours()) == hours
