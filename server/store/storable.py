"""What no store can keep, told before it is sent: the same answer whichever store is behind.

Invariant: a row without a fault here can be written by every store as one line or one record; what a store
refuses beyond that is its own affair (a retention period, a field of another type).
"""

import math
import re
from functools import lru_cache

from server.store.port import Row
from server.store.span import LATEST_MS
from waterquality.readings import Observation, Reading

_LARGEST_INTEGER = 2**63 - 1
_LARGEST_VALUE = 1e300  # the sum of all the readings there ever are must still be a number
_LONGEST_ID = 1_000
_RAW_UNITS = frozenset({"V", "count"})
_ID_CACHE = 1 << 16
_CUTTING = re.compile(r"[\x00-\x1f\x7f\\]")


def fault(row: Row) -> str:
    """Why this row can never be kept, or "" when it can."""
    return (
        id_fault(row.water_point)
        or id_fault(row.observation.device)
        or _numbers_fault(row)
        or _text_fault(row.observation.epoch)
        or _readings_fault(row.observation)
    )


@lru_cache(_ID_CACHE)
def id_fault(name: str) -> str:
    """Why this cannot be the id of anything stored, or "" when it can.

    A backslash at the end of a tag cannot be written in line protocol at all, and one before a comma is read
    in two ways; control characters cut a line in two.
    """
    if not name:
        return "an id is empty"
    if len(name) > _LONGEST_ID:
        return f"{name[:20]!r}… is no id: longer than {_LONGEST_ID} letters"
    if _CUTTING.search(name):
        return f"{name!r} is no id: a backslash or a control character"
    return _text_fault(name)


def _numbers_fault(row: Row) -> str:
    observed = row.observation
    if not 0 <= observed.taken_ms <= LATEST_MS:
        return f"{observed.taken_ms} ms is no time that can be stored"
    if max(abs(observed.seq), abs(row.received_ms)) > _LARGEST_INTEGER:
        return "a number does not fit into 64 bits"
    return (
        "" if math.isfinite(observed.clock_uncertainty_s) else "the clock uncertainty is not a finite number"
    )


def _readings_fault(observed: Observation) -> str:
    return next(filter(None, map(_reading_fault, observed.readings.values())), "")


def _reading_fault(reading: Reading) -> str:
    if reading.raw is not None and reading.raw_unit not in _RAW_UNITS:
        return f"{reading.raw_unit!r} is no unit of a raw value"
    if reading.value is not None and not -_LARGEST_VALUE <= reading.value <= _LARGEST_VALUE:
        return f"{reading.value} is beyond what can be summed up"
    return _text_fault(reading.certificate)


def _text_fault(text: str) -> str:
    if text.isascii():
        return ""
    try:
        text.encode()
    except UnicodeEncodeError:
        return f"{text!r} is not Unicode"
    return ""
