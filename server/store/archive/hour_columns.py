"""The rollup of an hour as cells of a CSV file and back, exactly; and the description of those columns.

Invariants: as of `columns`. `hour` and `mean` are for people and not read back; what a day came to is not here,
since it follows from its hours: the sum of the totals, the lowest of the lows, the worst of the flags.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from server.store.archive.columns import Unreadable, check_header, number_in, number_text
from server.store.rolled import RolledHour, rolled_fault
from server.store.rollup import Part
from waterquality.flags import Flag
from waterquality.parameters import Parameter
from waterquality.readings import from_ms

_FACTS = ("water_point", "parameter", "start_ms", "count", "good", "usable", "low", "total", "high", "flag")
HOUR_HEADER = ("hour", *_FACTS, "mean")
_SUM_BYTES = 16


def cells_of_hour(hour: RolledHour) -> list[str]:
    """The cells of `HOUR_HEADER`."""
    part = hour.part
    mean = part.total / part.usable if part.usable else None
    return [f"{from_ms(part.at_ms):%Y-%m-%dT%H:%M:%SZ}", *_facts(hour), number_text(mean)]


def checksum_of_hour(hour: RolledHour) -> int:
    """128 bits that stand for all of it."""
    return int.from_bytes(
        hashlib.blake2b("\x1f".join(_facts(hour)).encode(), digest_size=_SUM_BYTES).digest()
    )


class HourReader:
    """Reads rollups of hours from cells under a header.

    Raises:
        Unreadable: a column is missing, or is none of ours.
    """

    def __init__(self, header: Sequence[str]) -> None:
        check_header(header, known=HOUR_HEADER, needed=_FACTS)
        self._width, self._places = len(header), [header.index(name) for name in _FACTS]

    def hour_of(self, cells: Sequence[str]) -> RolledHour:
        """The rollup in these cells.

        Raises:
            Unreadable: they are none.
        """
        if len(cells) != self._width:
            raise Unreadable(f"{len(cells)} cells under {self._width} columns")
        point, name, *facts = (cells[place] for place in self._places)
        at_ms, count, good, usable, low, total, high, flag = facts
        try:
            numbers = number_in(low), float(total), number_in(high)
            part = Part(int(at_ms), int(count), int(good), int(usable), *numbers, int(flag))
            hour = RolledHour(point, Parameter(name), part)
        except ValueError as error:
            raise Unreadable(str(error)) from error
        if fault := rolled_fault(hour):
            raise Unreadable(fault)
        return hour


def hour_fields() -> Iterator[dict[str, Any]]:
    """The columns in the words of a Frictionless table schema."""
    yield {"name": "hour", "type": "datetime", "title": "the hour, UTC; for people, see start_ms"}
    for name, kind, title in _TITLES:
        yield {"name": name, "type": kind, "title": title}
    yield {
        "name": "flag",
        "type": "integer",
        "title": "the worst QARTOD flag of all",
        "constraints": {"enum": [flag.value for flag in Flag]},
    }
    yield {"name": "mean", "type": "number", "title": "total / usable; for people"}


_TITLES = (
    ("water_point", "string", "where the water was"),
    ("parameter", "string", "of what; low, total, high and mean are in its unit, see schema.json"),
    ("start_ms", "integer", "when the hour began, milliseconds since 1970, UTC"),
    ("count", "integer", "how many readings there were"),
    ("good", "integer", "how many of them were GOOD"),
    ("usable", "integer", "how many had a value and were GOOD or SUSPECT"),
    ("low", "number", "the lowest usable value"),
    ("total", "number", "the sum of the usable values"),
    ("high", "number", "the highest usable value"),
)


def _facts(hour: RolledHour) -> tuple[str, ...]:
    part = hour.part
    counts = (part.at_ms, part.count, part.good, part.usable)
    values = (part.low, part.total, part.high)
    return (
        hour.water_point,
        hour.parameter.value,
        *map(str, counts),
        *map(number_text, values),
        str(int(part.flag)),
    )
