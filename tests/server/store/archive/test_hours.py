"""What hours came to whose readings are deleted: into a package, and back into a store of either kind."""

import csv
import gzip
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.clock import SystemClock
from server.composing import plain_store
from server.settings import load_settings
from server.store.archive.columns import Unreadable
from server.store.archive.hour_columns import HOUR_HEADER, HourReader, cells_of_hour, checksum_of_hour
from server.store.archive.package import DESCRIPTION, PackageBroken, read_package
from server.store.archive.unpacking import check_package
from server.store.influx import InfluxReadingStore, InfluxSettings
from server.store.rolled import RolledHour
from server.store.rollup import DAY_MS, HOUR_MS, Part
from tests.builders import ms, reading, row
from tests.server.store.archive.test_both_stores import Server
from tests.services.influxdb import InfluxDB
from waterquality.flags import Flag, Why
from waterquality.parameters import Parameter
from waterquality.readings import from_ms, to_ms

pytestmark = pytest.mark.integration
START = ms("2026-10-30T00:00:00Z")
POINTS = ("bolnisi-spring", "წყარო")
KINDS = pytest.mark.parametrize("kind", ["sqlite", "influxdb"])


def rows():
    """Five days of two points, every ten minutes."""
    return [
        row(
            water_point=point,
            device=device,
            seq=n + 1,
            at=START + n * HOUR_MS // 6,
            turbidity=reading(value=n / 7),
            ph=reading("ph", 7 + n / 1000, flag=Flag.SUSPECT if n % 9 else Flag.FAIL, why=Why.UNUSUAL_VALUE),
            flow=None if n % 5 else 11.3,
        )
        for point, device in zip(POINTS, ("kk-0001", "kk-0002"), strict=True)
        for n in range(5 * 144)
    ]


def forget_days(server: Server, days: int) -> None:
    """What the keeper does when so many days are older than what is to be kept."""
    settings, now_ms = load_settings(server.settings).store, to_ms(SystemClock().now())
    store = plain_store(settings)
    if isinstance(store, InfluxReadingStore):
        store = InfluxReadingStore(InfluxSettings(settings.url, settings.database), lambda: now_ms)
    for _ in range(4):
        now_ms += 600_000
        while store.roll_up(from_ms(now_ms)):
            pass
        while store.forget(from_ms(START + days * DAY_MS), from_ms(now_ms)):
            pass
    assert store.upkeep().forgotten_ms == START + days * DAY_MS
    store.close()


def charts(server: Server, *, days: int = 5):
    """All that people could have seen of it: by hours and by days."""
    store = plain_store(load_settings(server.settings).store)
    since, until = from_ms(START), from_ms(START + days * DAY_MS)
    drawn = {
        (point, parameter, pixels): store.chart(point, parameter, since=since, until=until, pixels=pixels)
        for point in POINTS
        for parameter in (Parameter.TURBIDITY, Parameter.PH, Parameter.FLOW)
        for pixels in (120, 5)
    }
    store.close()
    return drawn


def about(drawn):
    """But for the last digit of a mean, since two stores add up in two ways."""
    return {
        name: [replace(point, mean=point.mean and pytest.approx(point.mean, rel=1e-12)) for point in points]
        for name, points in drawn.items()
    }


