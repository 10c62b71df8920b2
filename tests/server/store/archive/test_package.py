"""A package of readings: whole, exact, readable by anybody, and never half there."""

import csv
import gzip
import hashlib
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.store.archive.columns import HEADER, CellReader, Unreadable, cells_of, checksum_of
from server.store.archive.comparing import Fate
from server.store.archive.package import DESCRIPTION, PackageBroken, file_name, read_package
from server.store.archive.packing import Choice, Label, pack_readings
from server.store.archive.sums import DaySums
from server.store.archive.unpacking import check_package, compare_stores, compare_with, unpack_readings
from server.store.port import Row, StoreUnavailable
from server.store.sqlite import SqliteReadingStore
from tests.builders import instant, missing, ms, reading, row
from waterquality.flags import Flag, Why

NOW = instant("2026-12-05T00:00:00Z")
LABEL = Label(store="sqlite", title="Readings", licence="CC-BY-4.0")
START = ms("2026-10-30T22:00:00Z")
HOUR = 3_600_000
POINTS = ("bolnisi-spring", "წყარო/ქვემო", "..", "A", "a")


def varied() -> list[Row]:
    """Rows of five points over three days at the turn of a month, with every facet among them."""
    full = {
        "turbidity": reading(value=4.25, raw=3.9821, certificate='kk/"1", \r\n\x00 წ', spread=5e-324),
        "ph": reading("ph", -0.0, flag=Flag.SUSPECT, why=Why.UNUSUAL_VALUE, raw=1.5),
        "flow": reading("flow", 0.1 + 0.2, raw=512, raw_unit="count"),
        "volume": reading("volume", -1e300, raw=1e300, flag=Flag.FAIL, why=Why.PROBE_STUCK),
        "temperature": missing(),
        "clock_uncertainty_s": 12.5,
    }
    return [
        row(
            water_point=point,
            device=f"kk-000{n}",
            seq=2**53 + hour,
            at=START + hour * HOUR + n,
            **(full if hour % 3 else {"turbidity": None, "ph": None, "flow": None}),
        )
        for n, point in enumerate(POINTS)
        for hour in range(60)
    ]


def made(path: Path, rows: list[Row]) -> SqliteReadingStore:
    store = SqliteReadingStore(path)
    store.prepare()
    store.write(rows)
    return store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteReadingStore]:
    store = made(tmp_path / "readings.db", varied())
    yield store
    store.close()


def pack(store: SqliteReadingStore, folder: Path, choice: Choice | None = None):
    return pack_readings(store, folder, choice=choice or Choice(), label=LABEL, now=NOW)


def walked(store: SqliteReadingStore) -> list[Row]:
    return list(store.rows(since_ms=0, until_ms=ms("2100-01-01T00:00:00Z")))


# --- cells

finite = st.floats(allow_nan=False, allow_infinity=False)
readings = st.builds(
    reading,
    value=st.none() | finite,
    raw=st.none() | finite,
    raw_unit=st.sampled_from(["V", "count"]),
    spread=st.none() | finite,
    certificate=st.text(max_size=20),
    flag=st.sampled_from(Flag),
    why=st.sampled_from(Why),
)


@settings(max_examples=200)
@given(turbidity=readings, ph=st.none() | readings, at=st.integers(0, ms("2200-01-01T00:00:00Z")))
def test_any_row_comes_back_from_its_cells_as_it_was(turbidity, ph, at: int):
    written = row(at=at, turbidity=turbidity, ph=ph, clock_uncertainty_s=0.1)
    (back,) = rows_through_csv([written])
    assert back == written
    assert checksum_of(back) == checksum_of(written)


def rows_through_csv(rows: list[Row]) -> list[Row]:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([HEADER, *map(cells_of, rows)])
    text.seek(0)
    cells = csv.reader(text)
    reader = CellReader(next(cells))
    return [reader.row_of(each) for each in cells]


