"""From what a person types, or a file holds, to a laboratory's result that cannot be wrong in form."""

import csv
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from alerts.advisories.lab import LabLimit, LabParameter, LabResult, measured
from alerts.advisories.lab_limits import shipped_limits
from waterquality.errors import ConfigError

_TBILISI = ZoneInfo("Asia/Tbilisi")
REQUIRED = ("water_point", "taken_at", "laboratory", "parameter", "value", "unit", "certificate")
OPTIONAL = ("low", "high", "authority")


def result_from(said: Mapping[str, str], by: str) -> LabResult:
    """A result from its words.

    Args:
        said: `REQUIRED` and perhaps `OPTIONAL`; a time without an offset is one of Tbilisi.
        by: who writes it down.

    Raises:
        ValueError: something in it cannot be used; says what.
    """
    for name in ("laboratory", "certificate"):
        if not said[name].strip():
            raise ValueError(f"{name} is missing")
    parameter = _parameter(said["parameter"])
    return LabResult(
        taken_at=_instant(said["taken_at"]),
        laboratory=said["laboratory"].strip(),
        parameter=parameter,
        measured=measured(said["value"], parameter, said["unit"].strip()),
        limit=_limit(parameter, said),
        certificate=said["certificate"].strip(),
        entered_by=by,
    )


def read_results(path: Path, by: str) -> list[tuple[str, LabResult]]:
    """All results of a CSV file, each with its water point.

    Raises:
        ConfigError: the file or any of its rows cannot be used, with every reason; mended by the operator. None of
            its rows counts then: the row that is missing might have been the bad one.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    lacking = [name for name in REQUIRED if rows and name not in rows[0]]
    if not rows or lacking:
        needed = f"needs the columns {', '.join(REQUIRED)}; may have {', '.join(OPTIONAL)}"
        raise ConfigError(f"{path}: {'has no rows' if not rows else f'lacks {lacking[0]}'}; {needed}")
    read, problems = [], []
    for number, row in enumerate(rows, start=2):
        try:
            read.append(_row(row, by))
        except ValueError as error:
            problems.append(f"{path}: line {number}: {error}")
    if problems:
        raise ConfigError(
            "\n".join([*problems, f"{path}: nothing was taken in; mend these lines and try again"])
        )
    return read


def _row(row: Mapping[str | None, object], by: str) -> tuple[str, LabResult]:
    if None in row or None in row.values():
        raise ValueError("has more or fewer columns than the first line")
    said = {str(name): str(text) for name, text in row.items()}
    if not said["water_point"].strip():
        raise ValueError("water_point is missing")
    return said["water_point"].strip(), result_from(said, by)


def _parameter(text: str) -> LabParameter:
    try:
        return LabParameter(text.strip().lower())
    except ValueError as error:
        raise ValueError(f"{text!r} is none of {', '.join(LabParameter)}") from error


def _instant(text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError(f"{text!r} is no time: write 2026-11-20T10:30") from error
    return read if read.tzinfo is not None else read.replace(tzinfo=_TBILISI)


def _limit(parameter: LabParameter, said: Mapping[str, str]) -> LabLimit:
    low, high = (_bound(said.get(name) or "") for name in ("low", "high"))
    authority = (said.get("authority") or "").strip()
    if low is None and high is None:
        known = shipped_limits().get(parameter)
        if known is None:
            raise ValueError(
                f"no limit of {parameter} ships: name low or high, and the authority whose it is"
            )
        return known.to_limit()
    if not authority:
        raise ValueError("a limit needs an authority: whose it is")
    return LabLimit(low, high, authority)


def _bound(text: str) -> float | None:
    return float(text.replace(",", ".")) if text.strip() else None


def bounds_of(limit: LabLimit) -> Iterator[str]:
    """A limit as people read it."""
    if limit.low is not None:
        yield f">= {limit.low:g}"
    if limit.high is not None:
        yield f"<= {limit.high:g}"
