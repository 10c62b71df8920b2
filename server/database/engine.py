"""The one way to a database: by URL, with what each kind needs to be safe.

SQLite: WAL, a busy timeout, and `BEGIN IMMEDIATE` for writers, since a transaction that reads first and writes
later fails as locked at once, whatever the timeout. PostgreSQL: nobody waits for a lock for ever, a session that
stops in the middle of a transaction is ended, and so is a connection that has died. Each `Database` gives its
sessions a name of its own, so that others can end those of a process that hangs (`server.ingest.leases`).
"""

import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from waterquality.errors import ConfigError, LinkError

_BUSY_TIMEOUT_S = 30
_POSTGRESQL = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "options": "-c idle_in_transaction_session_timeout=15s -c lock_timeout=5s",
}


class DatabaseUnavailable(LinkError):
    """The database cannot be reached or is locked; nothing was changed; mended by time."""


class Database:
    """An engine with two kinds of transaction.

    Args:
        url: SQLAlchemy URL, e.g. `sqlite:////var/lib/tskaro/tskaro.db` or `postgresql+psycopg://…`.

    Attributes:
        session: the name of its sessions; "" where they have none of their own.

    Raises:
        ConfigError: it is no such URL, or its folder cannot be made; mended by the operator.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        session = f"tskaro-{secrets.token_hex(8)}"
        self.engine = _engine(url, session)
        is_named = self.engine.dialect.name != "sqlite" and "application_name" not in self.engine.url.query
        self.session = session if is_named else ""

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with _said_plainly(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes: committed as a whole on leaving, undone on any error.

        Raises:
            DatabaseUnavailable: mended by time.
        """
        with _said_plainly(), self.engine.connect() as connection:
            if self.engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.commit()

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()


@contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise _unavailable(error) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise _unavailable(error) from error
        if (
            isinstance(error.orig, sqlite3.DatabaseError)
            and error.orig.sqlite_errorcode == sqlite3.SQLITE_NOTADB
        ):
            raise ConfigError("database_url: the file it names is no SQLite database") from error
        raise


def _unavailable(error: DBAPIError) -> DatabaseUnavailable:
    return DatabaseUnavailable(f"database: {error.orig}")


def _engine(url: str, session: str) -> Engine:
    if not url.startswith("sqlite"):
        try:
            given = make_url(url).query  # what the operator says has the last word
            ours = {**_POSTGRESQL, "application_name": session}
            return create_engine(
                url,
                pool_pre_ping=True,
                json_serializer=_json,
                connect_args={name: value for name, value in ours.items() if name not in given},
            )
        except (ArgumentError, ImportError) as error:  # not the URL itself: it may hold a password
            raise ConfigError(f"database_url: cannot be used: {error}") from error
    path = url.removeprefix("sqlite:///")
    if path:
        _make_folder(Path(path).parent)
    engine = create_engine(url, connect_args={"timeout": _BUSY_TIMEOUT_S}, json_serializer=_json)
    event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _json(value: object) -> str:
    """As JSON; most of what is written are empty sets of the books, at every round again."""
    return "[]" if value == [] else json.dumps(value)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"database_url: {folder}: cannot be made: {error.strerror}") from error


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are ours to begin
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")
