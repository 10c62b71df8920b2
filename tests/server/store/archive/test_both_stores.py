"""`tskaro store` as it is typed, with both kinds of store: backup, restore on an empty machine, verify, import."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from server.cli import app
from server.clock import SystemClock
from server.composing import open_database, plain_store
from server.ingest.books import Booking, Books
from server.ingest.custody import Book
from server.settings import load_settings
from server.store.archive.sums import DaySums
from tests.builders import EPOCH, ms, reading, row
from tests.services.influxdb import InfluxDB
from waterquality.flags import Flag, Why
from waterquality.intervals import IntervalSet
from waterquality.readings import to_ms

pytestmark = pytest.mark.integration
START = ms("2026-10-30T22:00:00Z")
MINUTE = 60_000


def rows():
    """Two devices at two points over some days at the turn of a month, with corrected and failed readings."""
    return [
        row(
            water_point=point,
            device=device,
            seq=n + 1,
            at=START + n * 7 * MINUTE,
            turbidity=reading(value=n / 7, raw=n / 11, spread=0.04, certificate="kk-0001/turbidity/3"),
            ph=reading("ph", 7 + n / 1000, flag=Flag.SUSPECT, why=Why.UNUSUAL_VALUE),
            flow=None if n % 5 else 11.3,
        )
        for point, device in (("bolnisi-spring", "kk-0001"), ("წყარო", "kk-0002"))
        for n in range(600)
    ]


class Server:
    """A server's settings with a store of one kind."""

    def __init__(self, folder: Path, kind: str, influxdb: InfluxDB) -> None:
        folder.mkdir()
        self.settings = folder / "server.toml"
        where = f'path = "{folder / "readings.db"}"'
        if kind == "influxdb":
            where = f'url = "{influxdb.url}"\ndatabase = "a{folder.name}{influxdb.new_database()}"'
        self.settings.write_text(f'[store]\nkind = "{kind}"\n{where}\n')

    def tskaro(self, *arguments: object) -> Result:
        return CliRunner().invoke(app, ["store", *map(str, arguments), "--settings", str(self.settings)])

    def told(self, *arguments: object) -> dict[str, object]:
        result = self.tskaro(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def holds(self, *given) -> None:
        store = plain_store(load_settings(self.settings).store)
        store.prepare()
        store.write(given)
        store.close()

    def sums(self):
        store = plain_store(load_settings(self.settings).store)
        sums = DaySums.of(store.rows(since_ms=0, until_ms=ms("2100-01-01T00:00:00Z")))
        store.close()
        return sums.plain()


@pytest.mark.parametrize("kind", ["sqlite", "influxdb"])
@pytest.mark.parametrize("other", ["sqlite", "influxdb"])
def test_a_backup_is_restored_on_an_empty_machine_with_the_same_checksums(
    tmp_path: Path, influxdb: InfluxDB, kind: str, other: str
):
    old, new = Server(tmp_path / "old", kind, influxdb), Server(tmp_path / "new", other, influxdb)
    old.holds(*rows())
    made = old.told("backup", tmp_path / "backup")
    assert made["rows"] == len(rows())

    done = new.told("restore", tmp_path / "backup")
    assert (done["written"], done["verified"], done["refused"]) == (len(rows()), True, {})
    assert new.sums() == old.sums() == DaySums.of(rows()).plain()
    assert new.told("verify", tmp_path / "backup")["same"] == len(rows())
    assert new.told("verify", "--against", old.settings)["same"] == len(rows())
    assert new.told("backup", tmp_path / "again")["checksum"] == made["checksum"]

    assert new.told("restore", tmp_path / "backup")["written"] == 0  # may be said again


@pytest.mark.parametrize("kind", ["sqlite", "influxdb"])
def test_a_restore_goes_on_where_it_broke_off_and_goes_over_no_other_readings(
    tmp_path: Path, influxdb: InfluxDB, kind: str
):
    old, new = Server(tmp_path / "old", kind, influxdb), Server(tmp_path / "new", kind, influxdb)
    old.holds(*rows())
    old.told("backup", tmp_path / "backup")
    new.holds(*rows()[:100])
    assert new.told("restore", tmp_path / "backup")["written"] == len(rows()) - 100

    foreign = row(water_point="elsewhere", device="kk-0009", at="2026-12-24T00:00:00Z")
    new.holds(foreign)
    refused = new.tskaro("restore", tmp_path / "backup")
    assert refused.exit_code == 78
    assert "the store holds 1 readings that this backup has not" in refused.output
    assert "tskaro store import" in refused.output
    assert new.told("import", tmp_path / "backup")["there_already"] == len(rows())


@pytest.mark.parametrize("kind", ["sqlite", "influxdb"])
def test_verify_names_what_a_store_lacks_and_what_it_has_otherwise(
    tmp_path: Path, influxdb: InfluxDB, kind: str
):
    old, new = Server(tmp_path / "old", kind, influxdb), Server(tmp_path / "new", kind, influxdb)
    old.holds(*rows())
    old.told("backup", tmp_path / "backup")
    changed = row(water_point="bolnisi-spring", device="kk-0001", seq=1, at=START, turbidity=5.0)
    new.holds(changed, *rows()[1:-1])
    result = new.tskaro("verify", tmp_path / "backup", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["missing"], told["changed"], told["same"]) == (1, 1, len(rows()) - 2)
    assert {(day["device"], day["fate"]) for day in told["days"]} == {
        ("kk-0001", "changed"),
        ("kk-0002", "missing"),
    }
    shown = new.tskaro("verify", tmp_path / "backup")
    assert "kk-0001 2026-10-30: 1 changed" in shown.stdout
    assert new.tskaro("verify", "--against", old.settings).exit_code == 1
    assert new.tskaro("verify", tmp_path / "backup", "--files-only").exit_code == 0


def test_an_export_of_a_part_is_imported_and_not_restored(tmp_path: Path, influxdb: InfluxDB):
    old, new = Server(tmp_path / "old", "sqlite", influxdb), Server(tmp_path / "new", "influxdb", influxdb)
    old.holds(*rows())
    chosen = ("--since", "2026-11-01", "--until", "2026-11-01T06:00:00Z", "--water-point", "წყარო")
    made = old.told("export", tmp_path / "part", *chosen, "--licence", "CC-BY-4.0")
    assert (made["is_whole"], made["licence"]) == (False, "CC-BY-4.0")
    refused = new.tskaro("restore", tmp_path / "part")
    assert refused.exit_code == 78
    assert "tskaro store import" in refused.output
    assert new.told("import", tmp_path / "part")["written"] == made["rows"] > 40


@pytest.mark.parametrize("kind", ["sqlite", "influxdb"])
def test_what_the_books_call_stored_and_an_older_store_lacks_is_named(
    tmp_path: Path, influxdb: InfluxDB, kind: str
):
    server = Server(tmp_path / "one", kind, influxdb)
    server.settings.write_text(
        f'database_url = "sqlite:///{tmp_path / "t.db"}"\n{server.settings.read_text()}'
    )
    now_ms = to_ms(SystemClock().now())
    server.holds(*(row(seq=n, at=now_ms - (400 - n) * MINUTE) for n in range(201, 301)))
    books = Books(open_database(load_settings(server.settings)))
    booking = Booking()
    key = ("kk-0001", EPOCH)
    booking.books[key] = Book(stored=IntervalSet(((1, 400),)))
    long_ago = now_ms - 900 * 86_400_000
    booking.timed[key] = [(1, long_ago), (200, long_ago + 1)]  # forgotten on purpose since
    books.book(booking, now_ms)
    result = server.tskaro("verify", "--books", "--json")
    assert result.exit_code == 1, result.output
    (told,) = json.loads(result.stdout)["missing"]
    assert (told["device"], told["spans"]) == ("kk-0001", [[301, 400]])
    server.holds(*(row(seq=n, at=now_ms - (400 - n) * MINUTE) for n in range(301, 401)))
    assert server.told("verify", "--books") == {"missing": []}


def test_a_wrong_time_a_wrong_folder_and_no_store_say_what_to_do(tmp_path: Path, influxdb: InfluxDB):
    server = Server(tmp_path / "one", "sqlite", influxdb)
    assert "say it like" in server.tskaro("export", tmp_path / "p", "--since", "yesterday").output
    nowhere = server.tskaro("restore", tmp_path / "nowhere")
    assert (nowhere.exit_code, "no folder of readings" in nowhere.output) == (78, True)
    (tmp_path / "file").touch()
    assert server.tskaro("backup", tmp_path / "file").exit_code == 78
    influx = Server(tmp_path / "two", "influxdb", influxdb)
    text = influx.settings.read_text().replace(influxdb.url, "http://127.0.0.1:9")
    influx.settings.write_text(text)
    away = influx.tskaro("backup", tmp_path / "p")
    assert (away.exit_code, "refused" in away.output) == (75, True)
