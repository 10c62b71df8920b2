"""A real PostgreSQL on a free port of the loopback address."""

import shutil
import signal
import subprocess
import uuid

import psycopg
from psycopg import sql

from tests.services.service import Service, ServiceError, find_binary, free_port

_BINARIES = tuple(f"/usr/lib/postgresql/{version}/bin/" for version in (15, 17, 16, 14, 13))


class PostgreSQL(Service):
    """A cluster of its own, without passwords.

    Args:
        fsync: whether a commit waits for the disk. A test loses nothing without; a measurement would lie.
    """

    stop_signal = signal.SIGINT  # "fast": ends sessions and does not wait for clients to leave
    user = "postgres"  # it refuses to run as root

    def __init__(self, *, fsync: bool = False) -> None:
        super().__init__()
        self._fsync = fsync
        self.port = free_port()
        self._data = self.directory / "data"

    def command(self) -> list[str]:
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.directory),
            # Off, a killed process loses nothing by it; only a power cut would.
            "fsync": "on" if self._fsync else "off",
        }
        return [_binary("postgres"), "-D", str(self._data)] + [
            word for name, value in settings.items() for word in ("-c", f"{name}={value}")
        ]

    def prepare(self) -> None:
        if self.as_user():
            shutil.chown(self.directory, self.user)
        made = subprocess.run(
            [_binary("initdb"), "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
             "--locale=C.UTF-8", "--no-sync"],
            capture_output=True, text=True, check=False, cwd=self.directory, **self.as_user(),
        )  # fmt: skip
        if made.returncode != 0:
            raise ServiceError(f"initdb: {made.stdout}{made.stderr}")

    def is_ready(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def new_database(self, *, like: str = "template1") -> str:
        """The SQLAlchemy URL of a fresh database: empty, or a copy of another one that nobody uses now."""
        name = f"t{uuid.uuid4().hex[:12]}"
        with self._connect() as connection:
            made, model = sql.Identifier(name), sql.Identifier(like.rpartition("/")[2])
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(made, model))
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            dbname="postgres",
            autocommit=True,
            connect_timeout=2,
        )


def _binary(name: str) -> str:
    return find_binary(name, *(folder + name for folder in _BINARIES))
