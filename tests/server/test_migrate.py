"""The server's processes against one another."""

import json
import subprocess
import sys
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import select

from alerts.specs import rule_from
from server.database import migrate as migrate_module
from server.database.engine import Database
from server.database.migrate import migrate
from server.database.models import RuleRow
from server.ingest.books import Books

_MIGRATES_AT = """
import sys, time
from server.database.engine import Database
from server.database.migrate import migrate
database = Database(sys.argv[1])
time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
migrate(database)
"""


def test_processes_that_start_together_on_a_new_postgresql_take_turns(postgres_url: str) -> None:
    at = str(time.time() + 4)
    started = [
        subprocess.Popen([sys.executable, "-c", _MIGRATES_AT, postgres_url, at], stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    said = [process.communicate()[1] for process in started]

    assert [process.returncode for process in started] == [0, 0, 0, 0], said
    database = Database(postgres_url)
    migrate(database)
    database.close()


def test_books_from_before_their_marks_are_summed_up_and_the_rule_of_custody_comes_along(
    tmp_path: Path,
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'tskaro.db'}")
    upgrade(database, "0003")
    book = {"stored": [[1, 5], [9, 9]], "noted": [[6, 6]], "quarantined": [[7, 7]], "gaps": [], "missing": []}
    sets = {name: json.dumps(spans) for name, spans in book.items()}
    with database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO custody (device_id, epoch, stored, noted, quarantined, gaps, missing, held, updated_ms)"
            " VALUES ('kk-0001', '9f1c2a7e', :stored, :noted, :quarantined, :gaps, :missing, 1, 7)",
            sets,
        )
        connection.exec_driver_sql("INSERT INTO rule (id, spec) VALUES ('silence', '{}')")

    migrate(database)

    book_now = Books(database).of(("kk-0001", "9f1c2a7e"))
    assert (book_now.through, book_now.head, book_now.awaited_ms) == (7, 9, None)
    with database.reading() as connection:
        specs = dict(connection.execute(select(RuleRow.id, RuleRow.spec)).all())
    assert rule_from(specs["custody"]).id == "custody"
    database.close()


def test_a_new_database_is_given_its_rules_by_who_seeds_it(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'tskaro.db'}")
    migrate(database)
    with database.reading() as connection:
        assert connection.scalars(select(RuleRow.id)).all() == []
    database.close()


def upgrade(database: Database, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate_module.__file__).parent / "migrations"))
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
