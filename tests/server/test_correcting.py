"""Where a device really stood: its stays rewritten, and what must move because of it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from server.database.engine import Database
from server.database.keeping_models import Rehoming
from server.database.migrate import migrate
from server.database.models import Deployment
from server.registry.correcting import correct, moved_by, with_stay
from server.registry.file import load_registry, read_registry_file
from server.registry.snapshot import Registry, Stay
from server.store.port import Move
from server.store.span import LATEST_MS
from waterquality.errors import ConfigError

D, A, B, C = "kk-0001", "algeti", "bolnisi", "chapala"
EVER = LATEST_MS + 1

_REGISTRY = """
[[municipality]]
id = "m"
names = { en = "M" }
""" + "".join(
    f"""
[[water_point]]
id = "{point}"
municipality = "m"
names = {{ en = "{point}" }}
sms_names = {{ en = "{point}" }}
lat = 41.4
lon = 44.5
"""
    for point in (A, B, C)
)


def device(point: str, since: str) -> str:
    return f'\n[[device]]\nid = "{D}"\nwater_point = "{point}"\nsince = {since}\n'


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path}/tskaro.db")
    migrate(database)
    load(database, tmp_path, device(A, "2026-11-01T00:00:00Z"))
    return database


def load(database: Database, folder: Path, more: str) -> None:
    (folder / "registry.toml").write_text(_REGISTRY + more)
    load_registry(read_registry_file(folder / "registry.toml"), database, 1_900_000_000_000)


def stays(database: Database) -> list[tuple[str, int, int | None]]:
    query = select(Deployment.water_point_id, Deployment.since_ms, Deployment.until_ms)
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(query.order_by(Deployment.since_ms))]


def moves(database: Database) -> list[tuple[str, str, int, int]]:
    query = select(Rehoming.source, Rehoming.target, Rehoming.since_ms, Rehoming.until_ms)
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(query.order_by(Rehoming.id))]


def say(database: Database, point: str, since_ms: int, until_ms: int | None = None) -> list[Move]:
    with database.writing() as connection:
        return list(correct(connection, D, point, since_ms=since_ms, until_ms=until_ms, who="nino", now_ms=9))


NOVEMBER = 1_793_491_200_000


def test_a_device_that_stood_elsewhere_for_a_while_has_three_stays(database: Database) -> None:
    assert say(database, B, NOVEMBER + 10, NOVEMBER + 20) == [Move(D, A, B, NOVEMBER + 10, NOVEMBER + 20)]
    assert stays(database) == [
        (A, NOVEMBER, NOVEMBER + 10),
        (B, NOVEMBER + 10, NOVEMBER + 20),
        (A, NOVEMBER + 20, None),
    ]
    assert moves(database) == [(A, B, NOVEMBER + 10, NOVEMBER + 20)]


def test_the_same_correction_again_changes_nothing(database: Database) -> None:
    say(database, B, NOVEMBER + 10)
    before = stays(database), moves(database)
    assert say(database, B, NOVEMBER + 10) == []
    assert (
        (stays(database), moves(database))
        == before
        == (
            [(A, NOVEMBER, NOVEMBER + 10), (B, NOVEMBER + 10, None)],
            [(A, B, NOVEMBER + 10, EVER)],
        )
    )


def test_a_correction_taken_back_moves_it_back(database: Database) -> None:
    say(database, B, NOVEMBER + 10, NOVEMBER + 20)
    say(database, A, NOVEMBER + 10, NOVEMBER + 20)
    assert stays(database) == [(A, NOVEMBER, None)]
    assert moves(database) == [(A, B, NOVEMBER + 10, NOVEMBER + 20), (B, A, NOVEMBER + 10, NOVEMBER + 20)]


def test_a_registry_file_that_dates_a_new_place_back_moves_what_was_measured_since(
    database: Database, tmp_path: Path
) -> None:
    load(database, tmp_path, device(B, "2026-11-05T00:00:00Z"))
    since = NOVEMBER + 4 * 86_400_000
    assert stays(database) == [(A, NOVEMBER, since), (B, since, None)]
    assert moves(database) == [(A, B, since, EVER)]
    load(database, tmp_path, device(B, "2026-11-05T00:00:00Z"))
    assert moves(database) == [(A, B, since, EVER)]


def test_a_correction_that_makes_no_sense_is_refused(database: Database) -> None:
    with pytest.raises(ConfigError, match="after"):
        say(database, B, NOVEMBER, NOVEMBER)
    with pytest.raises(ConfigError, match="no such water point"):
        say(database, "nowhere", NOVEMBER)
    assert stays(database) == [(A, NOVEMBER, None)]


_stays = st.lists(
    st.tuples(st.sampled_from([A, B, C]), st.integers(0, 99), st.none() | st.integers(1, 50)), max_size=6
)


@given(said=_stays, at=st.integers(0, 160))
def test_the_last_word_on_an_instant_stands_and_moves_lead_there(said, at: int) -> None:
    known: list[Stay] = []
    truth = stored = None  # where the device was at that instant, and where a reading of it lies
    for point, since, length in said:
        right = Stay(D, point, since, None if length is None else since + length)
        if right.since_ms <= at and (right.until_ms is None or at < right.until_ms):
            truth = point
            stored = stored or point
        for move in moved_by(known, right):
            if move.source == stored and move.since_ms <= at < move.until_ms:
                stored = move.target
        known = with_stay(known, right)
        assert Registry(stays={D: known}).water_point(D, at) == truth == stored
