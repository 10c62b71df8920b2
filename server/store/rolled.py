"""What an hour came to whose readings are deleted: all that is left of them, so it travels from store to store.

Only hours travel. What a day came to is worked out anew from its hours by whoever holds them, so that two stores'
accounts of one day never stand beside each other.
"""

import math
from dataclasses import dataclass

from server.store.rollup import HOUR_MS, Part
from server.store.span import LATEST_MS
from server.store.storable import id_fault
from waterquality.flags import Flag
from waterquality.parameters import Parameter


@dataclass(frozen=True, slots=True)
class RolledHour:
    """The rollup of an hour of one parameter at one water point.

    Attributes:
        water_point: where.
        parameter: of what.
        part: what its readings came to.
    """

    water_point: str
    parameter: Parameter
    part: Part

    @property
    def name(self) -> tuple[str, str, int]:
        """Which hour it is of: (water point, parameter, start). A walk is in this order."""
        return self.water_point, self.parameter.value, self.part.at_ms


def rolled_fault(hour: RolledHour) -> str:
    """Why this can be no rollup of any hour, or "" when it can."""
    part = hour.part
    if part.at_ms % HOUR_MS or not 0 <= part.at_ms <= LATEST_MS:
        return f"{part.at_ms} ms is no start of an hour"
    if not 0 <= part.good <= part.usable <= part.count or not part.count:
        return f"of {part.count} readings {part.usable} usable and {part.good} GOOD"
    if part.flag not in set(Flag):
        return f"{part.flag} is no flag"
    return id_fault(hour.water_point) or _values_fault(part)


def _values_fault(part: Part) -> str:
    if (part.low is not None, part.high is not None) != (bool(part.usable),) * 2:
        return "a lowest and a highest value are there where any was usable, and nowhere else"
    if not all(map(math.isfinite, (part.low or 0.0, part.total, part.high or 0.0))):
        return "a value is no number"
    return ""
