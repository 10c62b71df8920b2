"""The table of the embedded store, and a row of it to and from the words of the store.

One record for each observation, seven columns for each parameter. The key begins with water point and time,
so that a page reads one run of the file; it is the identity a store goes by, so that a record written again
takes the place of the old one as a whole.
"""

# ruff: noqa: S608 - the names put in are those of our own columns

from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Any

from server.store.port import Row
from waterquality.flags import Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading

_IDENTITY = ("water_point", "taken_ms", "device", "epoch", "seq", "received_ms", "clock_uncertainty_s")
_FACETS = {
    "": "REAL",
    "_raw": "REAL",
    "_raw_unit": "TEXT",
    "_spread": "REAL",
    "_flag": "INTEGER",
    "_why": "TEXT",
    "_cert": "TEXT",
}
_NOTHING = (None,) * len(_FACETS)
_WHYS = {why.value: why for why in Why}
_BY_PARAMETER = {
    f"{parameter.value}{facet}": kind for parameter in Parameter for facet, kind in _FACETS.items()
}

CREATE = (
    """CREATE TABLE IF NOT EXISTS observation (
        water_point TEXT NOT NULL,
        taken_ms INTEGER NOT NULL,
        device TEXT NOT NULL,
        epoch TEXT NOT NULL,
        seq INTEGER NOT NULL,
        received_ms INTEGER NOT NULL,
        clock_uncertainty_s REAL NOT NULL,
        PRIMARY KEY (water_point, taken_ms, device)
    ) WITHOUT ROWID""",
    "DROP INDEX IF EXISTS observation_by_time",  # of an earlier form
)
COLUMNS = ", ".join((*_IDENTITY, *_BY_PARAMETER))
INSERT = (
    f"INSERT OR REPLACE INTO observation ({COLUMNS}) "
    f"VALUES ({', '.join('?' * (len(_IDENTITY) + len(_BY_PARAMETER)))})"
)


def additions(present: Sequence[str]) -> Iterator[str]:
    """The statements that add the columns it lacks: all of them at first, later a new parameter's."""
    for column, kind in _BY_PARAMETER.items():
        if column not in present:
            yield f"ALTER TABLE observation ADD COLUMN {column} {kind}"


def record_of(row: Row) -> tuple[Any, ...]:
    """What `INSERT` takes."""
    observed = row.observation
    record: list[Any] = [
        row.water_point,
        observed.taken_ms,
        observed.device,
        observed.epoch,
        observed.seq,
        row.received_ms,
        observed.clock_uncertainty_s,
    ]
    for parameter in Parameter:
        reading = observed.readings.get(parameter)
        record += _NOTHING if reading is None else _facets(reading)
    return tuple(record)


def row_of(record: Sequence[Any]) -> Row:
    """The row in a record of `COLUMNS`."""
    water_point, taken_ms, device, epoch, seq, received_ms, uncertainty_s = record[: len(_IDENTITY)]
    readings = MappingProxyType({reading.parameter: reading for reading in _readings(record)})
    return Row(water_point, Observation(device, epoch, seq, taken_ms, readings, uncertainty_s), received_ms)


def _facets(reading: Reading) -> tuple[Any, ...]:
    return (
        reading.value,
        reading.raw,
        reading.raw_unit,
        reading.spread,
        reading.flag.value,
        reading.screened.why.value,
        reading.certificate,
    )


def _readings(record: Sequence[Any]) -> Iterator[Reading]:
    start = len(_IDENTITY)
    for parameter in Parameter:
        value, raw, raw_unit, spread, flag, why, certificate = record[start : start + len(_FACETS)]
        start += len(_FACETS)
        if flag is not None:
            screened = Screened(Flag(flag), _WHYS.get(why, Why.NONE))
            yield Reading(parameter, value, raw, raw_unit, screened, certificate, spread)
