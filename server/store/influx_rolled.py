"""Rollups as lines and as answers of InfluxDB, and a walk through those of the forgotten time."""

from collections.abc import Iterator, Mapping
from typing import Any

from server.store import influxql_rollups as ask
from server.store.influx_answer import ROWS_AT_ONCE, records
from server.store.influx_marks import Ask
from server.store.line_protocol import tag
from server.store.rolled import RolledHour
from server.store.rollup import Grain, Part
from server.store.span import Span
from waterquality.parameters import Parameter

Key = tuple[str, str, int]
_KNOWN = frozenset(parameter.value for parameter in Parameter)


def hours(put: Ask, forgotten_ms: int) -> Iterator[RolledHour]:
    """Every rollup of an hour before `forgotten_ms`, by water point, then parameter, then time."""
    span = Span(0, forgotten_ms)
    if span.is_empty:
        return
    series = {(each["water_point"], each["parameter"]) for each in records(put(ask.rolled_series(span)))}
    for water_point, name in sorted(series):
        if name in _KNOWN:
            yield from _of_series(put, water_point, Parameter(name), span)


def _of_series(put: Ask, water_point: str, parameter: Parameter, span: Span) -> Iterator[RolledHour]:
    while True:
        page = list(records(put(ask.rolled_facts(water_point, parameter, span, limit=ROWS_AT_ONCE))))
        for each in page:
            part = part_of(each["time"], each["flag"], each["count"], each["good"], each)
            yield RolledHour(water_point, parameter, part)
        if len(page) < ROWS_AT_ONCE:
            return
        span = Span(page[-1]["time"] + 1, span.end_ms)


def part_of(at_ms: int, flag: int, count: int, good: int, values: Mapping[str, Any]) -> Part:
    """A part from an answer about flags and one about usable values."""
    usable = int(values.get("usable") or 0)
    if not usable:
        return Part(at_ms, count, good, 0, None, 0.0, None, flag)
    low, total, high = (float(values[name]) for name in ("low", "total", "high"))
    return Part(at_ms, count, good, usable, low, total, high, flag)


def key_of(found: Mapping[str, Any]) -> Key:
    """Which rollup an answer speaks of."""
    return found["water_point"], found["parameter"], found["time"]


def line_of(grain: Grain, water_point: str, parameter: str, part: Part) -> str:
    """A rollup in line protocol, its time in milliseconds."""
    fields = f"count={part.count}i,flag={int(part.flag)}i,good={part.good}i,usable={part.usable}i"
    if part.low is not None and part.high is not None:
        fields += f",high={part.high!r},low={part.low!r},total={part.total!r}"
    return f"{ask.ROLLUP[grain]},parameter={parameter},water_point={tag(water_point)} {fields} {part.at_ms}"
