"""Recorded water as the detection benchmark reads it: any CSV with a time, numbers and perhaps a label."""

import csv
import gzip
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_TIMES = ("time", "time_utc", "timestamp", "datetime", "date", "taken_at")
# What a column is called elsewhere, by the name it has here. The rest are taken for qualities of the water.
_ALSO = {
    "turbidity": ("turbidity", "trueb", "turb", "tu"),
    "ph": ("ph",),
    "flow": ("flow", "fm", "fm_2", "fm_1", "discharge"),
    "temperature": ("temperature", "tp", "temp", "watertemp"),
    "level": ("level", "pressure"),
}
_FLOWS, _CONDITIONS = _ALSO["flow"], (*_ALSO["temperature"], *_ALSO["level"])
_NO_VALUE = -9999.0  # how several archives write that there is none


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns say what."""

    quality: tuple[str, ...]
    flows: tuple[str, ...]
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """A file, row by row: when, the values by column, and whether the row belongs to a labelled event."""

    columns: Columns
    rows: list[tuple[int, dict[str, float | None]]]
    labels: list[bool]


def read(
    path: Path, *, label: str | None, parameters: Sequence[str] = (), only: str | None = None
) -> Recording:
    """Read a recording.

    Args:
        path: a CSV, gzipped or not.
        label: the column that is 1, true or an event's name in rows of an event; None where there is none.
        parameters: names of columns, or turbidity, ph, flow, temperature, level; none means all.
        only: `column=value`, to keep the rows of one site.

    Raises:
        SystemExit: a column that was asked for is not there.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    if only is not None:
        column, _, wanted = only.partition("=")
        table = [row for row in table if row[column] == wanted]
    names = list(table[0])
    if label is not None and label not in names:
        raise SystemExit(f"{path} has no column {label!r}; it has {', '.join(names)}")
    time = next((name for name in names if name.lower() in _TIMES), names[0])
    columns = _columns(names, table[:100_000:97], parameters, left_out={time, label})
    kept = (*columns.quality, *columns.flows, *columns.conditions)
    rows = [(_ms(row[time]), {name: _number(row[name]) for name in kept}) for row in table]
    return Recording(columns, rows, [label is not None and _is_true(row[label]) for row in table])


def named(wanted: str, names: Iterable[str]) -> list[str]:
    """The columns that a name of ours or of the file stands for."""
    also = (wanted.lower(), *_ALSO.get(wanted.lower(), ()))
    return [name for name in names if name.lower() in also]


def _columns(
    names: Sequence[str],
    sample: list[dict[str, str]],
    parameters: Sequence[str],
    *,
    left_out: set[str | None],
) -> Columns:
    numeric = [
        name
        for name in names
        if name not in left_out and any(_number(row[name]) is not None for row in sample)
    ]
    chosen = list(_chosen(numeric, parameters)) if parameters else numeric
    flows = tuple(name for name in chosen if name.lower() in _FLOWS)
    conditions = tuple(name for name in chosen if name.lower() in _CONDITIONS)
    quality = tuple(name for name in chosen if name not in (*flows, *conditions))
    if not quality:
        raise SystemExit(f"no quality of the water among {', '.join(chosen)}")
    return Columns(quality, flows, conditions)


def _chosen(names: Sequence[str], parameters: Sequence[str]) -> Iterator[str]:
    for wanted in parameters:
        found = named(wanted, names)
        if not found:
            raise SystemExit(f"no column for {wanted!r} among {', '.join(names)}")
        yield from found


def _ms(text: str) -> int:
    instant = datetime.fromisoformat(text.strip())
    return int((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp() * 1000)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number != _NO_VALUE else None


def _is_true(text: str) -> bool:
    return text.strip().lower() not in ("", "0", "0.0", "false", "na", "nan", "no", "null")
