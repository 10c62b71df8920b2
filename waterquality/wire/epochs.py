"""What a device tells of an epoch that ended: the detail of the note `epoch_begun`.

So the books of the old epoch can be closed: every number of it came under another number, or is lost and said so.
"""

import json
from dataclasses import dataclass, field
from enum import StrEnum

from waterquality.intervals import IntervalSet
from waterquality.readings import EPOCH
from waterquality.wire.rejection import Malformed, Rejection

_MAX_SPANS = 400  # a text on the wire has an end; what does not fit is booked as missing, and may still come
_MAX_HEAD = 10**18


class EpochWhy(StrEnum):
    """Why an epoch ended. A closed list."""

    DAMAGED = "damaged"
    OTHER_MACHINE = "other_machine"
    RESTORED_IMAGE = "restored_image"
    CLOCK_WAS_AHEAD = "clock_was_ahead"


@dataclass(frozen=True, slots=True)
class EpochEnded:
    """How an epoch ended.

    Attributes:
        epoch: its id; "" where a damaged file does not show it.
        head: the highest number given out, as far as is known.
        why: what happened.
        moved: numbers whose records came along, under new numbers.
        gaps: numbers that were a gap already, whether or not the server had been told.
    """

    epoch: str
    head: int
    why: EpochWhy
    moved: IntervalSet = field(default_factory=IntervalSet)
    gaps: IntervalSet = field(default_factory=IntervalSet)


def text_of(ended: EpochEnded) -> str:
    """The detail of the note."""
    return json.dumps(
        {
            "epoch": ended.epoch,
            "head": ended.head,
            "why": ended.why,
            "moved": ended.moved.spans[:_MAX_SPANS],
            "gaps": ended.gaps.spans[:_MAX_SPANS],
        },
        separators=(",", ":"),
    )


def read_ended(text: str) -> EpochEnded:
    """Read the detail of a note.

    Raises:
        Malformed: it says nothing that could be booked; mended by nobody.
    """
    try:
        told = json.loads(text)
        ended = EpochEnded(
            str(told["epoch"]),
            int(told["head"]),
            EpochWhy(told["why"]),
            *map(_set_of, (told["moved"], told["gaps"])),
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise Malformed(Rejection.WRONG_TYPE, f"no end of an epoch: {error}") from error
    numbers = ended.moved | ended.gaps
    is_inside = not numbers or (numbers.spans[0][0] >= 1 and numbers.spans[-1][1] <= ended.head)
    if not (0 <= ended.head <= _MAX_HEAD and is_inside and (not ended.epoch or EPOCH.fullmatch(ended.epoch))):
        raise Malformed(Rejection.WRONG_TYPE, "no end of an epoch: bad id or numbers")
    return ended


def _set_of(spans: object) -> IntervalSet:
    if not isinstance(spans, list):
        raise TypeError(spans)
    return IntervalSet.of((int(first), int(last)) for first, last in spans)
