"""The plate: which epoch an outbox file is of and how far it had come, in a small file beside it.

A power cut may leave the outbox empty, or so damaged that it shows nothing. Without its epoch nobody could tell the
server what ended, and the server would wait for numbers that nobody has. The plate is read only then.

It says `head` once in `EVERY` numbers, so that it costs the card next to nothing: what it says is a floor, and of
the newest numbers that were never sent up to `EVERY` less one may go untold. A plate that cannot be written stops
nothing; it is tried again with the next record.
"""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from edge.outbox.table import PLATE, checksum
from firmware_config.whole_file import replace_file
from waterquality.readings import EPOCH
from waterquality.wire.epochs import EpochEnded, EpochWhy

EVERY: Final = 60


@dataclass(frozen=True, slots=True)
class Plate:
    """What the plate says.

    Attributes:
        epoch: eight hex digits; "" where there is no plate, or none that makes sense.
        head: a number that was given out, and not far below the highest.
    """

    epoch: str = ""
    head: int = 0

    def is_behind(self, epoch: str, head: int) -> bool:
        """Whether it should say something newer."""
        return self.epoch != epoch or head >= self.head + EVERY

    def ended(self) -> EpochEnded:
        """How its epoch ended, where this is all that is known of it."""
        return EpochEnded(self.epoch, self.head, EpochWhy.DAMAGED)


def plate_of(path: Path) -> Path:
    """Where the plate of an outbox file is."""
    return path.with_name(path.name + PLATE)


def read_plate(path: Path) -> Plate:
    """The plate of an outbox file; an empty one where there is none, or where it makes no sense."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        summed, _, text = plate_of(path).read_text(encoding="ascii").partition(" ")
        told = Plate(**json.loads(text))
        if int(summed, 16) == checksum(text) and EPOCH.fullmatch(told.epoch):
            return told
    return Plate()


def hang(path: Path, plate: Plate) -> None:
    """Put this plate beside an outbox file, if the disk takes it."""
    text = json.dumps(asdict(plate), separators=(",", ":"))
    with suppress(OSError):
        replace_file(plate_of(path), f"{checksum(text):08x} {text}".encode())
