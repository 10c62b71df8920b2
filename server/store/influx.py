"""Readings in InfluxDB: 1.6 to 1.12, 2.5 and later, 3 Core for the last days. The only door to its client.

Invariants: no connection before the first question; nothing is retried here (the intake's own loop does
that); what is written is sent whole, as one body of lines in order of time. A refusal names no line that can
be relied on, and some versions keep the good lines while others keep none: so a refused batch is halved and
both halves are sent again, which is harmless since a line overwrites itself, until the bad line stands alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import urllib3
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client import InfluxDBClient

from server.store import influx_answer, influxql
from server.store.charting import draw
from server.store.influx_answer import ROWS_AT_ONCE
from server.store.influx_chart import InfluxChart
from server.store.influx_keeping import Keeping
from server.store.influx_marks import Marks, now_ms
from server.store.influx_rollups import Rollups
from server.store.line_protocol import line_of
from server.store.port import ChartPoint, Forgotten, Move, PointRejected, Row, StoreUnavailable, Upkeep
from server.store.span import Span
from server.store.storable import fault, id_fault
from waterquality.parameters import Parameter
from waterquality.readings import to_ms

_T = TypeVar("_T")
_LINES_PER_REQUEST = 5_000
_TEXT = {"Content-Type": "text/plain; charset=utf-8"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
_FAULTS_OF_LINES = frozenset({400, 413, 422})
# Refusals with the status of a bad line that no line is to blame for.
_NOT_A_LINE = ("no space left", "database is required", "either orgid or org", "retention policy not found")
_ADVICE = {
    401: "check the user and password, or the token",
    403: "give the user or token the right to read and write this database",
    404: "create the database or bucket (2.x: with a DBRP mapping), or correct its name",
}
_WITHOUT_DATABASES = 2  # the first major version whose databases are made elsewhere
_BUCKETS = 2  # the major version that is written to by bucket
_WITHOUT_ROLLUPS = 3  # the major version that cannot delete, and answers for the last days only
_LINE_WORDS = 3  # the major version that says "line protocol" when a line is to blame


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


class _Refused(Exception):
    """The store will not take this body; the message is the store's."""


@dataclass(frozen=True, slots=True)
class _Line:
    index: int
    body: bytes