def test_a_file_from_before_a_parameter_was_known_is_read_and_its_checksum_is_the_same():
    written = row(temperature=None)
    places = [at for at, name in enumerate(HEADER) if not name.startswith("temperature")]
    reader = CellReader([HEADER[at] for at in places])
    back = reader.row_of([cells_of(written)[at] for at in places])
    assert (back, checksum_of(back)) == (written, checksum_of(written))


@pytest.mark.parametrize(
    ("header", "said"),
    [((*HEADER, "radon"), "newer Tskaro"), ([name for name in HEADER if name != "seq"], "'seq' is missing")],
)
def test_a_header_that_would_lose_something_is_refused(header: tuple[str, ...], said: str):
    with pytest.raises(Unreadable, match=said):
        CellReader(header)


@pytest.mark.parametrize(
    ("column", "cell"),
    [("turbidity", "nan"), ("turbidity_flag", "7"), ("turbidity_why", "of_tomorrow"), ("seq", "x")],
)
def test_a_cell_that_says_nothing_we_know_is_refused(column: str, cell: str):
    cells = cells_of(row())
    cells[HEADER.index(column)] = cell
    with pytest.raises(Unreadable):
        CellReader(HEADER).row_of(cells)


# --- checksums


def test_a_checksum_knows_no_order_and_every_facet():
    rows = varied()
    assert DaySums.of(rows).plain() == DaySums.of(rows[::-1]).plain()
    sums = {checksum_of(each) for each in (row(), row(seq=2), row(turbidity=0.32), row(flag=Flag.SUSPECT))}
    other = Row(row().water_point, row().observation, row().received_ms + 1)
    assert len(sums | {checksum_of(other)}) == 5


def test_two_equal_rows_do_not_cancel_out():
    assert DaySums.of([row(), row()]).total().total != 0


# --- the folder


def test_a_package_holds_every_row_and_adds_up(store: SqliteReadingStore, tmp_path: Path):
    package = pack(store, tmp_path / "p")
    check_package(tmp_path / "p", package)
    assert package.whole.rows == len(varied())
    assert package.whole.checksum == DaySums.of(varied()).total().text
    assert read_package(tmp_path / "p") == package
    assert compare_with(tmp_path / "p", package, store).counts == {Fate.SAME: len(varied())}


def test_anybody_can_read_it_with_what_python_brings(store: SqliteReadingStore, tmp_path: Path):
    pack(store, tmp_path / "p")
    described = json.loads((tmp_path / "p" / DESCRIPTION).read_text(encoding="utf-8"))
    fields = json.loads((tmp_path / "p" / "schema.json").read_text(encoding="utf-8"))["fields"]
    assert [field["name"] for field in fields] == list(HEADER)
    assert described["licenses"] == [{"name": "CC-BY-4.0"}]
    assert described["flags"]["4"] == "FAIL"
    counted = 0
    for resource in described["resources"]:
        path = tmp_path / "p" / resource["path"]
        assert resource["hash"] == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
            rows = list(csv.DictReader(text))
        assert {each["water_point"] for each in rows} == {resource["tskaro"]["water_point"]}
        assert {each["taken_at"][:7] for each in rows} == {resource["tskaro"]["month"]}
        counted += len(rows)
    assert counted == len(varied())


def test_the_same_readings_give_the_same_files(store: SqliteReadingStore, tmp_path: Path):
    first, again = pack(store, tmp_path / "p"), pack(store, tmp_path / "q")
    assert first.resources == again.resources


def test_names_of_points_that_differ_little_never_share_a_file():
    names = ["a", "A", "a/b", "a%2fb", ".", "..", "ა", "x" * 300, "x" * 301]
    files = [file_name(name).lower() for name in names]
    assert len(set(files)) == len(names)
    assert all("/" not in name and not name.startswith(".") and len(name) <= 150 for name in files)


def test_an_export_holds_what_was_chosen_and_says_that_it_is_a_part(
    store: SqliteReadingStore, tmp_path: Path
):
    since_ms, until_ms = START + 10 * HOUR, START + 20 * HOUR
    choice = Choice(since_ms=since_ms, until_ms=until_ms, water_points=frozenset({"a", "A"}))
    package = pack(store, tmp_path / "p", choice)
    assert (package.whole.rows, package.whole.is_whole) == (20, False)
    assert {resource.facts.water_point for resource in package.resources} == {"a", "A"}


