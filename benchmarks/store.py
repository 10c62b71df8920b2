"""How fast the stores of readings write, and answer what the pages ask.

`python -m benchmarks.store [--json] [--rows N] [--days N]`. Both stores get the same observations of three
parameters with raw values: those of many water points, and a year of minutes (525,600) of one, which is charted
from its readings and then, rolled up, from hours. InfluxDB is Debian's, started for the purpose in a folder of
its own; making the rows is not measured.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from server.store.influx import InfluxReadingStore, InfluxSettings
from server.store.port import ReadingStore, Row
from server.store.sqlite import SqliteReadingStore
from tests.services.influxdb import InfluxDB
from waterquality.flags import Flag, Screened
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading, by_parameter, from_ms

_POINTS = 1_000
_MINUTE_MS = 60_000
_DAY_MS = 24 * 3_600 * 1_000
_YEAR_MS = 365 * _DAY_MS
_START_MS = 1_735_689_600_000  # 2025-01-01
_PIXELS = 800
_REPEATS = 15
_LATER_MS = 3_600_000  # until then every mark has settled


def rows_of_many_points(count: int, *, start_ms: int) -> list[Row]:
    """A minute's observations of 1,000 points, then the next minute's, until there are enough."""
    return [
        _row(f"point-{n % _POINTS}", f"kk-{n % _POINTS:04}", n, start_ms + n // _POINTS * 60_000)
        for n in range(count)
    ]


def minutes_of_one_point(days: int) -> Iterator[list[Row]]:
    """One observation a minute, a day at a time."""
    for day in range(days):
        minutes = range(day * 1_440, (day + 1) * 1_440)
        yield [_row("year", "kk-9999", n, _START_MS + n * _MINUTE_MS) for n in minutes]


def measure(store: ReadingStore, count: int, days: int) -> dict[str, float]:
    """All figures of one store."""
    figures: dict[str, float] = {}
    end_ms = _START_MS + _YEAR_MS
    for size in (1, 50, 500, 5_000):
        rows = rows_of_many_points(min(count, 1_000 * size), start_ms=end_ms)
        figures[f"write_rows_per_s_by_{size}"] = round(
            len(rows) / _seconds(partial(_write, store, rows, size))
        )
        end_ms = rows[-1].observation.taken_ms + 60_000
    figures |= _latest(store, end_ms)
    for rows in minutes_of_one_point(days):
        store.write(rows)
    return figures | _charts(store, days, "from_readings") | _rolled_up(store, days)


def _rolled_up(store: ReadingStore, days: int) -> dict[str, float]:
    """What rolling up costs, and charts afterwards."""
    rows = days * 1_440
    _CLOCK.ms = max(_CLOCK.ms, _START_MS + 2 * _YEAR_MS) + _LATER_MS
    now = from_ms(_CLOCK.ms)
    steps = []
    while not steps or steps[-1][1]:
        began_s = time.perf_counter()
        done = store.roll_up(now)
        steps.append((time.perf_counter() - began_s, done))
    spent_s, hours = sum(each for each, _ in steps), sum(done for _, done in steps)
    return {
        "roll_up_hours": hours,
        "roll_up_us_per_row": round(1e6 * spent_s / rows, 2),
        "roll_up_longest_step_ms": round(1e3 * max(each for each, _ in steps), 1),
    } | _charts(store, days, "rolled_up")


def _latest(store: ReadingStore, end_ms: int) -> dict[str, float]:
    bounds = {"since": from_ms(end_ms - _DAY_MS), "until": from_ms(end_ms)}
    points = [f"point-{n}" for n in range(_POINTS)]
    assert len(store.latest(points, **bounds)) == _POINTS
    return {
        f"latest_of_{asked}_points_ms": _median_ms(partial(store.latest, points[:asked], **bounds))
        for asked in (10, _POINTS)
    }


def _charts(store: ReadingStore, days: int, how: str) -> dict[str, float]:
    figures, end_ms = {}, _START_MS + days * _DAY_MS
    for name, length_ms in (("day", _DAY_MS), ("month", 30 * _DAY_MS), ("year", days * _DAY_MS)):
        bounds = {"since": from_ms(end_ms - length_ms), "until": from_ms(end_ms)}
        chart = partial(store.chart, "year", Parameter.TURBIDITY, **bounds, pixels=_PIXELS)
        assert 0 < len(chart()) <= _PIXELS
        figures[f"chart_of_a_{name}_{how}_ms"] = _median_ms(chart)
    return figures


class _Clock:
    """The stores' time, which the benchmark moves on."""

    ms = time.time_ns() // 1_000_000

    def __call__(self) -> int:
        return self.ms


_CLOCK = _Clock()


def _row(water_point: str, device: str, seq: int, taken_ms: int) -> Row:
    wobble = seq * 7919 % 1000 / 1000
    good = Screened(Flag.GOOD)
    readings = by_parameter(
        Reading(Parameter.TURBIDITY, 0.3 + wobble, 3.9 + wobble / 10, screened=good, certificate="c-1"),
        Reading(Parameter.PH, 7.0 + wobble, 1.5 + wobble / 10, screened=good, certificate="c-2"),
        Reading(Parameter.FLOW, 11.0 + wobble, float(seq % 900), "count", screened=good),
    )
    return Row(water_point, Observation(device, "9f1c2a7e", seq + 1, taken_ms, readings), taken_ms + 1_500)


def _write(store: ReadingStore, rows: Sequence[Row], size: int) -> None:
    for start in range(0, len(rows), size):
        store.write(rows[start : start + size])


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _median_ms(work: Callable[[], object]) -> float:
    return round(1_000 * statistics.median(_seconds(work) for _ in range(_REPEATS)), 1)


@contextmanager
def _influx() -> Iterator[ReadingStore]:
    with InfluxDB() as service:
        store = InfluxReadingStore(InfluxSettings(service.url, service.new_database()), _CLOCK)
        while store.roll_up(from_ms(_CLOCK.ms)):  # it looks whether anything was there before
            pass
        yield store
        store.close()


@contextmanager
def _sqlite() -> Iterator[ReadingStore]:
    with tempfile.TemporaryDirectory(prefix="tskaro-bench-") as folder:
        store = SqliteReadingStore(Path(folder) / "readings.db")
        store.prepare()
        yield store
        store.close()


def main() -> None:
    """Measure both stores and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rows", type=int, default=50_000, help="rows written at each batch size")
    parser.add_argument("--days", type=int, default=365, help="days of one observation a minute at one point")
    arguments = parser.parse_args()
    figures = {}
    for name, opened in (("influxdb", _influx), ("sqlite", _sqlite)):
        with opened() as store:
            figures[name] = measure(store, arguments.rows, arguments.days)
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, of_store in figures.items():
        for what, figure in of_store.items():
            print(f"{name:10}{what:36}{figure:>12,}")


if __name__ == "__main__":
    main()
