"""A list of people as a spreadsheet gives it: a table of words, read whole or refused with what to do.

Commas, semicolons or tabs; UTF-8 with or without its mark, or UTF-16, as spreadsheets save it. Which columns there
may be, and what each holds, is said here; what is in the rows is judged in `people_import`.
"""

import codecs
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_config.refusal import did_you_mean
from firmware_config.whole_file import PRIVATE, replace_file
from waterquality.errors import ConfigError

NEEDED = ("name", "phone", "language", "role")
COLUMNS = (
    "id",
    *NEEDED,
    "water_points",
    "municipalities",
    "tier",
    "quiet_begin",
    "quiet_end",
    "least_severity",
    "latin",
    "other_address",
    "consent_on",
    "consent_wording",
)
PROBLEM = "problem"  # what is wrong with a row, beside it; read over when the mended file comes back
_DELIMITERS = ",;\t"
_LARGEST_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row.

    Attributes:
        number: its row in the spreadsheet, from 1.
        cells: what stands in it, by column; without the spaces around, and without empty cells.
        as_read: every cell as it stood.
    """

    number: int
    cells: Mapping[str, str]
    as_read: Sequence[str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A list of people.

    Attributes:
        header: the names of its columns, as they stand.
        rows: in their order, without empty ones.
    """

    header: Sequence[str]
    rows: Sequence[SheetRow]


def read_sheet(path: Path) -> Sheet:
    """Read a list of people.

    Raises:
        ConfigError: it cannot be read, or its columns are not those of such a list; mended by the operator.
    """
    text = _text(path)
    first = text.lstrip().partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise ConfigError(f"{path}: is no table: {error}; save it anew as CSV UTF-8") from error
    filled = [(at, cells) for at, cells in enumerate(lines, start=1) if any(cell.strip() for cell in cells)]
    header = filled[0][1] if filled else []
    names = [name.strip().lower() for name in header]
    _refuse_header(path, names)
    return Sheet(header, [SheetRow(at, _cells(names, cells), cells) for at, cells in filled[1:]])


def write_bad_rows(path: Path, sheet: Sheet, problems: Mapping[int, str]) -> None:
    """Write the rows that have problems, each with what is wrong, so that they can be mended and read again.

    Args:
        path: where to; readable by its owner alone.
        sheet: the list that they stand in.
        problems: what is wrong, by the number of the row.

    Raises:
        ConfigError: it cannot be written; mended by the operator.
    """
    names = [name.strip().lower() for name in sheet.header]
    kept = [at for at, name in enumerate(names) if name != PROBLEM]
    into = io.StringIO(newline="")
    writer = csv.writer(into)
    writer.writerow([*(sheet.header[at] for at in kept), PROBLEM])
    for row in sheet.rows:
        if row.number in problems:
            cells = [row.as_read[at] if at < len(row.as_read) else "" for at in kept]
            over = row.as_read[len(names) :]  # what stood beyond the last column is not lost either
            writer.writerow([*cells, problems[row.number], *over])
    try:
        replace_file(path, codecs.BOM_UTF8 + into.getvalue().encode(), mode=PRIVATE)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ConfigError(f"{path}: is larger than any list of people; is it the right file?")
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    is_utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if is_utf_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: its letters cannot be read; save it in the spreadsheet as CSV UTF-8"
        ) from error


def _refuse_header(path: Path, names: Sequence[str]) -> None:
    faults = [f"column {name!r} is none{did_you_mean(name, COLUMNS)}" for name in _unknown(names)]
    faults += [
        f"column {name!r} stands twice" for name in sorted(set(names)) if name and names.count(name) > 1
    ]
    faults += [f"column {name!r} is missing" for name in NEEDED if name not in names]
    if faults:
        columns = ", ".join(COLUMNS)
        raise ConfigError(f"{path}: {'; '.join(faults)}. The first row names the columns: {columns}")


def _unknown(names: Sequence[str]) -> Sequence[str]:
    return [name for name in names if name and name not in (*COLUMNS, PROBLEM)]


def _cells(names: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """The cells that hold something; what people agreed to is kept to the letter."""
    pairs = [(name, cell) for name, cell in zip(names, cells, strict=False) if name and name != PROBLEM]
    return {name: cell if name == "consent_wording" else cell.strip() for name, cell in pairs if cell.strip()}
