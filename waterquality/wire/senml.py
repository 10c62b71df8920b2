"""The part of RFC 8428 that we use: base fields, names, units, values and times.

Not a full SenML library: no sums, no update times, no relative times (ours are always absolute), and a
`must understand` field (its label ends in `_`) is refused, as the RFC demands of a reader that does not know it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import NamedTuple, NoReturn

from waterquality.wire.rejection import Malformed, Rejection

_TEXT_LIMIT = 16_384
_LAST_S = 253_402_300_799  # the end of the year 9999, where calendars end
BASE_LABELS = frozenset({"bn", "bt", "bu", "bv", "bver"})
_KNOWN = BASE_LABELS | {"n", "u", "v", "vs", "t"}
_ABSOLUTE_FROM_S = 1 << 28  # RFC 8428 §4.5.3: below this a time is relative to now


@dataclass(slots=True)
class Base:
    """The base fields in force; a record may change them for itself and all that follow."""

    name: str = ""
    time_s: float = 0.0
    unit: str = ""
    value: float = 0.0

    def take(self, record: Mapping[str, object]) -> None:
        """Take over the base fields of a record; there is nothing to take where it has none of `BASE_LABELS`."""
        if "bn" in record:
            self.name = text(record["bn"], "bn")
        if "bt" in record:
            self.time_s = number(record["bt"], "bt")
        if "bu" in record:
            self.unit = text(record["bu"], "bu")
        if "bv" in record:
            self.value = number(record["bv"], "bv")
        if "bver" in record and record["bver"] != 10:  # noqa: PLR2004 - the version of RFC 8428 itself
            raise Malformed(Rejection.NOT_SENML, f"bver {record['bver']!r} is not 10")


class Resolved(NamedTuple):
    """One record with its base fields applied.

    Attributes:
        name: its own name, without the base name that it stands under.
        unit: registered unit, "" when none was given.
        value: number or text; None when the record carries neither.
        time_s: absolute seconds since 1970, UTC.
    """

    name: str
    unit: str
    value: float | str | None
    time_s: float


def number(value: object, label: str) -> float:
    """A finite JSON number; a bool or a text that looks like one is refused."""
    if type(value) is float and isfinite(value):  # nearly all of them
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Malformed(Rejection.WRONG_TYPE, f"{label}: {str(value)[:40]!r} is not a number")
    try:
        as_float = float(value)
    except OverflowError:
        as_float = inf
    if not isfinite(as_float):
        raise Malformed(Rejection.NOT_FINITE, f"{label} is not finite")
    return as_float


def text(value: object, label: str) -> str:
    """A JSON string of bearable length."""
    if not isinstance(value, str):
        raise Malformed(Rejection.WRONG_TYPE, f"{label}: {str(value)[:40]!r} is not a text")
    if len(value) > _TEXT_LIMIT:
        raise Malformed(Rejection.TOO_LARGE, f"{label} is longer than {_TEXT_LIMIT} characters")
    return value


def resolve(record: Mapping[str, object], base: Base) -> Resolved:
    """Apply the base fields, already taken over from this record, to the record.

    Raises:
        Malformed: a field has the wrong type or is not ours to ignore; mended by nobody.
    """
    if not _KNOWN.issuperset(record):
        _check_labels(record)
    name = text(record.get("n", ""), "n")
    unit = text(record.get("u", base.unit), "u")
    time_s = base.time_s + number(record["t"], "t") if "t" in record else base.time_s
    if not _ABSOLUTE_FROM_S <= time_s <= _LAST_S:
        _refuse_time(name, time_s)
    value = record.get("v")
    if type(value) is not float or base.value:  # nearly all of them are plain numbers
        return Resolved(name, unit, _value_of(record, base, name), time_s)
    return Resolved(name, unit, number(value, name), time_s)


def _check_labels(record: Mapping[str, object]) -> None:
    for label in record:
        if label.endswith("_"):
            raise Malformed(Rejection.UNKNOWN_FIELD, f"{label} must be understood and is not")


def _refuse_time(name: str, time_s: float) -> NoReturn:
    if time_s < _ABSOLUTE_FROM_S:
        raise Malformed(Rejection.TIME_TOO_OLD, f"{name}: {time_s} s is not an absolute time")
    raise Malformed(Rejection.TIME_IN_FUTURE, f"{name}: {time_s} s is beyond every calendar")


def _value_of(record: Mapping[str, object], base: Base, name: str) -> float | str | None:
    if "v" in record:
        value = number(record["v"], name)
        return number(base.value + value, name) if base.value else value
    if "vs" in record:
        return _letters(text(record["vs"], name), name)
    return None


def _letters(value: str, label: str) -> str:
    """Text that a database can keep: JSON may spell halves of letters and NUL, which no letter is."""
    if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise Malformed(Rejection.WRONG_TYPE, f"{label} holds what is no letter")
    return value
