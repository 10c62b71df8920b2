"""The line to an InfluxDB, and the only door to its client: who we are, who answers, what its refusals mean.

Invariants: no connection before the first question; nothing is retried here; what is written is sent whole, as
one body. What is no line's fault is `StoreUnavailable`, whatever status it came with, so that nothing is given
up which the store may yet take; only what surely lies in the lines is `Refused`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import urllib3
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client import InfluxDBClient

from server.store import influx_answer
from server.store.influx_torn import Restarts
from server.store.port import StoreUnavailable

_TEXT = {"Content-Type": "text/plain; charset=utf-8"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
_STORED = 204
_FAULTS_OF_LINES = frozenset({400, 413, 422})
# Refusals with the status of a bad line that no line is to blame for.
_FULL = "no space left"
_NOT_A_LINE = (
    _FULL,
    "database is required",
    "either orgid or org",
    "retention policy not found",
    "max-series-per-database",
    "max-values-per-tag",
)
_ADVICE = {
    401: "check the user and password, or the token",
    403: "give the user or token the right to read and write this database",
    404: "create the database or bucket (2.x: with a DBRP mapping), or correct its name",
}
BUCKETS = 2  # the major version that is written to by bucket
CORE = 3  # the major version of few days, which says "line protocol" when a line is to blame


@dataclass(frozen=True, slots=True)
class Basic:
    """A user of InfluxDB 1.x."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """An API token of InfluxDB 2.x or 3."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class InfluxSettings:
    """Where the store is and how to be let in.

    Attributes:
        url: e.g. `http://localhost:8086`.
        database: its name; on 2.x that of the DBRP mapping, which is the bucket's own unless mapped by hand.
        retention_policy: "" for the default one.
        org: organisation, needed by 2.x only.
        bucket: 2.x only; "" for the bucket named like the database (and retention policy).
        auth: who we are; None where the store asks nobody.
        connect_timeout_ms: how long to wait for a connection.
        answer_timeout_ms: how long to wait for an answer.
    """

    url: str
    database: str
    retention_policy: str = ""
    org: str = ""
    bucket: str = ""
    auth: Basic | Token | None = None
    connect_timeout_ms: int = 3_000
    answer_timeout_ms: int = 30_000


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a server says of itself.

    Attributes:
        version: as it says it, e.g. `1.6.7~rc0` or `v2.7.1`; "" when it does not say.
        date: its clock, as HTTP writes dates; "" when it does not say.
    """

    version: str
    date: str

    @property
    def major(self) -> int:
        """1, 2 or 3; one that does not say has `/write`, as 1.x has."""
        return self.numbers[0]

    @property
    def numbers(self) -> tuple[int, int]:
        """Major and minor."""
        found = re.match(r"v?(\d+)(?:\.(\d+))?", self.version)
        return (int(found[1]), int(found[2] or 0)) if found else (1, 0)


class Refused(Exception):
    """The store will not take this body, for a fault of its lines; the message is the store's."""


