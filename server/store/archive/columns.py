"""A row as cells of a CSV file and back, exactly; and the description of those columns for whoever reads them.

Invariants: a number is written as the shortest text that reads back as the same number (zero has no sign); times
are whole milliseconds (`taken_at` says the same for people, and is not read back); an empty cell of a flag means
that the parameter was not observed. A file may lack columns, being older than a parameter; it may not have others
than these, since what it says in them would be lost.
"""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from types import MappingProxyType
from typing import Any

from server.store.port import Row
from waterquality.flags import Flag, Screened, Why
from waterquality.parameters import SPECS, Parameter
from waterquality.readings import Observation, Reading, by_parameter, from_ms

_IDENTITY = ("water_point", "device", "epoch", "seq", "taken_ms", "received_ms", "clock_uncertainty_s")
_FACETS = ("", "_flag", "_why", "_raw", "_raw_unit", "_spread", "_certificate")
_PARAMETERS = tuple(Parameter)
HEADER = ("taken_at", *_IDENTITY, *(f"{parameter}{facet}" for parameter in _PARAMETERS for facet in _FACETS))
_ABSENT = ("",) * len(_FACETS)
_SUM_BYTES = 16


class Unreadable(ValueError):
    """What stands in a file is no row of ours; the message says why."""


def check_header(header: Sequence[str], *, known: Collection[str], needed: Sequence[str]) -> None:
    """Whether a file has the columns that it must have, and none whose meaning would be lost.

    Raises:
        Unreadable: it has not.
    """
    strange = [name for name in header if name not in known]
    if strange:
        raise Unreadable(f"the column {strange[0]!r} is not known here: a newer Tskaro made this file")
    missing = [name for name in needed if name not in header]
    if missing:
        raise Unreadable(f"the column {missing[0]!r} is missing")


def cells_of(row: Row) -> list[str]:
    """The cells of `HEADER`."""
    observed = row.observation
    cells = [
        f"{from_ms(observed.taken_ms):%Y-%m-%dT%H:%M:%S}.{observed.taken_ms % 1000:03}Z",
        *_identity(row),
    ]
    for parameter in _PARAMETERS:
        reading = observed.readings.get(parameter)
        cells += _ABSENT if reading is None else _facets(reading)
    return cells


def checksum_of(row: Row) -> int:
    """128 bits that stand for all of a row; columns of parameters that were not observed do not enter."""
    observed = row.observation.readings
    read = (
        cell for parameter in sorted(observed) for cell in (parameter.value, *_facets(observed[parameter]))
    )
    text = "\x1f".join((*_identity(row), *read))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=_SUM_BYTES).digest())


class CellReader:
    """Reads rows from cells under a header.

    Args:
        header: the names of the columns, as the file says them.

    Raises:
        Unreadable: a column is missing that every file has, or is none of ours.
    """

    def __init__(self, header: Sequence[str]) -> None:
        check_header(header, known=HEADER, needed=_IDENTITY)
        self._width = len(header)
        self._places = [header.index(name) for name in _IDENTITY]
        self._readings = [
            (parameter, [header.index(f"{parameter}{facet}") for facet in _FACETS])
            for parameter in _PARAMETERS
            if f"{parameter}_flag" in header
        ]

    def row_of(self, cells: Sequence[str]) -> Row:
        """The row in these cells.

        Raises:
            Unreadable: they are no row.
        """
        if len(cells) != self._width:
            raise Unreadable(f"{len(cells)} cells under {self._width} columns")
        try:
            return self._row_of(cells)
        except ValueError as error:
            raise Unreadable(str(error)) from error

    def _row_of(self, cells: Sequence[str]) -> Row:
        point, device, epoch, seq, taken_ms, received_ms, uncertainty_s = (
            cells[place] for place in self._places
        )
        readings = by_parameter(
            *(
                _reading(parameter, [cells[place] for place in places])
                for parameter, places in self._readings
                if cells[places[1]]
            )
        )
        observed = Observation(device, epoch, int(seq), int(taken_ms), readings, float(uncertainty_s))
        return Row(point, observed, int(received_ms))


def fields() -> Iterator[dict[str, Any]]:
    """The columns in the words of a Frictionless table schema."""
    yield {
        "name": "taken_at",
        "type": "datetime",
        "title": "when it was taken, UTC; for people, see taken_ms",
    }
    for name, (kind, title) in _TITLES.items():
        yield {"name": name, "type": kind, "title": title, "constraints": {"required": True}}
    for parameter in _PARAMETERS:
        yield from _fields_of(parameter)


def _fields_of(parameter: Parameter) -> Iterator[dict[str, Any]]:
    unit = SPECS[parameter].unit
    yield {"name": f"{parameter}", "type": "number", "unit": unit, "title": f"{parameter}, in {unit}"}
    yield {
        "name": f"{parameter}_flag",
        "type": "integer",
        "title": "QARTOD flag; empty where it was not observed",
        "constraints": {"enum": [flag.value for flag in Flag]},
    }
    yield {"name": f"{parameter}_why", "type": "string", "title": "why the flag is not GOOD"}
    yield {"name": f"{parameter}_raw", "type": "number", "title": "before calibration, in its raw unit"}
    yield {"name": f"{parameter}_raw_unit", "type": "string", "title": "V (volts) or count (pulses)"}
    yield {
        "name": f"{parameter}_spread",
        "type": "number",
        "unit": unit,
        "title": f"how far the samples behind the value lay apart, in {unit}",
    }
    yield {"name": f"{parameter}_certificate", "type": "string", "title": "calibration certificate in force"}


_TITLES = MappingProxyType(
    {
        "water_point": ("string", "where the water was"),
        "device": ("string", "who took it"),
        "epoch": ("string", "the outbox that numbered it"),
        "seq": ("integer", "its number in that outbox"),
        "taken_ms": ("integer", "when it was taken, milliseconds since 1970, UTC"),
        "received_ms": ("integer", "when the server took it in, milliseconds since 1970, UTC"),
        "clock_uncertainty_s": ("number", "how far taken_ms may be off, in seconds"),
    }
)


def _identity(row: Row) -> tuple[str, ...]:
    observed = row.observation
    return (
        row.water_point,
        observed.device,
        observed.epoch,
        str(observed.seq),
        str(observed.taken_ms),
        str(row.received_ms),
        number_text(observed.clock_uncertainty_s),
    )


def _facets(reading: Reading) -> tuple[str, ...]:
    screened = reading.screened
    return (
        number_text(reading.value),
        str(screened.flag.value),
        screened.why.value,
        number_text(reading.raw),
        reading.raw_unit,
        number_text(reading.spread),
        reading.certificate,
    )


def _reading(parameter: Parameter, cells: Sequence[str]) -> Reading:
    value, flag, why, raw, raw_unit, spread, certificate = cells
    screened = Screened(Flag(int(flag)), Why(why))
    return Reading(
        parameter, number_in(value), number_in(raw), raw_unit, screened, certificate, number_in(spread)
    )


def number_text(number: float | None) -> str:
    """The shortest text that reads back as this number; "" for none."""
    return "" if number is None else repr(float(number) + 0.0)  # -0.0 becomes 0.0, as in SQLite


def number_in(text: str) -> float | None:
    """The number in a cell; None in an empty one."""
    return float(text) if text else None
