"""Custody: what became of every sequence number of one (device, epoch). Pure.

**Invariant**: a number is settled when it is stored, quarantined, in a gap, noted or missing, and never leaves
that. A receipt names what is settled and nothing else.
"""

from dataclasses import dataclass, replace
from functools import cached_property

from waterquality.intervals import IntervalSet
from waterquality.wire.messages import Receipt

_NOTHING = IntervalSet()


@dataclass(frozen=True)
class Book:
    """The fates of one (device, epoch), as sets of intervals.

    Attributes:
        stored: observations that are in the store.
        quarantined: what could not be read, kept with its bytes.
        gaps: what the device had to drop.
        noted: certificates and notes, kept in the database.
        missing: what the device no longer holds and we never got.
        held: the oldest number the device said that it still holds.
        through: everything from 1 to this number is settled; as of when it was last booked.
        head: the highest number that is settled; likewise.
        awaited_ms: since when the number above the mark waits for a fate while later ones have theirs, milliseconds
            since 1970, UTC; None while none does.
        missing_ms: when numbers were last booked as missing; None where there never were any.
        conflict_ms: when a number last came with other content; None where none ever did.
    """

    stored: IntervalSet = _NOTHING
    quarantined: IntervalSet = _NOTHING
    gaps: IntervalSet = _NOTHING
    noted: IntervalSet = _NOTHING
    missing: IntervalSet = _NOTHING
    held: int = 1
    through: int = 0
    head: int = 0
    awaited_ms: int | None = None
    missing_ms: int | None = None
    conflict_ms: int | None = None

    @cached_property
    def settled(self) -> IntervalSet:
        """Every number with a fate."""
        return self.received | self.missing

    @cached_property
    def received(self) -> IntervalSet:
        """Every number that came, or whose dropping was told; one that was missing may still come."""
        return self.stored | self.quarantined | self.gaps | self.noted

    def receipt(self, epoch: str, server_ms: int) -> Receipt:
        """What to tell the device."""
        settled = self.settled
        through = settled.through()
        return Receipt(epoch, through, settled.above(through), server_ms)

    def told_held(self, held: int) -> "Book":
        """The device holds nothing below `held`: what has no fate below it is missing, and the mark moves on."""
        if held <= self.held:
            return self
        if self.settled.through() >= held - 1:  # nearly always: it has forgotten what we hold
            return replace(self, held=held)
        below = IntervalSet(((1, held - 1),))
        return replace(self, missing=self.missing | (below - self.settled), held=held)

    def since(self, before: "Book", now_ms: int) -> "Book":
        """This book with the instants at which it came to differ from the one before.

        A number that waits is known by standing lowest: while the mark moves, nothing has waited for long.

        Args:
            before: as it was last booked.
            now_ms: the server's time.
        """
        settled = self.settled
        through, head = settled.through(), settled.spans[-1][1] if settled else 0
        is_same = before.awaited_ms is not None and before.through == through
        awaited_ms = None if through == head else before.awaited_ms if is_same else now_ms
        has_lost = bool(self.missing) and bool(self.missing - before.missing)
        missing_ms = (now_ms if has_lost else before.missing_ms) if self.missing else None
        return replace(self, through=through, head=head, awaited_ms=awaited_ms, missing_ms=missing_ms)