@KINDS
@pytest.mark.parametrize("other", ["sqlite", "influxdb"])
def test_a_chart_of_what_was_forgotten_is_the_same_after_a_restore(
    tmp_path: Path, influxdb: InfluxDB, kind: str, other: str
):
    old, new = Server(tmp_path / "old", kind, influxdb), Server(tmp_path / "new", other, influxdb)
    old.holds(*rows())
    whole = charts(old)
    forget_days(old, 3)
    seen = charts(old)
    assert seen == about(whole)
    made = old.told("backup", tmp_path / "backup")
    assert made["rows"] == 2 * 2 * 144
    assert made["rolled_hours"] == 2 * 3 * 72

    done = new.told("restore", tmp_path / "backup")
    assert (done["rolled_hours_written"], done["rolled_hours_left_out"]) == (2 * 3 * 72, 0)
    assert done["verified"] is True
    assert charts(new) == about(seen)
    assert charts(new, days=3) == about(charts(old, days=3))
    assert new.told("verify", tmp_path / "backup")["rolled_hours"]["same"] == 2 * 3 * 72
    assert new.told("restore", tmp_path / "backup")["rolled_hours_written"] == 0  # may be said again

    again = new.told("backup", tmp_path / "again")
    assert (again["checksum"], again["rolled_hours"]) == (made["checksum"], made["rolled_hours"])
    of_hours = [
        [(file.facts, file.hash) for file in read_package(tmp_path / name).hours]
        for name in ("backup", "again")
    ]
    assert of_hours[0] == of_hours[1]  # every number to the last bit

    forget_days(new, 4)  # and life goes on
    assert charts(new) == about(seen)


@KINDS
def test_a_store_that_still_has_the_readings_leaves_the_hours_of_another_out(
    tmp_path: Path, influxdb: InfluxDB, kind: str
):
    old, new = Server(tmp_path / "old", kind, influxdb), Server(tmp_path / "new", kind, influxdb)
    old.holds(*rows())
    forget_days(old, 3)
    old.told("backup", tmp_path / "backup")
    new.holds(*rows())
    before = charts(new)
    result = new.tskaro("import", tmp_path / "backup", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["rolled_hours_left_out"] == 2 * 3 * 72
    assert charts(new) == before


@KINDS
def test_verify_names_hours_that_a_store_lacks(tmp_path: Path, influxdb: InfluxDB, kind: str):
    old, new = Server(tmp_path / "old", kind, influxdb), Server(tmp_path / "new", kind, influxdb)
    old.holds(*rows())
    forget_days(old, 3)
    old.told("backup", tmp_path / "backup")
    new.holds(*(each for each in rows() if each.observation.taken_ms >= START + 3 * DAY_MS))
    result = new.tskaro("verify", tmp_path / "backup", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["missing"], told["rolled_hours"]["missing"]) == (0, 2 * 3 * 72)
    assert new.told("import", tmp_path / "backup")["rolled_hours_written"] == 2 * 3 * 72
    assert charts(new) == about(charts(old))


def test_a_package_from_before_there_were_hours_is_restored(tmp_path: Path, influxdb: InfluxDB):
    old, new = Server(tmp_path / "old", "sqlite", influxdb), Server(tmp_path / "new", "sqlite", influxdb)
    old.holds(*rows())
    old.told("backup", tmp_path / "backup")
    path = tmp_path / "backup" / DESCRIPTION
    described = json.loads(path.read_text(encoding="utf-8"))
    described["tskaro"] |= {"format": 1}
    del described["tskaro"]["forgotten_ms"]
    path.write_text(json.dumps(described), encoding="utf-8")
    (tmp_path / "backup" / "hours.json").unlink()
    assert new.told("restore", tmp_path / "backup")["verified"] is True


def test_an_export_takes_the_hours_of_its_time_and_points(tmp_path: Path, influxdb: InfluxDB):
    old = Server(tmp_path / "old", "sqlite", influxdb)
    old.holds(*rows())
    forget_days(old, 3)
    chosen = ("--since", "2026-10-31T00:30:00Z", "--until", "2026-11-01", "--water-point", "წყარო")
    assert old.told("export", tmp_path / "part", *chosen)["rolled_hours"] == 3 * 23
    assert read_package(tmp_path / "part").whole.forgotten_ms == START + 2 * DAY_MS
    old.told("export", tmp_path / "recent", "--since", "2026-11-02")
    assert read_package(tmp_path / "recent").whole.forgotten_ms == 0


def test_hours_that_were_damaged_or_changed_with_their_file_are_found(tmp_path: Path, influxdb: InfluxDB):
    old = Server(tmp_path / "old", "sqlite", influxdb)
    old.holds(*rows())
    forget_days(old, 3)
    folder = tmp_path / "backup"
    old.told("backup", folder)
    package = read_package(folder)
    file = package.hours[0]
    facts = file.facts.model_copy(update={"hours": file.facts.hours - 1})
    with pytest.raises(PackageBroken, match="do not add up"):
        check_package(
            folder, package.model_copy(update={"resources": [file.model_copy(update={"facts": facts})]})
        )
    path = folder / file.path
    path.write_bytes(path.read_bytes()[:-9])
    assert "damaged" in old.tskaro("verify", folder, "--files-only").output
    assert old.tskaro("restore", folder).exit_code == 78


def test_anybody_can_read_the_hours(tmp_path: Path, influxdb: InfluxDB):
    old = Server(tmp_path / "old", "sqlite", influxdb)
    old.holds(*rows())
    forget_days(old, 1)
    old.told("backup", tmp_path / "p")
    described = json.loads((tmp_path / "p" / DESCRIPTION).read_text(encoding="utf-8"))
    (resource,) = [
        each
        for each in described["resources"]
        if each["tskaro"]["water_point"] == "წყარო" and "hours" in each["path"]
    ]
    schema = json.loads((tmp_path / "p" / resource["schema"]).read_text(encoding="utf-8"))
    with gzip.open(tmp_path / "p" / resource["path"], "rt", encoding="utf-8", newline="") as text:
        read = list(csv.DictReader(text))
    assert list(read[0]) == [field["name"] for field in schema["fields"]]
    first = next(each for each in read if each["parameter"] == "turbidity")
    assert (first["hour"], first["count"], first["flag"]) == ("2026-10-30T00:00:00Z", "6", "1")
    assert float(first["mean"]) == pytest.approx(sum(n / 7 for n in range(6)) / 6)
    old.holds(row(water_point="new", device="kk-0009", seq=1, at=START + 9 * DAY_MS))
    old.told("backup", tmp_path / "p")
    kept = {path.relative_to(tmp_path / "p").as_posix() for path in (tmp_path / "p" / "hours").iterdir()}
    assert kept == {file.path for file in read_package(tmp_path / "p").hours}


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(low=finite, total=finite, high=finite, count=st.integers(1, 2**40), hour=st.integers(0, 2_000_000))
def test_any_hour_comes_back_from_its_cells_as_it_was(
    low: float, total: float, high: float, count: int, hour: int
):
    plain = RolledHour(
        'a," წ', Parameter.PH, Part(hour * HOUR_MS, count, 0, count, low, total, high, Flag.FAIL)
    )
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HOUR_HEADER, cells_of_hour(plain)])
    text.seek(0)
    header, cells = csv.reader(text)
    back = HourReader(header).hour_of(cells)
    assert back == plain
    assert checksum_of_hour(back) == checksum_of_hour(plain)


