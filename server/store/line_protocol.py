r"""A row as one line of InfluxDB's line protocol: measurement `observation`, tags water_point and device.

Invariants: a float is always written with its point and an integer always with its `i`, so that field types
cannot conflict; every line says of each of its readings the flag, the reason and what it holds. That last
matters because InfluxDB merges: a field once set at an instant stays set, so a value that a rewrite takes
away is still there, and only `<parameter>_holds` tells that it no longer counts.
"""

from collections.abc import Iterator
from enum import IntFlag
from functools import lru_cache

from server.store.port import Row
from waterquality.readings import Reading

MEASUREMENT = "observation"
_SERIES_CACHE = 1 << 16


class Holds(IntFlag):
    """What a stored reading holds; stored as `<parameter>_holds`."""

    NOTHING = 0
    VALUE = 1
    VOLTS = 2
    COUNTS = 4
    SPREAD = 8


RAW_UNITS = {Holds.VOLTS: "V", Holds.COUNTS: "count"}
_RAW_KINDS = {unit: kind for kind, unit in RAW_UNITS.items()}


def line_of(row: Row) -> bytes:
    """The line of a row in which `storable.fault` finds no fault, without its end."""
    observed = row.observation
    identity = (
        f'epoch="{_escaped(observed.epoch)}",seq={observed.seq}i,received={row.received_ms}i,'
        f"clock_uncertainty={_float(observed.clock_uncertainty_s)}"
    )
    fields = ",".join((identity, *map(_fields, observed.readings.values())))
    return f"{_series(row.water_point, observed.device)} {fields} {observed.taken_ms}".encode()


def held_in(reading: Reading) -> Holds:
    """What a reading holds."""
    held = Holds.NOTHING if reading.value is None else Holds.VALUE
    if reading.raw is not None:
        held |= _RAW_KINDS[reading.raw_unit]
    return held if reading.spread is None else held | Holds.SPREAD


def _fields(reading: Reading) -> str:
    name = reading.parameter.value
    explicit = (
        f'{name}_flag={int(reading.flag)}i,{name}_why="{reading.screened.why.value}",'
        f'{name}_cert="{_escaped(reading.certificate)}",{name}_holds={int(held_in(reading))}i'
    )
    return ",".join((explicit, *_numbers(name, reading)))


def _numbers(name: str, reading: Reading) -> Iterator[str]:
    if reading.value is not None:
        yield f"{name}={_float(reading.value)}"
    if reading.raw is not None:
        yield f"{name}_raw={_float(reading.raw)}"
    if reading.spread is not None:
        yield f"{name}_spread={_float(reading.spread)}"


def _float(number: float) -> str:
    return repr(float(number))  # the shortest text that reads back as the same number; 7 becomes 7.0


@lru_cache(_SERIES_CACHE)
def _series(water_point: str, device: str) -> str:
    return f"{MEASUREMENT},device={_tag(device)},water_point={_tag(water_point)}"


def _tag(name: str) -> str:
    for special in (",", "=", " "):
        name = name.replace(special, "\\" + special)
    return name


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
