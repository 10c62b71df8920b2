"""Taking in what came on a stick: through the broker, like any other batch, and the receipt back to the stick.

Only the ingest that holds a device's books may judge and book it; so a carried batch is handed to it over the
bus, on a topic of the server's own, and its receipt is awaited as the device would await it.
"""

import os
import queue
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from server.bus.mqtt import BrokerAddress, Bus
from waterquality import topics
from waterquality.errors import LinkError
from waterquality.intervals import IntervalSet
from waterquality.wire.carried import Carried, CarriedBatch, Owner, read_carried, receipt_file
from waterquality.wire.messages import Receipt, decode_receipt
from waterquality.wire.rejection import Malformed, Rejection

_WINDOW = 16
_REPEATS_AFTER_S = 5.0
_LOOK_S = 0.2
_ANSWER_S = 10.0
_MAX_BYTES = 512 * 1024 * 1024


class NoReceipt(LinkError):
    """Nobody took it in within reasonable time: ingest is not running, or its store is away. Mended by time."""


def files_of(path: Path) -> Sequence[Path]:
    """The files of batches at a path: itself, or those in a folder or on a stick."""
    return [path] if path.is_file() else sorted({*path.glob("*.batches"), *path.glob("tskaro/*.batches")})


def open_carried(file: Path) -> Carried:
    """Read a file of batches.

    Raises:
        Malformed: it is none; mended by nobody.
        OSError: it cannot be read; mended by the operator.
    """
    if file.stat().st_size > _MAX_BYTES:
        raise Malformed(Rejection.TOO_LARGE, f"larger than {_MAX_BYTES} bytes")
    with file.open("rb") as opened:
        return read_carried(opened)


def write_receipt(file: Path, owner: Owner, receipt: Receipt) -> Path:
    """Lay a receipt beside the file of batches, as a whole or not at all.

    Raises:
        OSError: the stick takes nothing; take the file in again with another; mended by the operator.
    """
    place = file.with_name(owner.receipt_name)
    new = place.with_suffix(".receipt-new")
    with new.open("wb") as writing:
        writing.write(receipt_file(owner, receipt))
        writing.flush()
        os.fsync(writing.fileno())
    new.replace(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return place


class HandIn:
    """Hands in what came on sticks: publishes batches and waits for their receipts.

    Args:
        broker: where ingest listens.
        client_id: of this visit.
        patience_s: how long nothing may be receipted before it is given up, in seconds.
    """

    def __init__(self, broker: BrokerAddress, *, client_id: str, patience_s: float = 60.0) -> None:
        self._heard: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._patience_s = patience_s
        self._bus = Bus(broker, client_id=client_id, subscriptions={topics.all_of("receipt"): self._hear})

    def __enter__(self) -> Self:
        self._bus.start()
        if not self._bus.wait_until_connected(_ANSWER_S):
            self._bus.stop()
            raise LinkError("the broker does not answer")
        return self

    def __exit__(self, *_: object) -> None:
        self._bus.stop()

    def take_in(self, carried: Carried, *, progress: Callable[[int], None] = lambda _: None) -> Receipt:
        """Hand in every batch of a file, and wait until all of it has a fate.

        Only live receipts count, and only for what was handed in: a retained one may speak of a database that has
        been put back since.

        Args:
            carried: what the file holds; at least one batch.
            progress: told how many batches have a fate.

        Returns:
            What the server holds of that epoch.

        Raises:
            NoReceipt: it is given up; hand it in again later, nothing was lost; mended by time.
        """
        waiting = list(carried.batches)
        sent_at_s: dict[int, float] = {}
        receipt: Receipt | None = None
        given_up_s = time.monotonic() + self._patience_s
        while waiting or receipt is None:
            for batch in waiting[:_WINDOW]:
                if (
                    time.monotonic() - sent_at_s.get(batch.envelope.first, -_REPEATS_AFTER_S)
                    >= _REPEATS_AFTER_S
                ):
                    sent_at_s[batch.envelope.first] = time.monotonic()
                    self._bus.publish(topics.carried(batch.topic), batch.payload, qos=1)
            receipt = self._next_receipt(carried.owner) or receipt
            settled = IntervalSet() if receipt is None else receipt.settled
            left = [each for each in waiting if not _has_fate(each, settled, sent_at_s)]
            if len(left) < len(waiting):
                given_up_s = time.monotonic() + self._patience_s
                progress(len(carried.batches) - len(left))
            waiting = left
            if waiting and time.monotonic() > given_up_s:
                raise NoReceipt("nobody gives a receipt: is ingest running, and does its store answer?")
        return receipt

    def _hear(self, topic: str, payload: bytes, is_retained: bool) -> None:  # noqa: FBT001 - the bus's form
        if not is_retained:  # it may speak of a database that has been put back since
            self._heard.put((topic, payload))

    def _next_receipt(self, owner: Owner) -> Receipt | None:
        """The next live receipt of that epoch, if one comes soon."""
        with suppress(queue.Empty):
            topic, payload = self._heard.get(timeout=_LOOK_S)
            if topic == topics.of_device(owner.device, "receipt"):
                with suppress(Malformed):
                    receipt = decode_receipt(payload)
                    return receipt if receipt.epoch == owner.epoch else None
        return None


def _has_fate(batch: CarriedBatch, settled: IntervalSet, sent_at_s: Mapping[int, float]) -> bool:
    return batch.envelope.first in sent_at_s and settled.covers(batch.envelope.first, batch.envelope.last)
