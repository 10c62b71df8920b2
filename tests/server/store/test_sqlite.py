"""What is the embedded store's own: its file, the disk, other processes."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server.store.port import StoreUnavailable
from server.store.sqlite import SqliteReadingStore
from tests.builders import AT, WATER_POINT, instant, ms, row
from waterquality.parameters import Parameter

LATEST = {"since": instant("2026-11-01T00:00:00Z"), "until": instant("2026-12-01T00:00:00Z")}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "readings.db"


@pytest.fixture
def store(path: Path) -> SqliteReadingStore:
    store = SqliteReadingStore(path, busy_timeout_s=0.05)
    store.prepare()
    return store


def test_nothing_is_made_before_it_is_prepared(path: Path):
    store = SqliteReadingStore(path)
    assert not path.parent.exists()
    with pytest.raises(StoreUnavailable, match=r"readings\.db"):
        store.write([row()])
    assert not path.parent.exists()


def test_a_store_opened_again_has_what_was_written(store: SqliteReadingStore, path: Path):
    store.write([row()])
    store.close()
    again = SqliteReadingStore(path)
    again.prepare()
    assert again.latest([WATER_POINT], **LATEST) == {WATER_POINT: row()}


def test_a_file_from_before_a_parameter_was_known_gets_its_columns(path: Path):
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE observation (water_point TEXT NOT NULL, taken_ms INTEGER NOT NULL, "
            "device TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL, received_ms INTEGER NOT NULL, "
            "clock_uncertainty_s REAL NOT NULL, ph REAL, ph_flag INTEGER, "
            "PRIMARY KEY (water_point, taken_ms, device)) WITHOUT ROWID"
        )
        connection.execute("INSERT INTO observation VALUES ('old', 1, 'kk-0001', 'e', 1, 1, 0, 7.1, 1)")
    store = SqliteReadingStore(path)
    store.prepare()
    written = row(temperature=11.5)
    store.write([written])
    latest = store.latest(["old", WATER_POINT], since=instant("1970-01-01T00:00:00Z"), until=LATEST["until"])
    assert latest[WATER_POINT] == written
    assert latest["old"].observation.readings.keys() == {Parameter.PH}


def test_a_page_is_read_while_another_process_writes(store: SqliteReadingStore, path: Path):
    store.write([row()])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("DELETE FROM observation")
    assert store.count(**LATEST) == 1
    other.close()


def test_a_write_waits_for_another_process_that_ends_in_time(path: Path):
    store = SqliteReadingStore(path, busy_timeout_s=20)
    store.prepare()
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(store.write, [row()])
        assert not writing.done()
        other.execute("ROLLBACK")
        writing.result(20)
    assert store.count(**LATEST) == 1


def test_a_full_disk_takes_nothing_and_leaves_what_was_there(store: SqliteReadingStore, path: Path):
    store.write([row()])
    with store._connection() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(StoreUnavailable, match="full"):
        store.write([row(seq=n + 2, at=ms(AT) + n + 1) for n in range(5000)])
    assert store.count(**LATEST) == 1
    store.write([row(seq=2, at=ms(AT) + 1)])
    assert store.count(**LATEST) == 2


def test_a_file_that_is_no_database_is_unavailable(path: Path):
    path.parent.mkdir()
    path.write_bytes(b"no database at all, and long enough to be looked at" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        SqliteReadingStore(path).prepare()


def test_two_processes_may_prepare_at_once(path: Path):
    stores = [SqliteReadingStore(path) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(SqliteReadingStore.prepare, stores))
    stores[3].write([row()])
    assert stores[0].count(**LATEST) == 1


def test_readings_survive_a_process_that_ends_without_closing(
    store: SqliteReadingStore, path: Path, tmp_path: Path
):
    store.write([row()])
    as_left = tmp_path / "copy.db"
    as_left.write_bytes(path.read_bytes())
    Path(f"{as_left}-wal").write_bytes(Path(f"{path}-wal").read_bytes())
    assert SqliteReadingStore(as_left).count(**LATEST) == 1


def test_a_batch_that_breaks_off_half_way_leaves_nothing(store: SqliteReadingStore, path: Path):
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(
        "CREATE TRIGGER broken BEFORE INSERT ON observation WHEN NEW.seq = 3 "
        "BEGIN SELECT RAISE(FAIL, 'broken'); END"
    )
    rows = [row(seq=n + 1, at=ms(AT) + n) for n in range(5)]
    with pytest.raises(StoreUnavailable, match="broken"):
        store.write(rows)
    assert store.count(**LATEST) == 0
    other.execute("DROP TRIGGER broken")
    store.write(rows)
    assert store.count(**LATEST) == 5
    other.close()
