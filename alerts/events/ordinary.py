"""What is ordinary: the greatest change of each six hours, and the median and MAD of these over four weeks.

The median of block extremes says how far this water moves on an ordinary day in the units of the thing itself,
and hardly notices a block in which something happened. Extremes are kept as logarithms, so that a probe with a
long tail (bubbles in front of a turbidimeter) gets the wide margin that it needs.

**Invariants**: blocks during an event are set apart, up to a share of all; the last week may raise the level and
never lower it, so that noisier times are noticed within days and a quiet week makes nobody jumpy.
"""

import math
from array import array
from collections.abc import Iterable
from typing import Any

from alerts.events.tuning import Tuning

_MAD_TO_SIGMA = 1.4826  # of a normal distribution
_NEVER_MOVED = -20.0  # logarithm kept for a block without any change
Saved = list[Any]  # as JSON gives it back


class Ordinary:
    """The extremes of one quantity.

    Args:
        tuning: lengths, shares and bounds.
        prior: an assumed extreme to begin with; None to begin with nothing.
    """

    __slots__ = (
        "_began_ms",
        "_count",
        "_extremes",
        "_greatest",
        "_is_event",
        "_tuning",
        "extreme",
        "level",
        "spread",
    )

    def __init__(self, tuning: Tuning, *, prior: float | None = None) -> None:
        assumed = [] if prior is None else [round(math.log(prior), 3)] * tuning.prior_blocks
        self._tuning = tuning
        self._extremes = array("f", assumed)
        self._is_event = bytearray(len(assumed))
        self._greatest, self._count, self._began_ms = [0.0, 0.0], 0, 0
        self._learn()

    @property
    def blocks(self) -> int:
        """Blocks remembered."""
        return len(self._extremes)

    def see(self, change: float, at_ms: int, *, is_event: bool = False) -> bool:
        """Take in one change, in the quantity's unit; what happens in an event is kept apart.

        Returns:
            Whether that closed a block, and so may have changed what is ordinary.
        """
        if self._count == 0:
            self._began_ms = at_ms
        self._count += 1
        self._greatest[is_event] = max(self._greatest[is_event], change)
        if self._count < self._tuning.block_at_least or at_ms - self._began_ms < self._tuning.block_s * 1000:
            return False
        self._close()
        return True

    def save(self) -> Saved:
        """Everything, as JSON can hold it."""
        extremes = [round(extreme, 3) for extreme in self._extremes]
        return [extremes, self._is_event.hex(), self._greatest, self._count, self._began_ms]

    def restore(self, saved: Saved) -> None:
        """Become what was saved."""
        extremes, is_event, greatest, self._count, self._began_ms = saved
        self._extremes, self._is_event = array("f", extremes), bytearray.fromhex(is_event)
        self._greatest = list(greatest)
        self._learn()

    def _close(self) -> None:
        greatest = max(self._greatest)
        self._extremes.append(round(math.log(greatest), 3) if greatest > 0 else _NEVER_MOVED)
        self._is_event.append(self._greatest[1] > 0)
        if len(self._extremes) > self._tuning.blocks_kept:
            del self._extremes[0], self._is_event[0]
        self._greatest, self._count = [0.0, 0.0], 0
        self._learn()

    def _learn(self) -> None:
        """Set `level` (None before anything moved), `spread` and `extreme` anew."""
        lowest, highest = self._tuning.spread
        self.level: float | None = None
        self.spread, self.extreme = lowest, 0.0
        known = self._counted(len(self._extremes))
        if not known:
            return
        middle = _median(known)
        deviation = _MAD_TO_SIGMA * _median(sorted(abs(extreme - middle) for extreme in known))
        recent = self._counted(self._tuning.blocks_recent)
        if 2 * len(recent) >= self._tuning.blocks_recent:
            middle = max(middle, _median(recent))
        self.level = math.exp(middle)
        self.spread = min(max(deviation, lowest), highest)
        self.extreme = self.level * math.exp(self.spread)

    def _counted(self, newest: int) -> list[float]:
        """The extremes that count among the newest blocks, in order: all, but for a share left out as events."""
        blocks = list(zip(self._extremes[-newest:], self._is_event[-newest:], strict=True)) if newest else []
        calm = [extreme for extreme, is_event in blocks if not is_event]
        events = sorted(extreme for extreme, is_event in blocks if is_event)
        left_out = int(self._tuning.events_left_out * len(blocks))
        return sorted(
            extreme for extreme in calm + events[: max(0, len(events) - left_out)] if _moved(extreme)
        )


def _moved(extreme: float) -> bool:
    return extreme > _NEVER_MOVED


def _median(in_order: Iterable[float]) -> float:
    values = list(in_order)
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2