def test_an_empty_store_gives_an_empty_package(tmp_path: Path):
    package = pack(made(tmp_path / "empty.db", []), tmp_path / "p")
    assert package.whole.rows == 0
    assert read_package(tmp_path / "p").resources == []


def test_a_package_brought_up_to_date_holds_the_new_and_nothing_of_the_old(
    store: SqliteReadingStore, tmp_path: Path
):
    pack(store, tmp_path / "p")
    store.write(
        [row(water_point="a", device="kk-0004", at=START + 4, turbidity=77.0), row(water_point="new")]
    )
    package = pack(store, tmp_path / "p")
    check_package(tmp_path / "p", package)
    assert compare_with(tmp_path / "p", package, store).counts == {Fate.SAME: len(varied()) + 1}
    files = {
        path.relative_to(tmp_path / "p").as_posix() for path in (tmp_path / "p" / "readings").glob("*/*")
    }
    assert files == {resource.path for resource in package.resources}


# --- broken off, damaged


class BreaksOff(SqliteReadingStore):
    """The real store, of which a walk breaks off after so many rows."""

    after = 150

    def rows(self, *, since_ms: int, until_ms: int) -> Iterator[Row]:
        for each in super().rows(since_ms=since_ms, until_ms=until_ms):
            if self.after == 0:
                raise StoreUnavailable("cut")
            self.after -= 1
            yield each


def test_a_backup_that_breaks_off_leaves_the_older_one_whole_and_is_done_again(
    store: SqliteReadingStore, tmp_path: Path
):
    older = pack(store, tmp_path / "p")
    store.write([row(water_point=point, at=START + 5, turbidity=66.0) for point in POINTS])
    with pytest.raises(StoreUnavailable):
        pack(BreaksOff(tmp_path / "readings.db"), tmp_path / "p")
    assert read_package(tmp_path / "p") == older
    check_package(tmp_path / "p", older)
    package = pack(store, tmp_path / "p")
    assert compare_with(tmp_path / "p", package, store).counts == {Fate.SAME: len(varied()) + len(POINTS)}


def test_a_first_backup_that_breaks_off_is_none(store: SqliteReadingStore, tmp_path: Path):
    with pytest.raises(StoreUnavailable):
        pack(BreaksOff(tmp_path / "readings.db"), tmp_path / "p")
    with pytest.raises(PackageBroken, match="never finished"):
        read_package(tmp_path / "p")
    with pytest.raises(PackageBroken, match="no folder of readings"):
        read_package(tmp_path / "nowhere")


def test_a_file_that_is_damaged_cut_short_or_gone_is_found_before_a_row_of_it_is_believed(
    store: SqliteReadingStore, tmp_path: Path
):
    package = pack(store, tmp_path / "p")
    path = tmp_path / "p" / package.resources[3].path
    whole = path.read_bytes()
    empty = made(tmp_path / "other.db", [])
    for damaged in (whole[:-9], whole[:50] + b"\x00" + whole[51:], whole + b"x", None):
        path.unlink(missing_ok=True)
        if damaged is not None:
            path.write_bytes(damaged)
        with pytest.raises(PackageBroken, match=path.name.split(".")[0]):
            check_package(tmp_path / "p", package)
        with pytest.raises(PackageBroken):
            unpack_readings(tmp_path / "p", package, empty)
    assert empty.extent() is None


