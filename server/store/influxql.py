"""The questions put to InfluxDB, in InfluxQL, the one language that all its versions speak.

Invariants: both ends of the time are always given, in `ms` (a number without a unit is nanoseconds and
matches everything); several water points are asked for by one regular expression (a chain of OR costs the
square of its length); names from outside are quoted here and nowhere else; fields of text are asked for by their
type, since where another program wrote another type in another week's shard, ours would be left out without a word.
"""

# ruff: noqa: S608 - these are questions by design, and this module is where their parts are quoted

import re
from collections.abc import Iterable
from dataclasses import dataclass

from server.store.line_protocol import MEASUREMENT
from server.store.span import Span
from waterquality.flags import Flag
from waterquality.parameters import Parameter

_NOT_PLAIN = re.compile(r"[^\w-]", re.ASCII)


def create_database(name: str) -> str:
    """Make a database; nothing happens when it is there."""
    return f"CREATE DATABASE {identifier(name)}"


def show_databases() -> str:
    """The databases that the user may see."""
    return "SHOW DATABASES"


def show_policies(database: str) -> str:
    """The retention policies of a database."""
    return f"SHOW RETENTION POLICIES ON {identifier(database)}"


def keep_for_ever(database: str, policy: str) -> str:
    """Take the end off a retention policy."""
    return f"ALTER RETENTION POLICY {identifier(policy)} ON {identifier(database)} DURATION INF"


def show_users() -> str:
    """The users and whether each is an administrator."""
    return "SHOW USERS"


def create_user(name: str, password: str) -> str:
    """Make a user without any rights."""
    return f"CREATE USER {identifier(name)} WITH PASSWORD {string(password)}"


def set_password(name: str, password: str) -> str:
    """Give a user another password."""
    return f"SET PASSWORD FOR {identifier(name)} = {string(password)}"


def grant(database: str, name: str) -> str:
    """Let a user read and write one database."""
    return f"GRANT ALL ON {identifier(database)} TO {identifier(name)}"


def configuration() -> str:
    """How the server was told to keep its files; for administrators."""
    return "SHOW DIAGNOSTICS FOR 'config-data'"


def checked(measurement: str, span: Span) -> str:
    """The points of an examination."""
    return f"SELECT at FROM {measurement} WHERE {within(span)}"


def uncheck(measurement: str) -> str:
    """Take them away."""
    return f"DELETE FROM {measurement}"


def newest_of_each(water_points: Iterable[str], span: Span) -> str:
    """The newest row of each water point."""
    return (
        f"SELECT device, record::string FROM {MEASUREMENT} WHERE {any_of(water_points)} AND {within(span)} "
        "GROUP BY water_point ORDER BY time DESC LIMIT 1"
    )


def identities(water_point: str, device: str, span: Span, *, limit: int) -> str:
    """Epoch and sequence number of each row of a device at a water point, oldest first, `limit` of them."""
    return (
        f"SELECT epoch::string, seq::integer FROM {MEASUREMENT} WHERE water_point = {string(water_point)} "
        f"AND device = {string(device)} AND {within(span)} ORDER BY time LIMIT {limit}"
    )


def neighbours(water_point: str, device: str, span: Span, *, limit: int, newest: bool) -> str:
    """The records of a device at a water point, in order of time, or from the newest back, `limit` of them."""
    return (
        f"SELECT record FROM {MEASUREMENT} WHERE water_point = {string(water_point)} "
        f"AND device = {string(device)} AND {within(span)} GROUP BY water_point, device "
        f"ORDER BY time{' DESC' if newest else ''} LIMIT {limit}"
    )


def count(span: Span) -> str:
    """How many rows there are."""
    return f"SELECT count(seq) FROM {MEASUREMENT} WHERE {within(span)}"


def end_of_all(which: str, span: Span) -> str:
    """The `first` or the `last` row of all, by its time."""
    return f"SELECT {which}(seq) FROM {MEASUREMENT} WHERE {within(span)}"


def water_points(span: Span) -> str:
    """How many rows each water point has."""
    return f"SELECT count(seq) FROM {MEASUREMENT} WHERE {within(span)} GROUP BY water_point"


def everything(water_point: str, span: Span, *, limit: int) -> str:
    """Whole rows of a water point, oldest first, `limit` of them."""
    return (
        f"SELECT device, water_point, record::string FROM {MEASUREMENT} "
        f"WHERE water_point = {string(water_point)} AND {within(span)} ORDER BY time LIMIT {limit}"
    )


@dataclass(frozen=True, slots=True)
class ChartQuestions:
    """What a chart of one parameter at one water point asks."""

    water_point: str
    parameter: Parameter
    span: Span

    def readings(self, limit: int) -> str:
        """Values and flags as they are, oldest first, `limit` of them."""
        name = self.parameter.value
        return f"SELECT {name}, {name}_flag FROM {self._where()} ORDER BY time LIMIT {limit}"

    def usable(self, width_ms: int) -> str:
        """What the usable values of each interval that holds any came to."""
        name = self.parameter.value
        return (
            f"SELECT min({name}) AS low, sum({name}) AS total, count({name}) AS usable, max({name}) AS high "
            f"FROM {self._where()} AND {is_usable(name)} GROUP BY time({width_ms}ms) fill(none)"
        )

    def flags(self, width_ms: int) -> str:
        """The worst flag and the number of readings of each interval that holds any."""
        flag = f"{self.parameter.value}_flag"
        return (
            f"SELECT max({flag}) AS flag, count({flag}) AS count FROM {self._where()} "
            f"GROUP BY time({width_ms}ms) fill(none)"
        )

    def _where(self) -> str:
        return f"{MEASUREMENT} WHERE water_point = {string(self.water_point)} AND {within(self.span)}"


def string(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def identifier(name: str) -> str:
    """A quoted identifier."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def any_of(water_points: Iterable[str]) -> str:
    """The condition that it is one of these water points."""
    return f"water_point =~ /^({'|'.join(map(_in_regex, water_points))})$/"


def _in_regex(name: str) -> str:
    return _NOT_PLAIN.sub(_hex, name)


def _hex(letter: re.Match[str]) -> str:
    # A code point means itself wherever it stands; an escaped slash means two things in two versions.
    return f"\\x{{{ord(letter[0]):x}}}"


def is_usable(name: str) -> str:
    """The condition that a parameter's flag is a usable one."""
    flag = f"{name}_flag"
    # Comparisons joined by AND are a fifth of the time of equalities joined by OR (1.6.7).
    worst = max(each for each in Flag if each.is_usable)
    others = (f" AND {flag} != {each.value}" for each in Flag if each < worst and not each.is_usable)
    return f"{flag} <= {worst.value}{''.join(others)}"


def within(span: Span) -> str:
    """The condition that bounds the time."""
    return f"time >= {span.start_ms}ms AND time < {span.end_ms}ms"