class InfluxDoor:
    """Speaks to one InfluxDB. May be used by several threads.

    Args:
        settings: where it is.
    """

    def __init__(self, settings: InfluxSettings) -> None:
        self.settings = settings
        self._client = _client(settings)
        self._major: int | None = None
        self._restarts: Restarts | None = None  # after a full disk; see `influx_torn`

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()  # type: ignore[no-untyped-call]

    def write(self, body: bytes, *, precision: str = "ms") -> None:
        """Have lines stored, whole lines each with its end.

        Args:
            body: the lines.
            precision: of their times; "" for nanoseconds, which every version takes where none is named.

        Raises:
            Refused: for a fault of a line; some of the others may have been stored; mended by nobody.
            StoreUnavailable: nothing can be said of any of them; mended by time or, as the message says, by hand.
        """
        self._see_restarts()
        path, where = self._destination(precision)
        try:
            answer = self.call(
                path, header_params=dict(_TEXT), query_params=where, body=body, response_type="object"
            )
        except InfluxDBError as error:
            refusal = _text_of(error)
            if _FULL in refusal.lower():
                self._note_full_disk()
            if _is_fault_of_lines(_status_of(error), refusal, self.major()):
                raise Refused(refusal) from error
            raise self.unavailable(with_advice(error)) from error
        if not _is_stored(answer[1], answer[0], self.major()):
            raise self.unavailable(f"this is no InfluxDB: {answer[1]} {str(answer[0])[:200]!r}")

    def _note_full_disk(self) -> None:
        if self.major() < BUCKETS and self._restarts is None and (started := self._started()):
            self._restarts = Restarts(started)

    def _see_restarts(self) -> None:
        if self._restarts is None:
            return
        needed = self._restarts.see(self._started())
        if needed:
            raise self.unavailable(
                "its disk was full, and it would lose what it acknowledges now: make room, then "
                f"restart influxd {needed} more time(s), a minute apart"
            )
        self._restarts = None

    def _started(self) -> str:
        """When the server says that it was started; "" where it does not."""
        try:
            said = self.call("/debug/vars", method="GET", response_type="object")[0]
        except InfluxDBError:
            return ""
        system = said.get("system") if isinstance(said, dict) else None
        return str(system.get("started", "")) if isinstance(system, dict) else ""

    def _destination(self, precision: str) -> tuple[str, list[tuple[str, str]]]:
        settings = self.settings
        exact = [("precision", precision)] if precision else []
        if self.major() == BUCKETS:
            mapped = "/".join(filter(None, (settings.database, settings.retention_policy)))
            bucket = settings.bucket or mapped
            return "/api/v2/write", [("org", settings.org), ("bucket", bucket), *exact]
        return "/write", [*self._database(), *exact]

    def query(self, statement: str) -> Sequence[influx_answer.Series]:
        """The series that one statement gives.

        Raises:
            StoreUnavailable: not reached, refused, or no whole answer; mended by time or, as it says, by hand.
        """
        form = [*self._database(), ("q", statement), ("epoch", "ms")]
        try:
            answer = self.call("/query", header_params=dict(_FORM), post_params=form, response_type="object")
            return influx_answer.series_in(answer[0])
        except InfluxDBError as error:
            raise self.unavailable(with_advice(error)) from error
        except influx_answer.UnexpectedAnswer as error:
            raise self.unavailable(str(error)) from error

    def _database(self) -> list[tuple[str, str]]:
        named = [("db", self.settings.database), ("rp", self.settings.retention_policy)]
        return [(key, name) for key, name in named if name]  # early 3 Core knows no rp

    def major(self) -> int:
        """The major version of the store; asked again after every failure, as it may have been replaced."""
        if self._major is None:
            self._major = self.greet().major
        return self._major

    def greet(self) -> Greeting:
        """Ask the server what it is.

        Raises:
            StoreUnavailable: not reached, or it lets us ask nothing; mended by time or, as it says, by hand.
        """
        try:
            said, _, headers = self.call("/ping", method="GET", response_type="object")
        except InfluxDBError as error:
            raise self.unavailable(with_advice(error)) from error
        by_name = {name.lower(): value for name, value in headers.items()}
        told = by_name.get("x-influxdb-version") or (
            said.get("version", "") if isinstance(said, dict) else ""
        )
        return Greeting(str(told), by_name.get("date", ""))

    def call(self, path: str, *, method: str = "POST", **request: Any) -> tuple[Any, int, Mapping[str, str]]:
        """One request through the client: what came back, its status, its headers.

        Raises:
            StoreUnavailable: not reached; mended by time.
            InfluxDBError: it answered with another status than 2xx.
        """
        try:
            answer: tuple[Any, int, Mapping[str, str]] = self._client.api_client.call_api(  # type: ignore[no-untyped-call]
                path, method, _return_http_data_only=False, **request
            )
        except urllib3.exceptions.HTTPError as error:  # the client lets these through beside its own
            raise self.unavailable(str(error)) from error
        return answer

    def unavailable(self, detail: str) -> StoreUnavailable:
        """The error for this detail; the version will be asked again."""
        self._major = None
        return StoreUnavailable(f"InfluxDB at {self.settings.url}: {detail}")


def _client(settings: InfluxSettings) -> InfluxDBClient:
    auth = settings.auth
    token = f"{auth.user}:{auth.password}" if isinstance(auth, Basic) else auth.token if auth else None
    return InfluxDBClient(
        settings.url,
        token=token,  # type: ignore[arg-type]  # None is meant: no Authorization header
        auth_basic=isinstance(auth, Basic),
        timeout=(settings.connect_timeout_ms, settings.answer_timeout_ms),
        retries=False,
    )


def _is_fault_of_lines(status: int, refusal: str, major: int) -> bool:
    if status not in _FAULTS_OF_LINES or any(words in refusal.lower() for words in _NOT_A_LINE):
        return False
    return major < CORE or status == 413 or "line protocol" in refusal.lower()  # noqa: PLR2004 - HTTP


def _is_stored(status: int, said: object, major: int) -> bool:
    """Whether this is InfluxDB's own yes: a proxy or a web page says 200 to anything."""
    return status == _STORED or (major >= CORE and not said)


def _status_of(error: InfluxDBError) -> int:
    return int(getattr(error, "status", 0) or 0)


def _text_of(error: InfluxDBError) -> str:
    return str(getattr(error, "body", "") or error.message or error)


def with_advice(error: InfluxDBError) -> str:
    """What the server said, and what to do about it."""
    status = _status_of(error)
    advice = _ADVICE.get(status)
    said = f"{status} {_text_of(error)[:500].strip()}"
    return f"{said}: {advice}" if advice else said
