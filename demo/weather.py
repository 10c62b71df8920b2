"""Rain over the region, and what it does to the water of one place.

The region has one weather: time is cut into cells of twelve hours, and a cell has a shower or none. A shower
reaches most villages, each with its own delay and force, and muddies a spring most, a reservoir slowly, a
borehole never.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from demo.noise import pulse, stream, unit
from demo.villages import Source, Village

_CELL_S = 12 * 3600.0
_CHANCE_OF_RAIN = 0.24  # for each cell: a shower about every second day
_CHANCE_OF_REACHING = 0.7
_STRONGEST = 3.5
_DELAY_S = (1200.0, 3600.0)  # from the shower to the first mud
_FADED = 6.0  # after so many decay times nothing of a pulse is left to see


@dataclass(frozen=True, slots=True)
class Response:
    """How a source answers to rain.

    Attributes:
        gain_ntu: turbidity that a middling shower adds, in NTU.
        rise_s: time constant of the onset, in seconds.
        decay_s: time constant of the recovery, in seconds.
    """

    gain_ntu: float
    rise_s: float
    decay_s: float


_RESPONSES = {
    Source.SPRING: Response(gain_ntu=3.2, rise_s=1500, decay_s=5 * 3600),
    Source.RESERVOIR: Response(gain_ntu=1.1, rise_s=2.5 * 3600, decay_s=9 * 3600),
    Source.TAP: Response(gain_ntu=0.9, rise_s=2400, decay_s=6 * 3600),
    Source.BOREHOLE: Response(gain_ntu=0.0, rise_s=3600, decay_s=3600),
}


@dataclass(frozen=True, slots=True)
class Shower:
    """One shower as it reaches one place.

    Attributes:
        onset_s: when the mud begins, in seconds since 1970.
        force: 1 for a middling shower.
    """

    onset_s: float
    force: float


class Rainfall:
    """The rain that one place gets, and the turbidity it causes.

    Args:
        village: the place.
        seed: the seed of the whole demonstration; places with the same seed share their weather.
        dry_s: spells (since, until) in which no shower begins, in seconds since 1970.
    """

    def __init__(self, village: Village, *, seed: int, dry_s: Sequence[tuple[float, float]]) -> None:
        self._response = _RESPONSES[village.source]
        self._sky = {name: stream(seed, "sky", name) for name in ("chance", "time", "force")}
        self._here = {name: stream(seed, village.water_point, name) for name in ("reach", "delay", "share")}
        self._dry_s = dry_s
        self._shower_in = lru_cache(maxsize=64)(self._shower)

    def turbidity_ntu(self, at_s: float) -> float:
        """The turbidity that rain adds at `at_s` seconds since 1970, in NTU."""
        response = self._response
        if not response.gain_ntu:
            return 0.0
        last = math.floor(at_s / _CELL_S)
        first = math.floor((at_s - _FADED * response.decay_s) / _CELL_S)
        return response.gain_ntu * sum(
            shower.force * pulse(at_s - shower.onset_s, rise_s=response.rise_s, decay_s=response.decay_s)
            for shower in map(self._shower_in, range(first, last + 1))
            if shower is not None
        )

    def _shower(self, cell: int) -> Shower | None:
        if unit(self._sky["chance"], cell) >= _CHANCE_OF_RAIN:
            return None
        if unit(self._here["reach"], cell) >= _CHANCE_OF_REACHING:
            return None
        shortest, longest = _DELAY_S
        delay_s = shortest + (longest - shortest) * unit(self._here["delay"], cell)
        onset_s = (cell + unit(self._sky["time"], cell)) * _CELL_S + delay_s
        if any(since <= onset_s < until for since, until in self._dry_s):
            return None
        strength = min(-math.log1p(-unit(self._sky["force"], cell)), _STRONGEST)
        return Shower(onset_s, force=(0.3 + strength) * (0.5 + unit(self._here["share"], cell)))
