"""Custody: what became of every sequence number of one (device, epoch). Pure.

**Invariant**: a number is settled when it is stored, quarantined, in a gap, noted or missing, and never leaves
that. A receipt names what is settled and nothing else.
"""

from dataclasses import dataclass, replace

from waterquality.intervals import IntervalSet
from waterquality.wire.messages import Receipt

_NOTHING = IntervalSet()


@dataclass(frozen=True, slots=True)
class Book:
    """The fates of one (device, epoch), as sets of intervals.

    Attributes:
        stored: observations that are in the store.
        quarantined: what could not be read, kept with its bytes.
        gaps: what the device had to drop.
        noted: certificates and notes, kept in the database.
        missing: what the device no longer holds and we never got.
        held: the oldest number the device said that it still holds.
    """

    stored: IntervalSet = _NOTHING
    quarantined: IntervalSet = _NOTHING
    gaps: IntervalSet = _NOTHING
    noted: IntervalSet = _NOTHING
    missing: IntervalSet = _NOTHING
    held: int = 1

    @property
    def settled(self) -> IntervalSet:
        """Every number with a fate."""
        return self.received | self.missing

    @property
    def received(self) -> IntervalSet:
        """Every number that came, or whose dropping was told; one that was missing may still come."""
        sets = (self.stored, self.quarantined, self.gaps, self.noted)
        return IntervalSet.of(span for one in sets for span in one.spans)

    def receipt(self, epoch: str, server_ms: int) -> Receipt:
        """What to tell the device."""
        settled = self.settled
        through = settled.through()
        return Receipt(epoch, through, settled.above(through), server_ms)

    def told_held(self, held: int) -> "Book":
        """The device holds nothing below `held`: what has no fate below it is missing, and the mark moves on."""
        if held <= self.held:
            return self
        below = IntervalSet(((1, held - 1),))
        return replace(self, missing=self.missing | (below - self.settled), held=held)
