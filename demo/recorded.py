"""Recorded water: a series that others measured, read from a CSV file row by row.

A row is either measurements in the units of `waterquality.parameters`, or bad, with the reason; none is
passed over and none is repaired. What can be known before the first row is sent is checked when the recording
is opened.

Invariants: memory does not grow with the file; times strictly rise by at least a millisecond, so a row that
    is doubled or runs backwards is bad; only the columns that are mapped are read. Is not: screening, or
    filling of gaps.
"""

import csv
import gzip
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

from demo.cells import Flaw, Flawed, MissingWords, read_instant, read_number
from demo.columns import Mapped, check_mappings
from waterquality.errors import ConfigError
from waterquality.parameters import Parameter
from waterquality.readings import to_ms

_DELIMITERS = ",;\t"
_GZIP_MAGIC = b"\x1f\x8b"
_LONGEST_HEADER = 100_000
_TRIED_ROWS = 20


@dataclass(frozen=True, slots=True)
class RecordedRow:
    """One row that can be used.

    Attributes:
        line: its line in the file, from 1; the last one where a row takes several.
        taken_at: when it was measured; aware UTC.
        values: by mapped parameter, in the parameter's unit; None where the recording says "missing".
    """

    line: int
    taken_at: datetime
    values: Mapping[Parameter, float | None]


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that cannot be used.

    Attributes:
        line: its line in the file, from 1.
        flaw: what is wrong, for counting.
        reason: the same as a clause for people.
    """

    line: int
    flaw: Flaw
    reason: str


@dataclass(frozen=True, slots=True)
class Span:
    """What a recording holds, from a pass over all of it.

    Attributes:
        first: when its first usable row was measured.
        last: when its last one was.
        rows: how many usable rows there are.
        bad: how many bad rows there are, by flaw.
        missing: how many usable rows have no value, by mapped parameter.
    """

    first: datetime
    last: datetime
    rows: int
    bad: Mapping[Flaw, int]
    missing: Mapping[Parameter, int]


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording whose header was found in order; made by `open_recording`.

    Attributes:
        path: the file, plain or gzipped.
        delimiter: what separates its columns.
        time_at: which column holds the time, from 0.
        value_at: which column holds each mapped parameter, from 0.
        zone: of times that name none.
        missing: how it writes that there is no value.
    """

    path: Path
    delimiter: str
    time_at: int
    value_at: tuple[tuple[Mapped, int], ...]
    zone: ZoneInfo | None
    missing: MissingWords

    def rows(self) -> Iterator[RecordedRow | BadRow]:
        """All rows in the order of the file; lines with nothing on them are none.

        Raises:
            ConfigError: the file can be read no further (gone, cut short, not UTF-8); mended by the operator.
        """
        newest_ms: int | None = None
        for line, cells in self._lines():
            row = self._row(line, cells, newest_ms)
            if isinstance(row, RecordedRow):
                newest_ms = to_ms(row.taken_at)
            yield row

    def span(self) -> Span:
        """What the recording holds; reads all of it.

        Raises:
            ConfigError: the file cannot be read to its end, or has no usable row; mended by the operator.
        """
        first = last = None
        bad: Counter[Flaw] = Counter()
        missing: Counter[Parameter] = Counter()
        rows = 0
        for row in self.rows():
            if isinstance(row, BadRow):
                bad[row.flaw] += 1
                continue
            first, last, rows = first or row.taken_at, row.taken_at, rows + 1
            missing.update(parameter for parameter, value in row.values.items() if value is None)
        if first is None or last is None:
            raise ConfigError(f"{self.path}: no row can be used ({_summary(bad)})")
        return Span(first, last, rows, bad, missing)

    def _lines(self) -> Iterator[tuple[int, list[str] | csv.Error]]:
        with _reading(self.path) as file:
            file.readline(_LONGEST_HEADER)
            reader = csv.reader(file, delimiter=self.delimiter)
            while True:
                try:
                    cells: list[str] | csv.Error = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    cells = error
                if cells:
                    yield reader.line_num + 1, cells

    def _row(self, line: int, cells: list[str] | csv.Error, newest_ms: int | None) -> RecordedRow | BadRow:
        if isinstance(cells, csv.Error):
            return BadRow(line, Flaw.NOT_CSV, str(cells))
        needed = max(self.time_at, *(column for _, column in self.value_at)) + 1
        if len(cells) < needed:
            return BadRow(line, Flaw.TOO_FEW_COLUMNS, f"{len(cells)} columns where {needed} are needed")
        taken_at = read_instant(cells[self.time_at], self.zone)
        if isinstance(taken_at, Flawed):
            return BadRow(line, taken_at.flaw, taken_at.reason)
        if newest_ms is not None and to_ms(taken_at) <= newest_ms:
            return BadRow(line, Flaw.TIME_NOT_LATER, f"{cells[self.time_at]} is not later than a row before")
        return self._measured(line, taken_at, cells)

    def _measured(self, line: int, taken_at: datetime, cells: list[str]) -> RecordedRow | BadRow:
        values: dict[Parameter, float | None] = {}
        for mapped, column in self.value_at:
            number = read_number(cells[column], self.missing)
            if isinstance(number, Flawed):
                return BadRow(line, number.flaw, f"{mapped.column}: {number.reason}")
            values[mapped.parameter] = None if number is None else number * mapped.unit.factor
        return RecordedRow(line, taken_at, values)