class InfluxReadingStore:
    """Keeps readings in InfluxDB. May be used by several threads.

    Args:
        settings: where the store is.
        clock_ms: the time by which marks of due hours are made, milliseconds since 1970; that of `roll_up`.
    """

    def __init__(self, settings: InfluxSettings, clock_ms: Callable[[], int] = now_ms) -> None:
        self._settings = settings
        self._client = _client(settings)
        self._major: int | None = None
        self._marks = Marks(self._query, partial(self._tell, precision=""), clock_ms)
        self._rollups = Rollups(self._query, self._tell, self._marks, clock_ms)
        self._keeping = Keeping(self._query, self._marks, self._rollups, self.write)

    def prepare(self) -> None:
        """Create the database on 1.x, where it is not there yet; other versions have theirs made elsewhere.

        Raises:
            StoreUnavailable: not reached, or we may not; mended by time or, as the message says, by hand.
        """
        if self._version() >= _WITHOUT_DATABASES:
            return
        series = self._query(influxql.show_databases())
        if all(record["name"] != self._settings.database for record in influx_answer.records(series)):
            self._query(influxql.create_database(self._settings.database))

    def write(self, rows: Sequence[Row]) -> None:
        """Store rows; see the port."""
        faults = [fault(row) for row in rows]
        reasons = {index: reason for index, reason in enumerate(faults) if reason}
        sound = (index for index, reason in enumerate(faults) if not reason)
        in_time = sorted(sound, key=lambda index: rows[index].observation.taken_ms)
        for part in _parts(in_time, _LINES_PER_REQUEST):
            if self._version() < _WITHOUT_ROLLUPS:
                self._marks.mark(rows[index] for index in part)
            reasons |= self._store([_Line(index, line_of(rows[index])) for index in part])
        if reasons:
            raise PointRejected(reasons)

    def latest(self, water_points: Sequence[str], *, since: datetime, until: datetime) -> Mapping[str, Row]:
        """The newest row of each water point taken within [since, until]."""
        names = [name for name in dict.fromkeys(water_points) if not id_fault(name)]
        span = Span.through(since, until)
        if not names or span.is_empty:
            return {}
        newest: dict[str, Row] = {}
        for part in _parts(names, ROWS_AT_ONCE):
            found = influx_answer.rows(self._query(influxql.newest_of_each(part, span)))
            newest.update((row.water_point, row) for row in found)
        return newest

    def chart(
        self, water_point: str, parameter: Parameter, *, since: datetime, until: datetime, pixels: int
    ) -> Sequence[ChartPoint]:
        """A parameter over [since, until), at most `pixels` points."""
        span = Span.between(since, until)
        if span.is_empty or id_fault(water_point):
            return []
        pixels = min(pixels, ROWS_AT_ONCE - 1)
        rollups = self._rollups if self._version() < _WITHOUT_ROLLUPS else None
        chart = InfluxChart(self._query, rollups, water_point, parameter)
        return draw(chart, span, pixels)

    def identities(
        self, water_point: str, device: str, *, since_ms: int, until_ms: int
    ) -> frozenset[tuple[str, int, int]]:
        """The (epoch, seq, taken_ms) of what is stored of a device within [since_ms, until_ms]."""
        span = Span(since_ms, until_ms + 1)
        found: set[tuple[str, int, int]] = set()
        while not (span.is_empty or id_fault(water_point) or id_fault(device)):
            page = self._query(influxql.identities(water_point, device, span, limit=ROWS_AT_ONCE))
            found.update(influx_answer.identities(page))
            span = Span(influx_answer.end_of(page, limit=ROWS_AT_ONCE) or span.end_ms, span.end_ms)
        return frozenset(found)

    def count(self, *, since: datetime, until: datetime) -> int:
        """How many observations taken within [since, until] are stored."""
        span = Span.through(since, until)
        if span.is_empty:
            return 0
        return sum(each["count"] for each in influx_answer.records(self._query(influxql.count(span))))

    def roll_up(self, now: datetime) -> int:
        """Work out some of the rollups that are due; see the port."""
        return self._rollups.work_out(to_ms(now)) if self._version() < _WITHOUT_ROLLUPS else 0

    def forget(self, before: datetime, now: datetime) -> Forgotten | None:
        """Delete the oldest day that is wholly before; see the port."""
        return self._keeping.forget(to_ms(before), to_ms(now)) if self._version() < _WITHOUT_ROLLUPS else None

    def move(self, what: Move) -> int:
        """Move some of the readings to where they belong; see the port."""
        if self._version() >= _WITHOUT_ROLLUPS:
            raise PointRejected({0: "InfluxDB 3 Core cannot delete a row, so none can be moved"})
        return self._keeping.move(what)

    def upkeep(self) -> Upkeep:
        """How far rollups and forgetting have come."""
        return Upkeep(self._rollups.due_count(), self._rollups.forgotten_ms())

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()  # type: ignore[no-untyped-call]

    def _store(self, lines: Sequence[_Line]) -> dict[int, str]:
        try:
            self._post(b"\n".join(line.body for line in lines) + b"\n")
        except _Refused as refusal:
            if len(lines) == 1:
                return {lines[0].index: str(refusal)}
            middle = len(lines) // 2
            return self._store(lines[:middle]) | self._store(lines[middle:])
        return {}

    def _tell(self, body: bytes, *, precision: str = "ms") -> None:
        """Write lines of our own, of which none can be bad."""
        try:
            self._post(body, precision=precision)
        except _Refused as refusal:
            raise self._unavailable(str(refusal)) from refusal

    def _post(self, body: bytes, *, precision: str = "ms") -> None:
        path, where = self._destination(precision)
        try:
            self._call(path, header_params=dict(_TEXT), query_params=where, body=body)
        except InfluxDBError as error:
            refusal = _text_of(error)
            if _is_fault_of_lines(_status_of(error), refusal, self._version()):
                raise _Refused(refusal) from error
            raise self._unavailable(_with_advice(error)) from error

    def _destination(self, precision: str) -> tuple[str, list[tuple[str, str]]]:
        settings = self._settings
        exact = [("precision", precision)] if precision else []  # without it: nanoseconds, on all versions
        if self._version() == _BUCKETS:
            mapped = "/".join(filter(None, (settings.database, settings.retention_policy)))
            bucket = settings.bucket or mapped
            return "/api/v2/write", [("org", settings.org), ("bucket", bucket), *exact]
        return "/write", [*self._database(), *exact]

    def _query(self, statement: str) -> Sequence[influx_answer.Series]:
        form = [*self._database(), ("q", statement), ("epoch", "ms")]
        try:
            answer = self._call("/query", header_params=dict(_FORM), post_params=form, response_type="object")
            return influx_answer.series_in(answer[0])
        except InfluxDBError as error:
            raise self._unavailable(_with_advice(error)) from error
        except influx_answer.UnexpectedAnswer as error:
            raise self._unavailable(str(error)) from error

    def _database(self) -> list[tuple[str, str]]:
        named = [("db", self._settings.database), ("rp", self._settings.retention_policy)]
        return [(key, name) for key, name in named if name]  # early 3 Core knows no rp

    def _version(self) -> int:
        """The major version of the store; asked again after every failure, as it may have been replaced."""
        if self._major is None:
            try:
                said, _, headers = self._call("/ping", method="GET", response_type="object")
            except InfluxDBError as error:
                raise self._unavailable(_with_advice(error)) from error
            self._major = _major(headers, said)
        return self._major

    def _call(self, path: str, *, method: str = "POST", **request: Any) -> tuple[Any, int, Mapping[str, str]]:
        try:
            answer: tuple[Any, int, Mapping[str, str]] = self._client.api_client.call_api(  # type: ignore[no-untyped-call]
                path, method, _return_http_data_only=False, **request
            )
        except urllib3.exceptions.HTTPError as error:  # the client lets these through beside its own
            raise self._unavailable(str(error)) from error
        return answer

    def _unavailable(self, detail: str) -> StoreUnavailable:
        self._major = None
        self._marks.doubt()  # it may come back as it was last night
        self._rollups.doubt()
        return StoreUnavailable(f"InfluxDB at {self._settings.url}: {detail}")


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


def _parts(whole: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    return (whole[start : start + size] for start in range(0, len(whole), size))


def _is_fault_of_lines(status: int, refusal: str, major: int) -> bool:
    if status not in _FAULTS_OF_LINES or any(words in refusal.lower() for words in _NOT_A_LINE):
        return False
    return major < _LINE_WORDS or status == 413 or "line protocol" in refusal.lower()  # noqa: PLR2004 - HTTP


def _status_of(error: InfluxDBError) -> int:
    return int(getattr(error, "status", 0) or 0)


def _text_of(error: InfluxDBError) -> str:
    return str(getattr(error, "body", "") or error.message or error)


def _with_advice(error: InfluxDBError) -> str:
    status = _status_of(error)
    advice = _ADVICE.get(status)
    said = f"{status} {_text_of(error)[:500].strip()}"
    return f"{said}: {advice}" if advice else said


def _major(headers: Mapping[str, str], said: object) -> int:
    by_name = {name.lower(): value for name, value in headers.items()}
    told = by_name.get("x-influxdb-version") or (said.get("version", "") if isinstance(said, dict) else "")
    digits = str(told).lstrip("v").partition(".")[0]
    return int(digits) if digits.isdigit() else 1  # one that does not say has /write, as 1.x has
