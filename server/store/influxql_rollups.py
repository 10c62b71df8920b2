"""The questions put to InfluxDB about rollups, marks and what is to be forgotten. See `influxql` for the rules."""

# ruff: noqa: S608 - as in `influxql`

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from server.store.influxql import any_of, is_usable, string, within
from server.store.line_protocol import MEASUREMENT
from server.store.rollup import DAY_MS, HOUR_MS, Grain
from server.store.span import Span
from waterquality.parameters import Parameter

TOUCHED, ROLLED, FORGOTTEN = "touched", "rolled", "forgotten"
ROLLUP = {Grain.HOUR: "rollup_hour", Grain.DAY: "rollup_day"}
_EVER = Span(0, 1 << 62)


def worst_flags(water_points: Iterable[str], span: Span) -> str:
    """The worst flag and the number of readings of every parameter, by hour and water point."""
    names = [parameter.value for parameter in Parameter]
    asked = (f"max({name}_flag) AS {name}_flag, count({name}_flag) AS {name}_count" for name in names)
    return (
        f"SELECT {', '.join(asked)} FROM {MEASUREMENT} WHERE {any_of(water_points)} AND {within(span)} "
        f"GROUP BY time({HOUR_MS}ms), water_point fill(none)"
    )


def usable_values(water_points: Iterable[str], parameter: Parameter, span: Span) -> str:
    """What the usable values of a parameter came to, by hour and water point."""
    name = parameter.value
    return (
        f"SELECT min({name}) AS low, sum({name}) AS total, max({name}) AS high, count({name}) AS usable, "
        f"count({name}_flag) AS flags, sum({name}_flag) AS of_flags FROM {MEASUREMENT} "
        f"WHERE {any_of(water_points)} AND {within(span)} AND {is_usable(name)} "
        f"GROUP BY time({HOUR_MS}ms), water_point fill(none)"
    )


def rolled_hours(water_points: Iterable[str], span: Span, *, grain: Grain) -> str:
    """Which rollups there are that stand for any reading."""
    return (
        f"SELECT count FROM {ROLLUP[grain]} WHERE {any_of(water_points)} AND {within(span)} AND count > 0 "
        "GROUP BY water_point, parameter"
    )


def days_of_flags(water_points: Iterable[str], span: Span) -> str:
    """The worst flag and the numbers of readings, by day, water point and parameter, of the hours."""
    return (
        f"SELECT max(flag) AS flag, sum(count) AS count, sum(good) AS good FROM {ROLLUP[Grain.HOUR]} "
        f"WHERE {any_of(water_points)} AND {within(span)} "
        f"GROUP BY time({DAY_MS}ms), water_point, parameter fill(none)"
    )


def days_of_values(water_points: Iterable[str], span: Span) -> str:
    """What the usable values came to, by day, water point and parameter, of the hours."""
    return (
        f"SELECT {_VALUES} FROM {ROLLUP[Grain.HOUR]} "
        f"WHERE {any_of(water_points)} AND {within(span)} AND usable > 0 "
        f"GROUP BY time({DAY_MS}ms), water_point, parameter fill(none)"
    )


_VALUES = "min(low) AS low, sum(total) AS total, sum(usable) AS usable, max(high) AS high"


@dataclass(frozen=True, slots=True)
class RolledQuestions:
    """What a stretch of a chart asks of the rollups."""

    water_point: str
    parameter: Parameter
    grain: Grain
    span: Span

    def usable(self, width_ms: int) -> str:
        """What the usable values of each interval came to."""
        return f"SELECT {_VALUES} FROM {self._where()} AND usable > 0 GROUP BY time({width_ms}ms) fill(none)"

    def flags(self, width_ms: int) -> str:
        """The worst flag and the number of readings of each interval."""
        return (
            f"SELECT max(flag) AS flag, sum(count) AS count FROM {self._where()} "
            f"GROUP BY time({width_ms}ms) fill(none)"
        )

    def _where(self) -> str:
        return (
            f"{ROLLUP[self.grain]} WHERE water_point = {string(self.water_point)} "
            f"AND parameter = {string(self.parameter.value)} AND {within(self.span)}"
        )


def rolled_series(span: Span) -> str:
    """Of which water points and parameters there are rollups of hours."""
    return (
        f"SELECT count(count) FROM {ROLLUP[Grain.HOUR]} WHERE {within(span)} GROUP BY water_point, parameter"
    )


def rolled_facts(water_point: str, parameter: Parameter, span: Span, *, limit: int) -> str:
    """All that the hours of a parameter at a water point came to, oldest first."""
    return (
        f"SELECT count, good, usable, low, total, high, flag FROM {ROLLUP[Grain.HOUR]} "
        f"WHERE water_point = {string(water_point)} AND parameter = {string(parameter.value)} "
        f"AND {within(span)} AND count > 0 ORDER BY time LIMIT {limit}"
    )


def marks(span: Span, *, limit: int, water_point: str | None = None) -> str:
    """Which hours were marked, oldest mark first."""
    of = "" if water_point is None else f"water_point = {string(water_point)} AND "
    return f"SELECT water_point, hours FROM {TOUCHED} WHERE {of}{within(span)} ORDER BY time LIMIT {limit}"


def newest(measurement: str) -> str:
    """How far something has come."""
    return f"SELECT through FROM {measurement} WHERE {within(_EVER)} ORDER BY time DESC LIMIT 1"


def oldest_row(before_ms: int) -> str:
    """The oldest row there is before an instant."""
    return f"SELECT seq FROM {MEASUREMENT} WHERE {within(Span(0, before_ms))} ORDER BY time LIMIT 1"


def hours_with_rows(span: Span) -> str:
    """Which hours of which water points hold any row."""
    return (
        f"SELECT count(seq) AS count FROM {MEASUREMENT} WHERE {within(span)} "
        f"GROUP BY time({HOUR_MS}ms), water_point fill(none)"
    )


def delete(measurement: str, span: Span) -> str:
    """Delete all rows of a time."""
    return f"DELETE FROM {measurement} WHERE {within(span)}"


def rows_of(water_point: str, device: str, span: Span, *, limit: int) -> str:
    """Whole rows of a device at a water point, oldest first."""
    return (
        f"SELECT device, water_point, record::string FROM {MEASUREMENT} WHERE {_of(water_point, device, span)} "
        f"ORDER BY time LIMIT {limit}"
    )


def delete_rows_of(water_point: str, device: str, span: Span) -> str:
    """Delete the rows of a device at a water point."""
    return f"DELETE FROM {MEASUREMENT} WHERE {_of(water_point, device, span)}"


def _of(water_point: str, device: str, span: Span) -> str:
    return f"water_point = {string(water_point)} AND device = {string(device)} AND {within(span)}"


def names(pairs: Iterable[tuple[str, int]]) -> Sequence[str]:
    """The water points of hours, each once."""
    return sorted({water_point for water_point, _ in pairs})
