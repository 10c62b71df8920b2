"""Obeying a receipt, however it came: over the line or on a stick."""

from dataclasses import dataclass
from enum import Enum, auto

from edge.outbox import Outbox
from waterquality.intervals import IntervalSet
from waterquality.wire.epochs import EpochWhy
from waterquality.wire.messages import Receipt


class Outcome(Enum):
    """What became of a receipt."""

    OBEYED = auto()
    OTHER_EPOCH = auto()  # not about what this outbox holds
    DENIED = auto()  # it speaks of what was never sent: this file is an old image, and a new epoch began


@dataclass(frozen=True, slots=True)
class Obeyed:
    """What became of a receipt, and how many records were forgotten."""

    outcome: Outcome
    forgotten: int = 0


def obey(outbox: Outbox, receipt: Receipt, *, sent: IntervalSet | None = None) -> Obeyed:
    """Forget what a receipt covers.

    Args:
        outbox: of the device that it was given to.
        receipt: as it came.
        sent: what was sent in this connection, if there is one.
    """
    if receipt.epoch != outbox.epoch:
        return Obeyed(Outcome.OTHER_EPOCH)
    if outbox.denies(receipt.settled, sent):
        outbox.begin_epoch(EpochWhy.RESTORED_IMAGE)
        return Obeyed(Outcome.DENIED)
    return Obeyed(Outcome.OBEYED, outbox.discard(receipt.settled, receipt_ms=receipt.server_ms))