def open_recording(
    path: Path, *, time_column: str, mappings: Sequence[Mapped], tz: ZoneInfo | None, missing: frozenset[str]
) -> Recording:
    """Check a file as far as can be before anything of it is sent.

    Args:
        path: the CSV file, plain or gzipped, UTF-8, separated by comma, semicolon or tab.
        time_column: name of the column that holds the time.
        mappings: which column holds which parameter.
        tz: zone of times that name none; None when nobody said.
        missing: words for "no value" beside the usual ones, such as -9999.

    Raises:
        ConfigError: the file is not there, is empty, has no such column or has it twice, a parameter is
            mapped twice, or none of its first rows can be used; mended by the operator.
    """
    check_mappings(mappings)
    with _reading(path) as file:
        head = file.readline(_LONGEST_HEADER)
    if not head.strip():
        raise ConfigError(f"{path}: nothing in its first line; the names of the columns belong there")
    wanted = (time_column, *(mapped.column for mapped in mappings))
    delimiter, header = _header(head, wanted)
    time_at, *value_at = (_position(path, header, name) for name in wanted)
    columns = tuple(zip(mappings, value_at, strict=True))
    recording = Recording(path, delimiter, time_at, columns, tz, MissingWords.of(missing))
    _try_first_rows(recording)
    return recording


def _try_first_rows(recording: Recording) -> None:
    rows = list(islice(recording.rows(), _TRIED_ROWS))
    if not rows:
        raise ConfigError(f"{recording.path}: no rows below the names of the columns")
    bad = [row for row in rows if isinstance(row, BadRow)]
    if len(bad) == len(rows):
        first = f"line {bad[0].line}: {bad[0].reason}"
        raise ConfigError(f"{recording.path}: not one of the first rows can be used; {first}")


def _header(line: str, wanted: Sequence[str]) -> tuple[str, list[str]]:
    """The delimiter by which most of the wanted columns are found, else the one that gives most columns."""
    headers = {mark: _names(line, mark) for mark in _DELIMITERS}
    best = max(headers, key=lambda mark: (len(set(wanted) & set(headers[mark])), len(headers[mark])))
    return best, headers[best]


def _names(line: str, delimiter: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([line], delimiter=delimiter))]


def _position(path: Path, header: Sequence[str], name: str) -> int:
    times = header.count(name)
    if times == 0:
        raise ConfigError(f"{path}: no column {name!r}; there are: {', '.join(header)}")
    if times > 1:
        raise ConfigError(f"{path}: {times} columns are called {name!r}; rename all but one")
    return header.index(name)


def _summary(bad: Mapping[Flaw, int]) -> str:
    return ", ".join(f"{times} {flaw}" for flaw, times in bad.items()) or "it has none"


@contextmanager
def _reading(path: Path) -> Iterator[TextIO]:
    try:
        with path.open("rb") as raw:
            is_gzipped = raw.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        opened = gzip.open if is_gzipped else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield file
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 ({error.reason}); save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error) as error:
        raise ConfigError(f"{path}: cut short or damaged: {error}") from error
