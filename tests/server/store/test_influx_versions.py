"""How 2.x and 3 Core are spoken to, and what their answers mean. Debian has neither, so a stand-in answers.

The statuses and texts it gives are those of the servers' own sources.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from server.store.influx import Basic, InfluxReadingStore, InfluxSettings, Token
from server.store.port import PointRejected, StoreUnavailable
from tests.builders import AT, instant, ms, row

LATEST = {"since": instant("2026-11-01T00:00:00Z"), "until": instant("2026-12-01T00:00:00Z")}
Answer = tuple[int, str]
NOTHING: Answer = (200, '{"results":[{"statement_id":0}]}')


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    where: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def lines(self) -> int:
        return self.body.count(b"\n")

    @property
    def is_mark(self) -> bool:
        return self.body.startswith(b"touched,")

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode())


@dataclass
class StandIn:
    """An HTTP server that says it is some InfluxDB, keeps what it was asked, and answers as told."""

    version: str = "1.6.7~rc0"
    says_version_in: str = "header"
    on_write: Callable[[Asked], Answer] = lambda _: (204, "")
    on_query: Callable[[Asked], Answer] = lambda _: NOTHING
    on_ping: Callable[[Asked], Answer] = lambda _: (204, "")
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    @property
    def writes(self) -> list[Asked]:
        """Bodies of rows; the marks before them are apart."""
        return [one for one in self.asked if one.path.endswith("write") and not one.is_mark]

    @property
    def marks(self) -> list[Asked]:
        return [one for one in self.asked if one.is_mark]

    def paths(self) -> list[str]:
        return [one.path for one in self.asked if not one.is_mark]

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if asked.path == "/ping":
            in_body = self.says_version_in == "body"
            return (200, json.dumps({"version": self.version})) if in_body else self.on_ping(asked)
        if asked.is_mark:
            return 204, ""
        return self.on_query(asked) if asked.path == "/query" else self.on_write(asked)

    def store(self, **settings: object) -> InfluxReadingStore:
        return InfluxReadingStore(InfluxSettings(self.url, "water", **settings))


class Desk(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    stand_in: ClassVar[StandIn]

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(self.command, parts.path, parse_qs(parts.query), dict(self.headers), body)
        status, text = self.stand_in.answer(asked)
        self.send_response(status)
        if self.stand_in.says_version_in == "header":
            self.send_header("X-Influxdb-Version", self.stand_in.version)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text.encode())))
        with suppress(BrokenPipeError):  # one that did not want to wait
            self.end_headers()
            self.wfile.write(text.encode())

    do_GET = do_POST  # noqa: N815 - the name is the library's

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    told = StandIn()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OneDesk", (Desk,), {"stand_in": told}))
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield told
    server.shutdown()
    server.server_close()
    thread.join()


def rows(count: int):
    return [row(seq=n + 1, at=ms(AT) + n) for n in range(count)]


def bad_line(status: int, text: str) -> Callable[[Asked], Answer]:
    """Refuses every body that holds sequence number 7, and keeps nothing of it."""
    return lambda asked: (status, text) if b"seq=7i" in asked.body else (204, "")


# --- how they are asked


@pytest.mark.parametrize("version", ["v2.7.1", "2.5.0", "v2.9.0-nightly"])
def test_2_is_written_to_by_organisation_and_bucket_with_a_token(stand_in: StandIn, version: str):
    stand_in.version = version
    stand_in.store(org="village", auth=Token("t0ken")).write(rows(2))
    (asked,) = stand_in.writes
    assert (asked.method, asked.path) == ("POST", "/api/v2/write")
    assert asked.where == {"org": ["village"], "bucket": ["water"], "precision": ["ms"]}
    assert asked.headers["Authorization"] == "Token t0ken"
    assert asked.headers["Content-Type"].startswith("text/plain")
    assert asked.lines == 2


def test_2_names_the_bucket_after_database_and_policy_unless_told(stand_in: StandIn):
    stand_in.version = "v2.7.1"
    stand_in.store(org="o", retention_policy="kept").write(rows(1))
    stand_in.store(org="o", retention_policy="kept", bucket="mine").write(rows(1))
    assert [asked.where["bucket"] for asked in stand_in.writes] == [["water/kept"], ["mine"]]


@pytest.mark.parametrize("version", ["1.6.7~rc0", "1.12.1", "3.1.0", "v3.10.0-nightly", "unknown"])
def test_1_and_3_are_written_to_by_database(stand_in: StandIn, version: str):
    stand_in.version = version
    stand_in.store(org="village").write(rows(1))
    (asked,) = stand_in.writes
    assert asked.path == "/write"
    assert asked.where == {"db": ["water"], "precision": ["ms"]}


def test_the_first_3_says_its_version_in_the_body(stand_in: StandIn):
    stand_in.version, stand_in.says_version_in = "3.0.0", "body"
    stand_in.on_write = lambda _: (400, '{"error":"some passing fault"}')
    with pytest.raises(StoreUnavailable):
        stand_in.store().write(rows(1))


@pytest.mark.parametrize("version", ["1.8.10", "v2.7.1", "3.1.0"])
def test_every_version_is_read_by_a_form_in_influxql(stand_in: StandIn, version: str):
    stand_in.version = version
    stand_in.store(retention_policy="kept", auth=Token("t")).count(**LATEST)
    asked = stand_in.asked[-1]
    assert (asked.method, asked.path, asked.where) == ("POST", "/query", {})
    assert asked.headers["Accept"] == "application/json"
    assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert asked.headers["Authorization"] == "Token t"
    assert asked.form.keys() == {"db", "rp", "q", "epoch"}
    assert asked.form["epoch"] == ["ms"]
    assert "time >= 1793491200000ms AND time < 1796083200001ms" in asked.form["q"][0]


def test_a_policy_that_is_not_named_is_not_sent(stand_in: StandIn):
    stand_in.store().count(**LATEST)
    assert "rp" not in stand_in.asked[-1].form


def test_a_user_is_named_by_basic_authorization(stand_in: StandIn):
    stand_in.store(auth=Basic("user", "pass")).write(rows(1))
    assert {asked.headers["Authorization"] for asked in stand_in.asked} == {"Basic dXNlcjpwYXNz"}


def test_only_1_has_its_database_made(stand_in: StandIn):
    for version, statements in (("3.1.0", 0), ("v2.7.1", 0), ("1.8.10", 2)):
        stand_in.version = version
        before = len(stand_in.asked)
        stand_in.store().prepare()
        asked = [one for one in stand_in.asked[before:] if one.path == "/query"]
        assert len(asked) == statements
    assert asked[-1].form["q"] == ['CREATE DATABASE "water"']


def test_the_version_is_asked_once_and_again_after_a_failure(stand_in: StandIn):
    store = stand_in.store(org="o")
    store.write(rows(1))
    store.write(rows(1))
    assert stand_in.paths() == ["/ping", "/write", "/write"]
    stand_in.version, stand_in.on_write = "v2.7.1", lambda _: (503, "")
    with pytest.raises(StoreUnavailable):
        store.write(rows(1))
    stand_in.on_write = lambda _: (204, "")
    store.write(rows(1))
    assert stand_in.paths()[4:] == ["/ping", "/api/v2/write"]


def test_a_batch_is_sent_in_parts_of_five_thousand_in_order_of_time(stand_in: StandIn):
    stand_in.store().write(rows(11_000)[::-1])
    assert [asked.lines for asked in stand_in.writes] == [5000, 5000, 1000]
    times = [int(line.rsplit(b" ", 1)[1]) for asked in stand_in.writes for line in asked.body.splitlines()]
    assert times == sorted(times)


# --- what they answer

LINE_FAULTS = [
    ("1.6.7", 400, '{"error":"partial write: field type conflict: input field \\"ph\\" dropped=1"}'),
    ("1.8.10", 413, '{"error":"Request Entity Too Large"}'),
    ("v2.7.1", 400, '{"code":"invalid","message":"unable to parse \'…\': missing field value"}'),
    ("v2.7.1", 422, '{"code":"unprocessable entity","message":"failure writing points to database"}'),
    ("3.1.0", 400, '{"error":"line protocol parsing error","data":{"line_number":7}}'),
    ("3.9.0", 400, '{"error":"partial write of line protocol occurred","data":[]}'),
    ("3.9.0", 413, "payload too large"),
]


@pytest.mark.parametrize(("version", "status", "text"), LINE_FAULTS)
def test_a_refused_line_is_found_by_halving(stand_in: StandIn, version: str, status: int, text: str):
    stand_in.version, stand_in.on_write = version, bad_line(status, text)
    with pytest.raises(PointRejected) as rejected:
        stand_in.store(org="o").write(rows(100))
    assert rejected.value.reasons == {6: text}
    kept = {
        line for asked in stand_in.writes if b"seq=7i" not in asked.body for line in asked.body.splitlines()
    }
    assert len(kept) == 99
    assert len(stand_in.writes) < 20


HOLDING = [
    ("1.6.7", 401, '{"error":"authorization failed"}', "check the user and password"),
    ("1.6.7", 403, '{"error":"not authorized"}', "give the user or token the right"),
    ("1.6.7", 404, '{"error":"database not found: \\"water\\""}', "create the database"),
    ("1.6.7", 400, '{"error":"database is required"}', "database is required"),
    ("1.6.7", 500, '{"error":"retention policy not found: nope"}', "retention policy not found"),
    ("1.7.10", 400, '{"error":"partial write: write …: no space left on device dropped=1"}', "no space left"),
    ("1.6.7", 500, '{"error":"engine: error writing WAL entry: no space left on device"}', "no space left"),
    ("1.6.7", 503, "request throttled, queue full", "throttled"),
    ("v2.7.1", 400, '{"code":"invalid","message":"Please provide either orgID or org"}', "either orgID"),
    ("v2.7.1", 404, '{"code":"not found","message":"bucket \\"water\\" not found"}', "DBRP"),
    ("v2.7.1", 401, '{"code":"unauthorized","message":"unauthorized access"}', "or the token"),
    ("v2.7.1", 429, '{"code":"too many requests","message":"slow down"}', "slow down"),
    ("v2.7.1", 500, '{"code":"internal error","message":"unexpected"}', "unexpected"),
    ("3.9.0", 400, '{"code":"invalid","message":"write buffer error: object store error"}', "object store"),
    ("3.9.0", 422, '{"error":"adding a new database would exceed limit of 5 databases"}', "exceed limit"),
    ("3.9.0", 429, "too many requests", "too many"),
    ("3.9.0", 500, "persister failed", "persister"),
    ("1.6.7", 302, "", "302"),
]


@pytest.mark.parametrize(("version", "status", "text", "said"), HOLDING)
def test_a_fault_of_no_line_holds_everything(
    stand_in: StandIn, version: str, status: int, text: str, said: str
):
    stand_in.version, stand_in.on_write = version, lambda _: (status, text)
    with pytest.raises(StoreUnavailable, match=said):
        stand_in.store(org="o").write(rows(100))
    assert len(stand_in.writes) == 1


def test_a_fault_that_comes_while_halving_holds_everything(stand_in: StandIn):
    answers = iter([(400, "unable to parse"), (204, ""), (500, "timeout")])
    stand_in.on_write = lambda _: next(answers)
    with pytest.raises(StoreUnavailable, match="timeout"):
        stand_in.store().write(rows(100))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, "<html>a web page</html>"), "no InfluxDB"),
        ((200, '{"results":[{"error":"database not found: water"}]}'), "database not found"),
        ((200, '{"results":[{"error":"Query would scan 432 Parquet files, exceeding"}]}'), "Parquet"),
        ((200, '{"error":"timeout"}'), "timeout"),
        ((400, '{"code":"invalid","message":"failed to parse query"}'), "failed to parse"),
        ((401, "{}"), "check the user"),
        ((500, ""), "500"),
    ],
)
def test_an_answer_that_is_none_is_not_taken_for_an_empty_one(stand_in: StandIn, answer: Answer, said: str):
    stand_in.on_query = lambda _: answer
    with pytest.raises(StoreUnavailable, match=said):
        stand_in.store().count(**LATEST)


def test_a_store_that_lets_nobody_ask_its_version_is_unavailable(stand_in: StandIn):
    stand_in.on_ping = lambda _: (401, '{"error":"the request was not authenticated"}')
    with pytest.raises(StoreUnavailable, match="check the user and password"):
        stand_in.store().write(rows(1))


def test_a_store_that_does_not_answer_in_time_is_unavailable(stand_in: StandIn):
    answered = threading.Event()
    stand_in.on_write = lambda _: (answered.wait(5), (204, ""))[1]
    with pytest.raises(StoreUnavailable, match="timed out"):
        stand_in.store(answer_timeout_ms=100).write(rows(1))
    answered.set()
