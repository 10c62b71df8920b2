"""`tskaro store init`, `check` and `compact`: on a real 1.6, with users and without; 2.x and 3 by a stand-in."""

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner, Result

from server.cli import app
from server.composing import plain_store
from server.settings import load_settings
from server.store.influx_retention import duration_s
from tests.builders import ms, row
from tests.services.influxdb import InfluxDB
from tests.services.service import free_port

pytestmark = pytest.mark.integration


class Server:
    """A server's settings; `tskaro store …` is typed with them."""

    def __init__(self, folder: Path, *lines: str, env: dict[str, str] | None = None) -> None:
        self.settings = folder / "server.toml"
        self.env = env or {}
        self.settings.write_text("[store]\n" + "\n".join(lines) + "\n")

    def types(self, *words: str) -> Result:
        return CliRunner().invoke(app, ["store", *words, "--settings", str(self.settings)], env=self.env)

    def steps(self, *words: str) -> list[str]:
        result = self.types("init", *words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)["steps"]

    def found(self) -> tuple[int, dict[str, tuple[str, str]]]:
        result = self.types("check", "--json")
        findings = json.loads(result.stdout)["findings"]
        return result.exit_code, {each["what"]: (each["level"], each["said"]) for each in findings}


def influx(folder: Path, url: str, *lines: str, **env: str) -> Server:
    return Server(folder, 'kind = "influxdb"', f'url = "{url}"', 'database = "valley"', *lines, env=env)


# --- 1.x, real


def test_on_1_without_users_the_database_is_made_once_and_is_well(tmp_path: Path):
    with InfluxDB() as service:
        server = influx(tmp_path, service.url)
        assert server.found()[1]["rights"][0] == "bad"
        assert server.steps() == ["database valley: made"]
        assert server.steps() == ["database valley: is there"]
        code, found = server.found()
        assert (code, {level for level, _ in found.values()}) == (0, {"well"})
        assert found.keys() == {"reach", "version", "clock", "rights", "retention"}
        assert found["version"][1].startswith("1.6.7")
        assert service.query("SELECT * FROM tskaro_check", "valley") == []


def test_a_retention_that_is_too_short_is_found_and_made_to_last(tmp_path: Path):
    with InfluxDB() as service:
        service.query("CREATE DATABASE valley WITH DURATION 30d")
        server = influx(tmp_path, service.url)
        code, found = server.found()
        assert (code, found["retention"][0]) == (2, "bad")
        assert "30 days, and store.keep_days is 730" in found["retention"][1]
        service.query("ALTER RETENTION POLICY autogen ON valley DURATION 1000d")
        assert server.found()[1]["retention"][0] == "doubtful"
        assert server.steps()[1] == "retention policy autogen: made to keep for ever"
        assert server.found()[0] == 0


def test_on_1_with_users_a_user_is_made_who_may_read_and_write_ours_and_nothing_else(tmp_path: Path):
    with InfluxDB(http=("auth-enabled = true",)) as service:
        service.query("CREATE USER chief WITH PASSWORD 'ch''ef' WITH ALL PRIVILEGES".replace("''", "\\'"))
        chief = {"INFLUX_ADMIN_SECRET": "ch'ef", "TSKARO_STORE__SECRET": 'o\'ur \\ "own" წ'}
        server = influx(tmp_path, service.url, 'auth = "basic"', 'user = "tskaro"', **chief)
        code, found = server.found()
        assert (code, "check the user and password" in found["rights"][1]) == (2, True)
        assert "check the user and password" in server.types("init").output  # without an administrator

        steps = server.steps("--admin", "chief")
        assert "user tskaro: made, with the password of the secret file" in steps
        code, found = server.found()
        assert code == 0, found
        assert "user tskaro: is there; has the password of the secret file" in server.steps(
            "--admin", "chief"
        )

        other = influx(tmp_path, service.url, 'auth = "basic"', 'user = "tskaro"', **chief)
        other.settings.write_text(other.settings.read_text().replace("valley", "another"))
        assert other.found()[1]["rights"][0] == "bad"


def test_an_administrator_is_not_taken_for_the_servers_own_user(tmp_path: Path):
    with InfluxDB(http=("auth-enabled = true",)) as service:
        service.query("CREATE USER chief WITH PASSWORD 'c' WITH ALL PRIVILEGES")
        secrets = {"INFLUX_ADMIN_SECRET": "c", "TSKARO_STORE__SECRET": "c"}
        server = influx(tmp_path, service.url, 'auth = "basic"', 'user = "chief"', **secrets)
        refused = server.types("init", "--admin", "chief")
        assert (refused.exit_code, "is an administrator" in refused.output) == (78, True)


def test_a_store_that_answers_before_the_disk_has_it_is_bad(tmp_path: Path):
    with InfluxDB(data=('wal-fsync-delay = "100ms"',)) as service:
        server = influx(tmp_path, service.url)
        server.steps()
        code, found = server.found()
        assert (code, found["flush"][0]) == (2, "bad")


