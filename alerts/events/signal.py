"""One parameter: its newest value against what it was just before, in units of its own ordinary extremes."""

import math
from array import array
from bisect import bisect_left, insort
from collections.abc import Mapping
from types import MappingProxyType

from alerts.events.ordinary import Ordinary, Saved
from alerts.events.tuning import Tuning
from waterquality.parameters import Parameter

# The smallest change that is one, in the parameter's unit: about the last digit that its probes resolve.
LEAST_CHANGE: Mapping[str, float] = MappingProxyType(
    {Parameter.TURBIDITY: 0.002, Parameter.PH: 0.01, Parameter.FLOW: 0.1, Parameter.TEMPERATURE: 0.1}
)


class Signal:
    """The recent past of one parameter.

    The newest value (the median of the last three) is compared with the median of the 20 and of the 60 values
    before it: the short look sees steps, the long one ramps.

    Args:
        name: the parameter.
        tuning: the numbers.

    Attributes:
        has_learned: whether it knows its own normal.
        learned: how much of its normal it knows, from 0 to 1.
    """

    __slots__ = (
        "_in_order",
        "_last",
        "_least",
        "_past",
        "_seen_ms",
        "_tuning",
        "calm_ms",
        "changes",
        "has_learned",
        "learned",
        "name",
        "ordinaries",
        "reference",
        "strangeness",
        "value",
    )

    def __init__(self, name: str, tuning: Tuning) -> None:
        self.name, self._tuning = name, tuning
        self._least = LEAST_CHANGE.get(name, 0.0)
        self._last, self._past = array("d"), array("d")
        self._in_order: list[list[float]] = [[] for _ in tuning.windows]  # the newest of the past, sorted
        self._seen_ms = self.calm_ms = 0
        self.ordinaries = tuple(Ordinary(tuning) for _ in tuning.windows)
        self.value: float | None = None
        self.reference: float | None = None
        self.changes: tuple[float | None, ...] = ()
        self.strangeness = 0.0
        self._count_blocks()

    def look(self, value: float | None, at_ms: int) -> None:
        """Compare the newest value with those before it; None is no evidence of anything.

        Afterwards `value`, `reference`, `changes` and `strangeness` tell what was found; all empty when nothing
        can be said.
        """
        self.value, self.reference, self.changes, self.strangeness = None, None, (), 0.0
        if value is None or not math.isfinite(value):
            return
        if at_ms - self._seen_ms > self._tuning.longest_gap_s * 1000:
            self.forget()
        self._seen_ms = at_ms
        self._last.append(value)
        del self._last[: -self._tuning.smoothed]
        if len(self._last) == self._tuning.smoothed:
            self.value = sorted(self._last)[len(self._last) // 2]
            self._compare(self.value)
        if self.strangeness < 1:
            self.calm_ms = at_ms

    def accept(self) -> None:
        """The newest value belongs to the past that others are compared with."""
        if self.value is None:
            return
        for window, in_order in zip(self._tuning.windows, self._in_order, strict=True):
            if len(in_order) == window:
                del in_order[bisect_left(in_order, self._past[-window])]
            insort(in_order, self.value)
        self._past.append(self.value)
        del self._past[: -max(self._tuning.windows)]

    def learn(self, at_ms: int, *, is_event: bool = False) -> None:
        """The newest changes belong to its normal; those of an event only mark that there was one.

        An event is seen for some observations before it is confirmed: the mark keeps these out, too.
        """
        has_closed = False
        for change, ordinary in zip(self.changes, self.ordinaries, strict=False):
            if change is not None:
                counts = min(change, ordinary.level or change) if is_event else change
                has_closed |= ordinary.see(counts, at_ms, is_event=is_event)
        if has_closed:
            self._count_blocks()

    def forget(self) -> None:
        """Whatever its level was, it says nothing about what comes; its normal stays."""
        del self._past[:], self._last[:]
        for in_order in self._in_order:
            in_order.clear()
        self.changes = ()

    def save(self) -> Saved:
        """Everything, as JSON can hold it."""
        kept = [known.save() for known in self.ordinaries]
        return [list(self._last), list(self._past), self._seen_ms, self.calm_ms, kept]

    def restore(self, saved: Saved) -> None:
        """Become what was saved."""
        last, past, self._seen_ms, self.calm_ms, kept = saved
        self._last, self._past = array("d", last), array("d", past)
        for ordinary, of_it in zip(self.ordinaries, kept, strict=True):
            ordinary.restore(of_it)
        self._in_order = [sorted(self._past[-window:]) for window in self._tuning.windows]
        self._count_blocks()

    def _count_blocks(self) -> None:
        fewest = min(known.blocks for known in self.ordinaries)
        self.learned = min(1.0, fewest / self._tuning.blocks_to_learn)
        self.has_learned = self.learned >= 1.0

    def _compare(self, value: float) -> None:
        changes: list[float | None] = []
        for window, in_order, ordinary in zip(
            self._tuning.windows, self._in_order, self.ordinaries, strict=True
        ):
            if len(in_order) < window // 3:
                changes.append(None)
                continue
            reference = in_order[len(in_order) // 2]
            change = abs(value - reference)
            changes.append(change)
            strangeness = self._strangeness(change, ordinary)
            if self.reference is None or strangeness > self.strangeness:
                self.reference, self.strangeness = reference, strangeness
        self.changes = tuple(changes)

    def _strangeness(self, change: float, ordinary: Ordinary) -> float:
        """The change in ordinary extremes; 0 where nothing is known of them."""
        extreme = max(ordinary.extreme, self._least)
        return min(change / extreme, self._tuning.cap) if extreme > 0 else 0.0
