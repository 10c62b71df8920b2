"""Bring a database to the newest schema. Safe to call at every start: it does nothing when nothing is to do.

All of it is one transaction, on SQLite too (`server.database.engine` begins it, and DDL is part of it): a
migration that fails leaves the database as it was. A database that a newer version has used is refused: what this
version would do to it nobody knows.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

from server.database.engine import Database
from waterquality.errors import ConfigError

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x75BA6E0  # ours alone among the advisory locks of a PostgreSQL database


def migrate(database: Database, *, scripts: Path = _SCRIPTS, revision: str = "head") -> None:
    """Apply every migration that is missing.

    Args:
        database: which one.
        scripts: where the migrations are.
        revision: how far to go.

    Raises:
        ConfigError: a newer version of Tskaro has used it; mended by the operator.
        DatabaseUnavailable: mended by time.
    """
    config = Config()
    config.set_main_option("script_location", str(scripts))
    with database.writing() as connection:
        if connection.dialect.name == "postgresql":
            # Processes that start together take turns, however long it takes; SQLite's do anyway.
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        _refuse_newer(connection, ScriptDirectory.from_config(config))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def _refuse_newer(connection: Connection, scripts: ScriptDirectory) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    newest = scripts.get_current_head()
    for found in MigrationContext.configure(connection).get_current_heads():
        if found not in known:
            raise ConfigError(
                f"database_url: this database has schema {found}, and this version of Tskaro knows schemas up to "
                f"{newest}: a newer version has used it. Install that version again, or put back a copy of the "
                "database from before"
            )
