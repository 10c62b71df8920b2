"""Bring a database to the newest schema. Safe to call at every start: it does nothing when nothing is to do."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import func, select

from server.database.engine import Database

_LOCK = 0x75BA6E0  # ours alone among the advisory locks of a PostgreSQL database


def migrate(database: Database) -> None:
    """Apply every migration that is missing.

    Raises:
        DatabaseUnavailable: mended by time.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with database.writing() as connection:
        if (
            connection.dialect.name == "postgresql"
        ):  # processes that start together take turns; SQLite's do anyway
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