SOUND = cells_of_hour(RolledHour("a", Parameter.PH, Part(0, 6, 5, 6, 1.0, 9.0, 2.0, Flag.GOOD)))


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("start_ms", "1800000", "no start of an hour"),
        ("start_ms", "-3600000", "no start of an hour"),
        ("parameter", "chlorine", "chlorine"),
        ("flag", "5", "5"),
        ("usable", "4", "of 6 readings"),
        ("usable", "", "invalid literal"),
        ("low", "", "a lowest and a highest"),
        ("total", "inf", "no number"),
        ("water_point", "", "an id is empty"),
        ("water_point", "a\\", "no id"),
    ],
)
def test_cells_that_are_no_hour_say_why(column: str, cell: str, said: str):
    cells = list(SOUND)
    cells[HOUR_HEADER.index(column)] = cell
    with pytest.raises(Unreadable, match=said):
        HourReader(HOUR_HEADER).hour_of(cells)


def test_a_header_that_is_not_ours_says_why():
    with pytest.raises(Unreadable, match="newer"):
        HourReader([*HOUR_HEADER, "chlorine"])
    with pytest.raises(Unreadable, match="'flag' is missing"):
        HourReader([name for name in HOUR_HEADER if name != "flag"])
    with pytest.raises(Unreadable, match="1 cells"):
        HourReader(HOUR_HEADER).hour_of(["a"])
