"""From every released schema to today's, with data in every table; and what becomes of it when that fails."""

import shutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, Boolean, Column, Float, Integer, LargeBinary, MetaData, Table, insert, select

from alerts.lifecycle import Phase
from server.database.engine import Database
from server.database.migrate import migrate
from server.database.models import Base
from server.ingest.books import Books
from server.ledger import SqlLedger
from server.registry.directory import read_directory
from server.registry.snapshot import read_registry
from server.remote.desk import Desk
from tests.fakes.programs import TSKARO, run
from waterquality.errors import ConfigError
from waterquality.languages import Language
from waterquality.readings import from_ms

SCRIPTS = Path(__file__).parents[2] / "server" / "database" / "migrations"
# In the order in which they are applied, which is not that of their numbers.
RELEASED = [
    script.revision
    for script in ScriptDirectory(str(SCRIPTS)).walk_revisions()  # the newest first
][::-1]
# What a column must hold so that today's code reads it; all others hold something of their type.
VALUES: Mapping[str, Any] = {
    "names": {"ka": "სოფელი", "en": "Village"},
    "sms_names": {"ka": "სოფელი-1"},
    "stored": [[1, 7]],
    "quarantined": [[8, 8]],
    "gaps": [],
    "missing": [[9, 9]],
    "noted": [],
    "judged": [[1, 8]],
    "parameter": "ph",
    "model": "sen0161-v2",
    "tests": {"unit": "pH", "spike": {"suspect": 0.4}},
    "language": "ka",
    "role": "cso",
    "phase": "firing",
    "before": "pending",
    "after": "firing",
    "lane": "live",
    "fate": "queued",
    "state": "pending",
    "until_ms": None,
    "municipality_id": "x",
    "rising": [1],
    "spec": {"kind": "no_data", "id": "x", "after_s": 1800, "severity": "warning"},
}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any schema, of each kind."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'tskaro.db'}")
    else:
        database = Database(request.getfixturevalue("postgres_url"))
    yield database
    database.close()


def fill(database: Database) -> dict[str, dict[str, Any]]:
    """Put a row into every table as it stands; returns the rows, by table."""
    tables, rows = MetaData(), {}
    with database.writing() as connection:
        tables.reflect(connection)
        for table in tables.sorted_tables:
            if table.name != "alembic_version" and connection.execute(select(table)).first() is None:
                rows[table.name] = {column.name: _value(column) for column in table.columns}
                connection.execute(insert(table).values(rows[table.name]))
    return rows


def _value(column: Column[Any]) -> Any:
    if column.name in VALUES and (column.nullable or VALUES[column.name] is not None):
        return VALUES[column.name]
    match column.type:
        case JSON():
            return {"a": 1}
        case Boolean():
            return True
        case Integer() | Float():
            return 1
        case LargeBinary():
            return b"\x00\xff"
    return "x"


def rows_now(database: Database) -> dict[str, dict[str, Any]]:
    """The only row of each table."""
    tables = MetaData()
    with database.reading() as connection:
        tables.reflect(connection)
        return {
            table.name: dict(connection.execute(select(table)).mappings().first() or {})
            for table in _of(tables)
        }


def _of(tables: MetaData) -> list[Table]:
    return [table for table in tables.sorted_tables if table.name != "alembic_version"]


def assert_todays_code_reads_it(database: Database) -> None:
    book = Books(database).all()["x", "x"]
    assert ((1, 7),) == book.stored.spans
    assert ((9, 9),) == book.missing.spans
    ledger = SqlLedger(database)
    assert [Phase.FIRING] == [standing.state.phase for standing in ledger.standings()]
    assert 8 == len(ledger.judged([("x", "x")])["x", "x"])
    assert ["x"] == [pending.text for pending in ledger.due(from_ms(5), 10)]
    directory = read_directory(database, read_registry(database))
    assert "x" == directory.registry.water_point("x", 5)
    assert "სოფელი-1" == directory.sms_name("x", Language.KA)


# ---- forward ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("released", RELEASED)
def test_data_of_every_released_schema_is_still_there_and_readable(empty: Database, released: str) -> None:
    migrate(empty, revision=released)
    before = fill(empty)
    assert "custody" in before

    migrate(empty)

    now = rows_now(empty)
    for table, row in before.items():
        kept = {name: now[table][name] for name in row if name in now[table]}
        assert {name: row[name] for name in kept} == kept, table
    assert_todays_code_reads_it(empty)
    if "device_config" in before:
        assert "pending" == Desk(empty).configured("x").state


def test_the_schema_of_the_migrations_is_that_of_the_models(database: Database) -> None:
    for path in (SCRIPTS.parent).glob("*models.py"):
        import_module(f"server.database.{path.stem}")
    with database.reading() as connection:
        assert [] == compare_metadata(MigrationContext.configure(connection), Base.metadata)


# ---- when it fails ----------------------------------------------------------------------------------------

_FAILS = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "9999", "{before}", None, None

def upgrade():
    op.create_table("half_done", sa.Column("id", sa.Integer(), primary_key=True))
    with op.batch_alter_table("custody") as table:
        table.add_column(sa.Column("half_done", sa.Integer(), nullable=True))
        table.alter_column("held", new_column_name="hold")
    op.execute("DELETE FROM judged")
    op.execute("INSERT INTO no_such_table VALUES (1)")
"""


def with_one_more(folder: Path, script: str) -> Path:
    """The migrations, and one more."""
    copied = folder / "migrations"
    shutil.copytree(SCRIPTS, copied, ignore=shutil.ignore_patterns("__pycache__"))
    (copied / "versions" / "9999_one_more.py").write_text(script.format(before=RELEASED[-1]))
    return copied


@pytest.mark.parametrize("released", [RELEASED[0], RELEASED[-1]])
def test_a_migration_that_fails_halfway_leaves_the_database_as_it_was(
    empty: Database, tmp_path: Path, released: str
) -> None:
    migrate(empty, revision=released)
    fill(empty)
    before = rows_now(empty)

    with pytest.raises(Exception, match="no_such_table"):
        migrate(empty, scripts=with_one_more(tmp_path, _FAILS))

    assert before == rows_now(empty)
    migrate(empty)
    assert_todays_code_reads_it(empty)


_ONE_MORE = """
revision, down_revision, branch_labels, depends_on = "9999", "{before}", None, None

def upgrade():
    pass
"""


def test_a_database_that_a_newer_version_has_used_is_refused_with_what_to_do(
    empty: Database, tmp_path: Path
) -> None:
    migrate(empty, scripts=with_one_more(tmp_path, _ONE_MORE))

    with pytest.raises(ConfigError, match=f"schema 9999.*up to {RELEASED[-1]}.*newer version") as refused:
        migrate(empty)

    assert "Install that version again, or put back a copy" in str(refused.value)
    settings = tmp_path / "server.toml"
    settings.write_text(f'database_url = "{empty.url}"\n')
    typed = run(TSKARO, "completeness", "--settings", settings)
    assert (ConfigError.EXIT_CODE, "") == (typed.returncode, typed.stdout)
    assert "schema 9999" in typed.stderr
