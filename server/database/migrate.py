"""Bring a database to the newest schema. Safe to call at every start: it does nothing when nothing is to do."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from server.database.engine import Database


def migrate(database: Database) -> None:
    """Apply every migration that is missing.

    Raises:
        DatabaseUnavailable: mended by time.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