def test_rows_that_were_changed_together_with_their_file_do_not_add_up(
    store: SqliteReadingStore, tmp_path: Path
):
    package = pack(store, tmp_path / "p")
    resource = package.resources[0]
    path = tmp_path / "p" / resource.path
    forged = gzip.compress(gzip.decompress(path.read_bytes()).replace(b"4.25", b"0.25"))
    path.write_bytes(forged)
    resource = resource.model_copy(update={"hash": f"sha256:{hashlib.sha256(forged).hexdigest()}"})
    with pytest.raises(PackageBroken, match="do not add up"):
        check_package(tmp_path / "p", package.model_copy(update={"resources": [resource]}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tskaro": {"format": 3, "is_whole": True, "rows": 0, "checksum": "", "store": "x"}}, "format"),
        ({"resources": [{"name": "x", "path": "../../etc/passwd"}]}, "path"),
        ({"created": "yesterday"}, "created"),
    ],
)
def test_a_description_of_another_kind_is_refused(
    store: SqliteReadingStore, tmp_path: Path, change: dict[str, object], said: str
):
    pack(store, tmp_path / "p")
    described = json.loads((tmp_path / "p" / DESCRIPTION).read_text(encoding="utf-8"))
    (tmp_path / "p" / DESCRIPTION).write_text(json.dumps(described | change), encoding="utf-8")
    with pytest.raises(PackageBroken, match=said):
        read_package(tmp_path / "p")


# --- back into a store


def test_what_is_there_already_stays_unless_it_is_to_be_replaced(store: SqliteReadingStore, tmp_path: Path):
    package = pack(store, tmp_path / "p")
    first, second, *_ = varied()
    corrected = Row(first.water_point, first.observation, first.received_ms + 9)
    added = row(water_point="bolnisi-spring", device="kk-0099", at=START)
    other = made(tmp_path / "other.db", [corrected, second, added])

    done = unpack_readings(tmp_path / "p", package, other)
    assert done.written == len(varied()) - 2
    assert done.before.counts[Fate.CHANGED] == done.before.counts[Fate.ADDED] == 1
    assert corrected in walked(other)
    compared = compare_stores(store, other)
    assert compared.counts == {Fate.SAME: len(varied()) - 1, Fate.CHANGED: 1, Fate.ADDED: 1}
    assert set(compared.days) == {
        ("kk-0000", "2026-10-30", Fate.CHANGED),
        ("kk-0099", "2026-10-30", Fate.ADDED),
    }

    again = unpack_readings(tmp_path / "p", package, other, replace=True)
    assert again.written == 1
    assert compare_stores(store, other).counts == {Fate.SAME: len(varied()), Fate.ADDED: 1}


def test_a_restore_that_breaks_off_goes_on_where_it_was(store: SqliteReadingStore, tmp_path: Path):
    package = pack(store, tmp_path / "p")
    half = made(tmp_path / "half.db", varied()[:100])
    done = unpack_readings(tmp_path / "p", package, half)
    assert done.written == len(varied()) - 100
    assert compare_stores(store, half).counts == {Fate.SAME: len(varied())}


def test_a_backup_while_the_intake_writes_holds_all_that_was_stored_before_it(tmp_path: Path):
    before = [row(seq=n + 1, at=START + 2 * n) for n in range(20_000)]
    path = tmp_path / "busy.db"
    store = made(path, before)
    stop, wrote = threading.Event(), list[Row]()

    def intake() -> None:
        writer = SqliteReadingStore(path)
        n = 0
        while not stop.is_set():
            batch = [row(seq=50_000 + n + i, at=START + 2 * ((n + i) * 37 % 30_000) + 1) for i in range(50)]
            writer.write(batch)
            wrote.extend(batch)
            n += 50
        writer.close()

    thread = threading.Thread(target=intake)
    thread.start()
    try:
        package = pack(store, tmp_path / "p")
    finally:
        stop.set()
        thread.join()
    check_package(tmp_path / "p", package)
    empty = made(tmp_path / "empty.db", [])
    unpack_readings(tmp_path / "p", package, empty)
    restored = {(each.observation.seq, each.observation.taken_ms): each for each in walked(empty)}
    assert all(restored[each.observation.seq, each.observation.taken_ms] == each for each in before)
    assert len(restored) > len(before)  # it was really written to meanwhile
    assert {name for name in restored if name[0] >= 50_000} <= {
        (each.observation.seq, each.observation.taken_ms) for each in wrote
    }
