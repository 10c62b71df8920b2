"""Whether what the probes see is the network's water, judged by the meter. Pure; sample by sample.

Where no water flows, the probes see what stands in the pipe; when it flows again, they first see what the pipe has
let go. Neither is a fault of the probe, and the numbers stay; but neither tells of the supply.

**Invariants**
* Unknown flow makes nothing stagnant and flushes nothing: it is not judged, and does not count as flow.
* After a standstill that was long enough to be stagnant, nothing is sound again before the flush is over, however
  often the flow stops in between.
* A meter's single pulse is no flow (`edge.probes.flow`), so a drip ends no standstill.
"""

from dataclasses import dataclass
from enum import Enum, auto

from waterquality.flags import Flag, Screened, Why
from waterquality.parameters import LITRES_PER_M3
from waterquality.readings import Reading

_FLUSHED = Screened(Flag.GOOD)
_STAGNANT = Screened(Flag.SUSPECT, Why.STAGNANT_SAMPLE)
_FIRST_FLUSH = Screened(Flag.SUSPECT, Why.FIRST_FLUSH)


class Flowing(Enum):
    """What the meter says of the water."""

    RUNS = auto()
    STANDS = auto()
    UNKNOWN = auto()


def flowing(flow: Reading | None) -> Flowing:
    """What a reading of the flow says; one that failed or is missing says nothing."""
    if flow is None or flow.value is None or flow.flag is Flag.FAIL:
        return Flowing.UNKNOWN
    return Flowing.RUNS if flow.value > 0.0 else Flowing.STANDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Flush:
    """What ends the first flush, whichever comes first.

    Attributes:
        seconds: of flow.
        litres: that have flowed.
    """

    seconds: float
    litres: float


class Supply:
    """Follows the meter.

    Args:
        stagnant_after_s: seconds without flow after which the water is stagnant.
        flush: what ends the first flush.
        longest_gap_s: seconds between two readings beyond which nothing is known of the time between.
    """

    def __init__(self, *, stagnant_after_s: float, flush: Flush, longest_gap_s: float) -> None:
        self._stagnant_after_s, self._flush, self._longest_gap_s = stagnant_after_s, flush, longest_gap_s
        self._before = Flowing.UNKNOWN
        self._seen_s = 0.0
        self._seen_litres: float | None = None
        self._stood_since_s: float | None = None
        self._owed: Flush | None = None  # what has still to flow

    def judge(self, at_s: float, flow: Reading | None, volume: Reading | None) -> Screened:
        """Judge the water at one instant.

        Args:
            at_s: when, in seconds of a clock that never jumps.
            flow: the meter's flow, where there is one.
            volume: the meter's volume, where there is one.
        """
        now = flowing(flow)
        if not 0.0 <= at_s - self._seen_s <= self._longest_gap_s:
            self._before, self._stood_since_s = Flowing.UNKNOWN, None
        litres = None if volume is None or volume.value is None else volume.value * LITRES_PER_M3
        judgement = self._judged(now, at_s, litres)
        self._before, self._seen_s, self._seen_litres = now, at_s, litres
        return judgement

    def _judged(self, now: Flowing, at_s: float, litres: float | None) -> Screened:
        if now is Flowing.UNKNOWN:
            self._stood_since_s = None
            return _FLUSHED
        if now is Flowing.STANDS:
            return self._standing(at_s)
        self._stood_since_s = None
        self._run(at_s, litres)
        return _FIRST_FLUSH if self._owed else _FLUSHED

    def _standing(self, at_s: float) -> Screened:
        self._stood_since_s = at_s if self._stood_since_s is None else self._stood_since_s
        if at_s - self._stood_since_s >= self._stagnant_after_s:
            self._owed = self._flush
            return _STAGNANT
        return _FIRST_FLUSH if self._owed else _FLUSHED

    def _run(self, at_s: float, litres: float | None) -> None:
        """Take off what is still owed what has flowed since the reading before."""
        if self._owed is None or self._before is Flowing.UNKNOWN:
            return
        ran_s = at_s - self._seen_s if self._before is Flowing.RUNS else 0.0
        ran_litres = _grown(self._seen_litres, litres)
        left = Flush(seconds=self._owed.seconds - ran_s, litres=self._owed.litres - ran_litres)
        self._owed = left if left.seconds > 0.0 and left.litres > 0.0 else None


def _grown(before: float | None, now: float | None) -> float:
    """By how much a meter has gone on; by nothing, where that is unknown."""
    return 0.0 if before is None or now is None else max(0.0, now - before)
