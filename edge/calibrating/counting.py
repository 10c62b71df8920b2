"""One known volume through a meter: when it begins, when it is over, how many pulses it gave. Pure.

Nobody presses a key with wet hands: counting begins with the first pulse, and ends when the meter has stood
still for a while, which is longer for a meter whose pulses come slowly.
"""

from collections.abc import Sequence
from dataclasses import dataclass

_SLOWEST_GAPS = 5.0  # mean gaps between pulses without a pulse


@dataclass(frozen=True, slots=True)
class Count:
    """How a run goes.

    Attributes:
        pulses: counted so far.
        quiet_s: seconds since the last of them; 0 before the first.
        is_over: whether the meter has stood still long enough.
    """

    pulses: int
    quiet_s: float
    is_over: bool


def counted(totals: Sequence[tuple[float, int]], *, quiet_s: float) -> Count:
    """How far a run has come.

    Args:
        totals: pairs of seconds and the meter's pulses so far, oldest first; at least one.
        quiet_s: how long the meter must stand still, in seconds, before the run is over.
    """
    start, now_s = totals[0][1], totals[-1][0]
    pulses = totals[-1][1] - start
    if not pulses:
        return Count(0, 0.0, is_over=False)
    first_s = next(at_s for at_s, total in totals if total > start)
    last_s = next(at_s for at_s, total in totals if total == totals[-1][1])
    still_s = now_s - last_s
    needed_s = max(quiet_s, _SLOWEST_GAPS * (last_s - first_s) / pulses)
    return Count(pulses, still_s, still_s >= needed_s)
