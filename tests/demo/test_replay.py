"""Recorded water through the whole path, at full speed, into real parts."""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from server.store.influx import InfluxReadingStore, InfluxSettings
from server.store.sqlite import SqliteReadingStore
from tests.builders import instant
from tests.services.influxdb import InfluxDB
from tests.services.mosquitto import Mosquitto

COMMAND = [sys.executable, "-c", "from demo.cli import app; app()", "replay"]
START = instant("2019-06-01T00:00:00Z")


def recording(folder: Path, rows: list[str]) -> Path:
    path = folder / "series.csv"
    path.write_text("when,ntu,acid,m3h\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def minute(n: int, ntu: object = 0.3, acid: object = 7.4, flow: object = 0.66) -> str:
    return f"{(START + timedelta(minutes=n)).isoformat()},{ntu},{acid},{flow}"


def replay(path: Path, *options: str) -> tuple[int, dict[str, object], str]:
    mapping = ["--map", "turbidity=ntu:NTU", "--map", "ph=acid:pH", "--map", "flow=m3h:m3/h"]
    ran = subprocess.run(
        [*COMMAND, str(path), "--time", "when", *mapping, "--json", *options],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    last = ran.stdout.strip().splitlines()
    return ran.returncode, json.loads(last[-1]) if last else {}, ran.stderr


def test_a_series_goes_through_mosquitto_into_influxdb_and_the_alert_falls_where_it_should(
    tmp_path: Path, mosquitto: Mosquitto, influxdb: InfluxDB, influx_database: str
) -> None:
    rows = [minute(n, ntu=9.0 if 60 <= n < 80 else 0.3, acid="NULL" if n == 7 else 7.4) for n in range(150)]

    code, found, said = replay(
        recording(tmp_path, rows),
        *(
            "--broker",
            f"127.0.0.1:{mosquitto.port}",
            "--store",
            f"{influxdb.url}/{influx_database}",
            "--keep-time",
        ),
    )

    assert 0 == code, said
    assert (150, 150, 0, 0) == (
        found["rows"],
        found["rows_in_store"],
        found["lost"],
        found["observations_in_outbox"],
    )
    assert {"ph": 1} == found["missing_readings"]
    assert (1, 0) == (found["alerts_fired"], found["late_episodes"])
    assert 4 == found["sms_delivered"]  # two subscribers, told of the breach and of its end
    store = InfluxReadingStore(InfluxSettings(url=influxdb.url, database=influx_database))
    newest = store.latest(["replay"], since=START, until=START + timedelta(hours=3))["replay"]
    assert START + timedelta(minutes=149) == newest.observation.taken_at
    assert [0.3, 7.4, 11.0] == [reading.value for reading in newest.observation.readings.values()]
    assert "01.06 05:05     firing" in said  # confirmed five minutes after 01:00 UTC, as Tbilisi reads it


def test_a_silence_in_the_record_is_a_silence_in_the_run(tmp_path: Path) -> None:
    rows = [minute(n) for n in range(30)] + [minute(n) for n in range(200, 230)]

    code, found, said = replay(recording(tmp_path, rows))

    assert 0 == code, said
    assert "silent" in said
    assert 1 == found["alerts_fired"]


def test_a_bad_row_is_named_by_its_line_and_counted(tmp_path: Path) -> None:
    rows = [minute(0), minute(1, ntu="muddy"), minute(2), "yesterday,1,7,1", minute(2), minute(3)]

    code, found, said = replay(recording(tmp_path, rows))

    assert 0 == code, said
    assert 3 == found["rows"]
    assert 3 == sum(found["bad_rows"].values())  # type: ignore[attr-defined]
    for line in (3, 5, 6):
        assert f"line {line}:" in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(["--map", "mud=ntu:NTU"], "mud", id="an unknown parameter"),
        pytest.param(["--map", "temperature=ntu:furlongs"], "furlongs", id="an unknown unit"),
        pytest.param(["--map", "temperature=nowhere:Cel"], "nowhere", id="a column that is not there"),
        pytest.param(["--map", "ph=ntu:pH"], "ph", id="a parameter mapped twice"),
        pytest.param(["--tz", "Mars/Olympus"], "Mars/Olympus", id="an unknown zone"),
        pytest.param(["--speed", "backwards"], "backwards", id="no speed"),
        pytest.param(["--broker", "somewhere"], "HOST:PORT", id="no port"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_sent(
    tmp_path: Path, options: list[str], words: str
) -> None:
    code, found, said = replay(recording(tmp_path, [minute(0)]), *options)

    assert 78 == code
    assert {} == found
    assert words in said


def test_without_keep_time_the_last_row_is_now(tmp_path: Path) -> None:
    _, found, _ = replay(
        recording(tmp_path, [minute(n) for n in range(5)]), "--store", str(tmp_path / "kept.db")
    )
    store = SqliteReadingStore(tmp_path / "kept.db")
    now = datetime.now(START.tzinfo)
    newest = store.latest(["replay"], since=now - timedelta(minutes=5), until=now)["replay"]
    assert timedelta(0) <= now - newest.observation.taken_at < timedelta(minutes=2)
    assert 5 == found["rows_in_store"]
