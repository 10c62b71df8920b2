"""The field `record`: a whole observation as one JSON text, beside the fields that charts are drawn from.

It is there for two reasons. InfluxDB merges what is written twice at an instant, so a value that a rewrite
takes away stays in its field; the record is one field, so it is replaced as a whole, and it is what counts.
And a question costs by the column: from twenty fields the newest rows of 1,000 points take five times as
long.

    [epoch, seq, received_ms, clock_uncertainty_s, {parameter: reading, …}]
    reading = [value, flag, why, certificate, raw, raw unit, spread]

New facts are added at the end of a list; a shorter list is an older record.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from server.store.port import Row
from waterquality.flags import Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading

_quoted = lru_cache(1 << 16)(json.dumps)  # epochs and certificates: few of them, again and again
_WHYS = {why.value: why for why in Why}
_PARAMETERS = {parameter.value: parameter for parameter in Parameter}


def record_of(row: Row) -> str:
    """The record of a row in which `storable.fault` finds no fault; plain ASCII."""
    observed = row.observation
    readings = ",".join(map(_facts_of, observed.readings.values()))
    return (
        f"[{_quoted(observed.epoch)},{observed.seq},{row.received_ms},"
        f"{_number(observed.clock_uncertainty_s)},{{{readings}}}]"
    )


def row_of(record: str, *, water_point: str, device: str, taken_ms: int) -> Row:
    """The row in a record.

    Raises:
        ValueError: this is none of our records; mended by nobody.
    """
    epoch, seq, received_ms, uncertainty_s, readings = json.loads(record)
    # A parameter that this version does not know was written by a newer one.
    known = {
        parameter: _reading(parameter, facts)
        for name, facts in readings.items()
        if (parameter := _PARAMETERS.get(name)) is not None
    }
    observed = Observation(device, epoch, seq, taken_ms, MappingProxyType(known), uncertainty_s)
    return Row(water_point, observed, received_ms)


def _facts_of(reading: Reading) -> str:
    # Put together by hand, since every observation passes here: half the time of a JSON encoder.
    screened = reading.screened
    return (
        f'"{reading.parameter}":[{_number(reading.value)},{screened.flag:d},"{screened.why}",'
        f"{_quoted(reading.certificate)},{_number(reading.raw)},{_quoted(reading.raw_unit)},"
        f"{_number(reading.spread)}]"
    )


def _reading(parameter: Parameter, facts: Sequence[Any]) -> Reading:
    value, flag, why, certificate, raw, raw_unit, spread = facts
    screened = Screened(Flag(flag), _WHYS.get(why, Why.NONE))
    return Reading(parameter, value, raw, raw_unit, screened, certificate, spread)


def _number(number: float | None) -> str:
    return "null" if number is None else repr(float(number))
