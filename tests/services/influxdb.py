"""A real InfluxDB 1.x (Debian's influxd) on free ports of the loopback address."""

import json
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from tests.services.service import Service, find_binary, free_port

_TIMEOUT_S = 20.0


class InfluxDB(Service):
    """A store of its own.

    Args:
        http: more lines for the `[http]` section, such as `auth-enabled = true`.
        data: the same for `[data]`.
        files: where its data lie; None for its own folder.
    """

    def __init__(
        self, *, http: tuple[str, ...] = (), data: tuple[str, ...] = (), files: Path | None = None
    ) -> None:
        super().__init__()
        self.port = free_port()
        self._rpc_port = free_port()
        self._http, self._data = http, data
        self._files = files or self.directory

    @property
    def url(self) -> str:
        """Where clients go."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return [find_binary("influxd"), "-config", str(self.directory / "influxdb.conf")]

    def prepare(self) -> None:
        sections = {
            "meta": (f'dir = "{self._files}/meta"',),
            "data": (
                f'dir = "{self._files}/data"',
                f'wal-dir = "{self._files}/wal"',
                "query-log-enabled = false",
                *self._data,
            ),
            "monitor": ("store-enabled = false",),
            "http": (f'bind-address = "127.0.0.1:{self.port}"', "log-enabled = false", *self._http),
        }
        lines = ["reporting-disabled = true", f'bind-address = "127.0.0.1:{self._rpc_port}"']
        for name, body in sections.items():
            lines += [f"[{name}]", *body]
        (self.directory / "influxdb.conf").write_text("\n".join(lines) + "\n")

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/ping", timeout=1.0) as answer:
                return answer.status == 204
        except OSError:
            return False

    def new_database(self) -> str:
        """The name of a fresh, empty database."""
        name = f"t{uuid.uuid4().hex[:12]}"
        self.query(f'CREATE DATABASE "{name}"')
        return name

    def query(self, statement: str, database: str = "") -> list[dict[str, Any]]:
        """The series that a statement gives, times in milliseconds.

        Raises:
            AssertionError: the store did not like it.
        """
        form = urllib.parse.urlencode({"db": database, "q": statement, "epoch": "ms"}).encode()
        with urllib.request.urlopen(f"{self.url}/query", form, timeout=_TIMEOUT_S) as answer:
            result = json.load(answer)["results"][0]
        assert "error" not in result, result["error"]
        return result.get("series", [])

    def write(self, lines: str, database: str) -> None:
        """Write line protocol with times in milliseconds."""
        where = urllib.parse.urlencode({"db": database, "precision": "ms"})
        urllib.request.urlopen(f"{self.url}/write?{where}", lines.encode(), timeout=_TIMEOUT_S).close()
