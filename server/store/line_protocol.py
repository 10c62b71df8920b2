r"""A row as one line of InfluxDB's line protocol: measurement `observation`, tags device and water_point.

Fields: `epoch`, `seq`, `record` (see `influx_record`), and of each parameter the value, `_raw` and `_spread`
where there are any, and always `_flag` and `_why`, so that a corrected flag also clears its old reason.

Invariants: a float is always written with its point and an integer always with its `i`, so that field types
cannot conflict; a value in its field counts only while the flag beside it is a usable one, since InfluxDB
keeps a field that a rewrite leaves out.
"""

from functools import lru_cache

from server.store.influx_record import record_of
from server.store.port import Row
from waterquality.flags import Screened
from waterquality.readings import Reading

MEASUREMENT = "observation"
_SERIES_CACHE = 1 << 16


def line_of(row: Row) -> bytes:
    """The line of a row in which `storable.fault` finds no fault, without its end."""
    observed = row.observation
    fields = "".join(map(_fields, observed.readings.values()))
    return (
        f"{_series(row.water_point, observed.device)} "
        f'epoch="{_escaped(observed.epoch)}",seq={observed.seq}i,record="{_escaped(record_of(row))}"{fields} '
        f"{observed.taken_ms}"
    ).encode()


def _fields(reading: Reading) -> str:
    name = reading.parameter
    fields = _judgement(name, reading.screened)
    if reading.value is not None:
        fields += f",{name}={_float(reading.value)}"
    if reading.raw is not None:
        fields += f",{name}_raw={_float(reading.raw)}"
    if reading.spread is not None:
        fields += f",{name}_spread={_float(reading.spread)}"
    return fields


@lru_cache
def _judgement(name: str, screened: Screened) -> str:
    return f',{name}_flag={screened.flag.value}i,{name}_why="{screened.why.value}"'


def _float(number: float) -> str:
    return repr(float(number))  # the shortest text that reads back as the same number; 7 becomes 7.0


@lru_cache(_SERIES_CACHE)
def _series(water_point: str, device: str) -> str:
    return f"{MEASUREMENT},device={tag(device)},water_point={tag(water_point)}"


def tag(name: str) -> str:
    """A name as the value of a tag."""
    for special in (",", "=", " "):
        name = name.replace(special, "\\" + special)
    return name


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
