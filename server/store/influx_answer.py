"""InfluxDB's answers to `/query` read back into the words of the store.

What is not ours is passed over: a line that somebody else wrote into the measurement lacks the record, and
must not blind a page.

InfluxDB marks a series as `partial` when it cut the answer short (max-row-limit), but 1.6 also when the
series is complete and longer than ROWS_AT_ONCE. So no question asks for more rows than that, and the mark
means a cut.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from server.store import influx_record
from server.store.port import ChartPoint, Row
from waterquality.flags import Flag
from waterquality.parameters import Parameter

Series = Mapping[str, Any]
ROWS_AT_ONCE = 10_000


class UnexpectedAnswer(Exception):
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
    for found in records(series):
        if found["record"] is not None:
            yield influx_record.row_of(
                found["record"],
                water_point=found["water_point"],
                device=found["device"],
                taken_ms=found["time"],
            )


def identities(series: Sequence[Series]) -> Iterator[tuple[str, int, int]]:
    """The (epoch, seq, taken_ms) of each row."""
    for found in records(series):
        if found["epoch"] is not None and found["seq"] is not None:
            yield found["epoch"], found["seq"], found["time"]


def end_of(series: Sequence[Series], *, limit: int) -> int | None:
    """Where the next page begins, in ms since 1970; None when this one, of `limit` rows, was the last.

    Right only where no two rows share an instant, as those of one device.
    """
    times: list[int] = [found["time"] for found in records(series)]
    return times[-1] + 1 if len(times) == limit else None


def raw_points(series: Sequence[Series], parameter: Parameter) -> list[ChartPoint]:
    """One point for each reading."""
    return [
        _raw_point(record["time"], record[parameter.value], Flag(record[f"{parameter.value}_flag"]))
        for record in records(series)
        if record[f"{parameter.value}_flag"] is not None
    ]


def _raw_point(at_ms: int, value: float | None, flag: Flag) -> ChartPoint:
    usable = float(value) if flag.is_usable and value is not None else None
    return ChartPoint(at_ms, usable, usable, usable, flag, 1)
