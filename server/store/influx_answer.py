"""InfluxDB's answers to `/query` read back into the words of the store.

What is not ours is passed over: a line that somebody else wrote into the measurement lacks the epoch, and
must not blind a page.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from server.store.line_protocol import RAW_UNITS, Holds
from server.store.port import ChartPoint, Row
from waterquality.flags import Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading

Series = Mapping[str, Any]
_WHYS = {why.value: why for why in Why}


class UnexpectedAnswer(Exception):  # noqa: N818 - it names what came
    """This is not the whole answer to the question; the message says what came instead."""


def series_in(answer: object) -> Sequence[Series]:
    """The series in an answer to one statement.

    Raises:
        UnexpectedAnswer: it holds an error, is cut short, or is none of InfluxDB's.
    """
    if not isinstance(answer, dict):
        raise UnexpectedAnswer(f"this is no InfluxDB: {str(answer)[:200]!r}")
    result = (answer.get("results") or [{}])[0]
    error = answer.get("error") or answer.get("message") or result.get("error")
    if error:
        raise UnexpectedAnswer(str(error))
    series: Sequence[Series] = result.get("series", ())
    if any(one.get("partial") for one in series):
        raise UnexpectedAnswer("the answer was cut short: raise max-row-limit of InfluxDB")
    return series


def records(series: Sequence[Series]) -> Iterator[dict[str, Any]]:
    """Each row as a mapping from column, the tags of its series among them."""
    for one in series:
        columns, tags = one["columns"], one.get("tags", {})
        for values in one.get("values", ()):  # SHOW DATABASES has none when there is none
            yield dict(zip(columns, values, strict=True)) | tags


def rows(series: Sequence[Series]) -> Iterator[Row]:
    """The rows of the store."""
    return (_row(record) for record in records(series) if _is_ours(record))


def raw_points(series: Sequence[Series], parameter: Parameter) -> list[ChartPoint]:
    """One point for each reading."""
    return [
        _raw_point(record["time"], record[parameter.value], Flag(record[f"{parameter.value}_flag"]))
        for record in records(series)
        if record[f"{parameter.value}_flag"] is not None
    ]


def merged_points(usable: Sequence[Series], flags: Sequence[Series]) -> list[ChartPoint]:
    """One point for each interval: what is usable there, beside the worst flag of all."""
    values = {record["time"]: record for record in records(usable)}
    return [
        _interval_point(record, values.get(record["time"], {}))
        for record in records(flags)
        if record["max"] is not None
    ]


def _is_ours(record: Mapping[str, Any]) -> bool:
    return None not in (record.get("epoch"), record.get("seq"), record.get("received"))


def _row(record: Mapping[str, Any]) -> Row:
    readings = {
        parameter: _reading(parameter, record)
        for parameter in Parameter
        if record.get(f"{parameter.value}_flag") is not None
    }
    observed = Observation(
        record["device"],
        record["epoch"],
        record["seq"],
        record["time"],
        MappingProxyType(readings),
        float(record["clock_uncertainty"]),
    )
    return Row(record["water_point"], observed, record["received"])


def _reading(parameter: Parameter, record: Mapping[str, Any]) -> Reading:
    name = parameter.value
    holds = Holds(record[f"{name}_holds"])
    raw_unit = next((unit for kind, unit in RAW_UNITS.items() if kind in holds), "")
    return Reading(
        parameter,
        value=_number(record, name) if Holds.VALUE in holds else None,
        raw=_number(record, f"{name}_raw") if raw_unit else None,
        raw_unit=raw_unit or "V",
        screened=Screened(Flag(record[f"{name}_flag"]), _WHYS.get(record[f"{name}_why"], Why.NONE)),
        certificate=record[f"{name}_cert"],
        spread=_number(record, f"{name}_spread") if Holds.SPREAD in holds else None,
    )


def _number(record: Mapping[str, Any], field: str) -> float:
    return float(record[field])  # InfluxDB writes 7.0 as 7


def _raw_point(at_ms: int, value: float | None, flag: Flag) -> ChartPoint:
    usable = float(value) if flag.is_usable and value is not None else None
    return ChartPoint(at_ms, usable, usable, usable, flag, 1)


def _interval_point(flags: Mapping[str, Any], values: Mapping[str, Any]) -> ChartPoint:
    low, mean, high = (_optional(values.get(column)) for column in ("min", "mean", "max"))
    return ChartPoint(flags["time"], low, mean, high, Flag(flags["max"]), flags["count"])


def _optional(number: float | None) -> float | None:
    return None if number is None else float(number)