def test_a_store_that_is_not_there_says_what_to_do(tmp_path: Path):
    server = influx(tmp_path, f"http://127.0.0.1:{free_port()}")
    result = server.types("check")
    assert (result.exit_code, "start InfluxDB" in result.stdout) == (2, True)
    assert server.types("init").exit_code == 75


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("17520h0m0s", 63_072_000), ("1h2m3.5s", 3723.5), ("100ms", 0.1)]
)
def test_durations_are_read_as_influxdb_writes_them(text: str, seconds: float):
    assert duration_s(text) == pytest.approx(seconds)


# --- 2.x and 3, a stand-in


class Desk(BaseHTTPRequestHandler):
    """Answers as the sources of 2.7 and 3 do to what `init` and `check` ask."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        parts, town = urlsplit(self.path), self.server.town
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        where = {name: values[0] for name, values in parse_qs(parts.query).items()}
        status, said = town.answer(self.command, parts.path, where, body, self.headers.get("Authorization"))
        self.send_response(status)
        self.send_header("X-Influxdb-Version", town.version)
        self.send_header("Content-Type", "application/json")
        text = json.dumps(said).encode() if said is not None else b""
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PATCH = do_POST  # noqa: N815 - the names are the library's

    def log_message(self, *_: object) -> None: ...


class Town:
    """The state of a 2.x or 3 server, as far as `init` touches it."""

    def __init__(self) -> None:
        self.version = "v2.7.1"
        self.url = ""
        self.buckets: dict[str, list[dict]] = {}
        self.mappings: list[dict] = []
        self.tokens = [{"description": "root", "token": "root", "permissions": None}]
        self.databases: set[str] = set()
        self.points: dict[str, int] = {}

    def answer(self, method: str, path: str, where: dict, body: bytes, auth: str | None):
        if path == "/ping":
            return 204, None
        if auth not in {f"Token {each['token']}" for each in self.tokens}:
            return 401, {"code": "unauthorized", "message": "unauthorized access"}
        if path == "/query":
            return self.query(parse_qs(body.decode())["q"][0])
        if path in ("/write", "/api/v2/write"):
            self.points = {"at": int(body.split()[-1])}
            return 204, None
        return self.administer(method, path, where, json.loads(body or b"null"))

    def query(self, statement: str):
        series: list[dict] = []
        if statement.startswith("SHOW RETENTION"):
            duration = next((f"{b['s']}s" for b in self.buckets.values()), "0s")
            if self.mappings:
                rows = [["autogen", duration, True]]
                series = [{"columns": ["name", "duration", "default"], "values": rows}]
        elif statement.startswith("SELECT at") and (self.mappings or self.version.startswith("3")):
            series = [{"columns": ["time", "at"], "values": [[self.points["at"]] * 2]}]
        elif statement.startswith("SELECT at"):
            return 404, {"code": "not found", "message": "no dbrp mapping found for valley"}
        return 200, {"results": [{"statement_id": 0, "series": series}]}

    def administer(self, method: str, path: str, where: dict, given: dict):  # noqa: C901, PLR0911 - a table
        match method, path:
            case "GET", "/api/v2/orgs":
                if where["org"] != "village":
                    return 404, {"code": "not found", "message": "organization name not found"}
                return 200, {"orgs": [{"id": "0a", "name": "village"}]}
            case "GET", "/api/v2/buckets":
                found = self.buckets.get(where["name"])
                rules = [{"type": "expire", "everySeconds": found["s"]}] if found and found["s"] else []
                return 200, {"buckets": [{"id": "0b", "retentionRules": rules}] if found else []}
            case "POST", "/api/v2/buckets":
                self.buckets[given["name"]] = {"s": 0}
                return 201, {"id": "0b"}
            case "PATCH", "/api/v2/buckets/0b":
                self.buckets["valley"]["s"] = given["retentionRules"][0]["everySeconds"]
                return 200, {"id": "0b"}
            case "GET", "/api/v2/dbrps":
                return 200, {"content": [m for m in self.mappings if m["database"] == where["db"]]}
            case "POST", "/api/v2/dbrps":
                self.mappings.append(given)
                return 201, given
            case "GET", "/api/v2/authorizations":
                return 200, {"authorizations": self.tokens}
            case "POST", "/api/v2/authorizations":
                self.tokens.append(given | {"token": "made"})
                return 201, self.tokens[-1]
            case "POST", "/api/v3/configure/database":
                known = given["db"] in self.databases
                self.databases.add(given["db"])
                return (409, {"error": "already exists"}) if known else (200, None)
        raise AssertionError(path)


@pytest.fixture
def town() -> Iterator[Town]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    server.town = Town()
    server.town.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.town
    server.shutdown()
    server.server_close()
    thread.join()


def test_on_2_bucket_mapping_and_a_token_of_least_rights_are_made_once(town: Town, tmp_path: Path):
    root = {"INFLUX_ADMIN_SECRET": "root", "TSKARO_STORE__SECRET": "made"}
    server = influx(tmp_path, town.url, 'org = "village"', 'auth = "token"', **root)
    assert server.found()[0] == 2
    steps = server.steps("--admin", "token")
    assert steps[:2] == ["bucket valley: made", "DBRP mapping valley: made"]
    assert "tskaro_store_secret" in steps[-1]
    assert steps[-1].endswith(": made")  # the token itself, to be put there
    on = {"type": "buckets", "id": "0b", "orgID": "0a"}
    assert town.tokens[-1]["permissions"] == [
        {"action": "read", "resource": on},
        {"action": "write", "resource": on},
    ]
    assert town.mappings[0] | {"default": True, "database": "valley", "bucketID": "0b"} == town.mappings[0]

    again = server.steps("--admin", "token")
    assert [step.split(":")[1].strip()[:8] for step in again] == ["is there"] * 2 + ["readings"]
    assert len(town.tokens) == 2
    assert len(town.mappings) == 1
    code, found = server.found()
    assert (code, found["retention"][0]) == (0, "well")


def test_on_2_a_bucket_that_forgets_too_early_and_a_missing_mapping_are_found(town: Town, tmp_path: Path):
    secrets = {"INFLUX_ADMIN_SECRET": "root", "TSKARO_STORE__SECRET": "root"}
    server = influx(tmp_path, town.url, 'org = "village"', 'auth = "token"', **secrets)
    town.buckets["valley"] = {"s": 86_400}
    code, found = server.found()
    assert (code, "no dbrp mapping" in found["rights"][1]) == (2, True)
    town.mappings.append({"database": "valley", "bucketID": "0b", "default": True})
    assert server.found()[1]["retention"][0] == "bad"
    assert "made to keep for ever" in server.steps("--admin", "token")[0]
    assert server.found()[0] == 0


def test_on_2_a_missing_organisation_and_a_foreign_mapping_say_what_to_do(town: Town, tmp_path: Path):
    secrets = {"INFLUX_ADMIN_SECRET": "root", "TSKARO_STORE__SECRET": "root"}
    for org, said in (("", "store.org is empty"), ("nobody", "there is no organisation nobody")):
        server = influx(tmp_path, town.url, f'org = "{org}"', 'auth = "token"', **secrets)
        refused = server.types("init", "--admin", "token")
        assert (refused.exit_code, said in refused.output) == (78, True)
    town.mappings.append({"database": "valley", "bucketID": "ff", "default": True})
    server = influx(tmp_path, town.url, 'org = "village"', 'auth = "token"', **secrets)
    assert "leads to another bucket" in server.types("init", "--admin", "token").output


def test_on_2_before_5_and_on_3_the_version_is_a_doubt(town: Town, tmp_path: Path):
    secrets = {"INFLUX_ADMIN_SECRET": "root", "TSKARO_STORE__SECRET": "root"}
    server = influx(tmp_path, town.url, 'org = "village"', 'auth = "token"', **secrets)
    town.mappings.append({"database": "valley", "bucketID": "0b", "default": True})
    town.version = "v2.4.0"
    assert server.found()[1]["version"][0] == "doubtful"
    town.version = "3.1.0"
    code, found = server.found()
    assert (code, found["version"][0]) == (1, "doubtful")
    assert "72 hours" in server.types("check").stdout
    assert server.steps("--admin", "token")[0] == "database valley: made"
    assert server.steps("--admin", "token")[0] == "database valley: is there"


# --- the embedded store


def test_the_embedded_store_is_made_examined_and_compacted(tmp_path: Path):
    path = tmp_path / "new" / "readings.db"
    server = Server(tmp_path, f'path = "{path}"')
    assert server.found()[1]["reach"][0] == "bad"
    server.steps()
    code, found = server.found()
    assert (code, found.keys()) == (0, {"reach", "rights", "disk"})

    store = plain_store(load_settings(server.settings).store)
    store.write([row(seq=n + 1, at=ms("2026-11-20T00:00:00Z") + n) for n in range(20_000)])
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM observation WHERE seq > 100")
    result = server.types("compact", "--json")
    assert result.exit_code == 0, result.output
    done = json.loads(result.stdout)
    assert done["after"] < done["before"] / 2
    assert path.stat().st_size == done["after"]
    store = plain_store(load_settings(server.settings).store)
    assert len(list(store.rows(since_ms=0, until_ms=1 << 50))) == 100
    store.close()


def test_compacting_without_room_changes_nothing(tmp_path: Path):
    server = Server(tmp_path, f'path = "{tmp_path / "readings.db"}"')
    server.steps()
    os.truncate(tmp_path / "readings.db", 1 << 43)  # sparse: larger than any disk here
    refused = server.types("compact")
    assert (refused.exit_code, "make room first" in refused.output) == (78, True)


def test_influxdb_is_left_to_compact_itself(tmp_path: Path):
    result = influx(tmp_path, "http://127.0.0.1:9").types("compact")
    assert (result.exit_code, "by itself" in result.stdout) == (0, True)


def test_a_locked_or_broken_file_is_bad(tmp_path: Path):
    path = tmp_path / "readings.db"
    path.write_bytes(b"no database at all, and long enough to be looked at" * 100)
    assert Server(tmp_path, f'path = "{path}"').found()[1]["rights"][0] == "bad"
