"""Carrying an outbox to a stick, for places without any network; and obeying the receipt that it brings back.

**Invariants**
* Nothing is forgotten before a receipt: carrying changes nothing in the outbox but the mark that it was shown.
* The stick holds the old file or the new one, never half of one: written beside it, fsynced, renamed.
* The agent may run meanwhile. Both use the same file, and each sees what the other did.
"""

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from edge.obeying import Outcome, obey
from edge.outbox import Outbox
from firmware_config.catalogues import Phrase, said
from waterquality import topics
from waterquality.errors import LinkError
from waterquality.wire.carried import (
    FOLDER,
    Owner,
    batch_line,
    closing_line,
    opening_line,
    read_receipt_file,
)
from waterquality.wire.encode import Packed, encode
from waterquality.wire.rejection import Malformed

_BATCH_RECORDS = 200


class StickUnusable(LinkError):
    """The stick takes or gives nothing now; what is on the device stays there. Mended by another stick, or room."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What the receipt on a stick brought.

    Attributes:
        found: whether there was one for this device.
        forgotten: records that the device could forget.
        trouble: why it was not obeyed; None when it was, or there was none.
    """

    found: bool = False
    forgotten: int = 0
    trouble: Phrase | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """What was written.

    Attributes:
        file: on the stick; None where there was nothing to carry.
        records: how many.
        size_bytes: of the file.
        held: records that the outbox holds.
    """

    file: Path | None
    records: int
    size_bytes: int
    held: int


def settle(outbox: Outbox, stick: Path, device: str) -> Settled:
    """Obey the receipt that the stick brings back for this outbox.

    Raises:
        StickUnusable: the stick cannot be read; mended by another one.
    """
    file = stick / FOLDER / Owner(device, outbox.epoch).receipt_name
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return Settled()
    except OSError as error:
        raise StickUnusable(f"{file}: {error.strerror}") from error
    try:
        owner, receipt = read_receipt_file(content)
    except Malformed:
        return Settled(found=True, trouble=said("it is damaged; take the stick to the server again"))
    if owner.device != device:
        return Settled(found=True, trouble=said("it is for %(device)s", device=owner.device))
    obeyed = obey(outbox, receipt)
    if obeyed.outcome is Outcome.DENIED:
        return Settled(
            found=True,
            trouble=said(
                "it speaks of records that this device never gave out, so this card is an old image;"
                " a new epoch begins, with all that it holds"
            ),
        )
    return Settled(found=True, forgotten=obeyed.forgotten)


def carry(
    outbox: Outbox, stick: Path, device: str, *, carried: Callable[[int], None] = lambda _: None
) -> Load:
    """Write all that may be sent to a stick.

    Args:
        outbox: what is carried.
        stick: where it is mounted.
        device: id of the device.
        carried: told how many records were written, now and then.

    Raises:
        StickUnusable: the stick is full, or cannot be written; mended by another one.
    """
    outbox.expose()
    outbox.conceal()  # the mark stays
    owner = Owner(device, outbox.epoch)
    folder = stick / FOLDER
    file = folder / owner.batches_name
    try:
        folder.mkdir(exist_ok=True)
        records = _write(outbox, owner, file.with_suffix(".new"), carried)
        if records:
            file.with_suffix(".new").replace(file)
        else:
            file.with_suffix(".new").unlink()
            file.unlink(missing_ok=True)  # all of it was receipted
        _sync_folder(folder)
        size_bytes = file.stat().st_size if records else 0
    except OSError as error:
        file.with_suffix(".new").unlink(missing_ok=True)
        raise StickUnusable(f"{stick}: {error.strerror or error}") from error
    return Load(file if records else None, records, size_bytes, outbox.depth().records)


def _write(outbox: Outbox, owner: Owner, file: Path, carried: Callable[[int], None]) -> int:
    records = batches = 0
    with file.open("wb") as writing:
        writing.write(opening_line(owner))
        for batch in _batches(outbox):
            envelope = topics.Envelope(owner.device, owner.epoch, batch[0].first, batch[-1].last)
            payload = encode(owner.device, owner.epoch, outbox.depth().held, batch, deflate=True)
            writing.write(batch_line(topics.readings(envelope), payload))
            records, batches = records + len(batch), batches + 1
            carried(records)
        writing.write(closing_line(batches))
        writing.flush()
        os.fsync(writing.fileno())
    return records


def _batches(outbox: Outbox) -> Iterator[Sequence[Packed]]:
    """Everything that may be sent, oldest first, in unbroken runs."""
    after = 0
    while rows := outbox.after(after, _BATCH_RECORDS):
        breaks = (
            place for place, (one, other) in enumerate(pairwise(rows), 1) if other.first != one.last + 1
        )
        batch = rows[: next(breaks, len(rows))]
        yield batch
        after = batch[-1].last


def _sync_folder(folder: Path) -> None:
    """The name is on the stick too, not only the content."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that has no such thing
            raise
    finally:
        os.close(opened)
