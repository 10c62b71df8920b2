"""The drill's line to the broker: it publishes as a device does, and hears the receipts."""

import secrets
from collections.abc import Sequence
from typing import Self

from server.bus.mqtt import BrokerAddress, Bus
from server.registry.reserved import DRILL_DEVICE
from waterquality import topics
from waterquality.intervals import IntervalSet
from waterquality.readings import Observation
from waterquality.topics import Envelope
from waterquality.wire.encode import encode, pack
from waterquality.wire.messages import decode_receipt
from waterquality.wire.rejection import Malformed


class DrillLine:
    """Speaks as the reserved device, with the server's own account.

    Args:
        broker: where ingest listens.
        epoch: of this drill.
    """

    def __init__(self, broker: BrokerAddress, epoch: str) -> None:
        self._epoch = epoch
        self._settled = IntervalSet()
        receipts = topics.of_device(DRILL_DEVICE, "receipt")
        client_id = f"tskaro-drill-{secrets.token_hex(4)}"
        self._bus = Bus(broker, client_id=client_id, subscriptions={receipts: self._hear})

    def __enter__(self) -> Self:
        self._bus.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bus.stop()

    def wait_until_connected(self, seconds: float) -> bool:
        """Whether the broker has answered within so many seconds."""
        return self._bus.wait_until_connected(seconds)

    def say(self, observations: Sequence[Observation], seconds: float) -> bool:
        """Publish a batch, again or for the first time; returns whether the broker has acknowledged it."""
        first, last = observations[0].seq, observations[-1].seq
        payload = encode(DRILL_DEVICE, self._epoch, first, [pack(each) for each in observations])
        topic = topics.readings(Envelope(DRILL_DEVICE, self._epoch, first, last))
        return self._bus.hand_over(topic, payload, within_s=seconds)

    def has_receipt(self, seq: int) -> bool:
        """Whether the server has said that it holds this number of the drill."""
        return seq in self._settled

    def _hear(self, _: str, payload: bytes, __: bool) -> None:  # noqa: FBT001 - a taker's form
        try:
            receipt = decode_receipt(payload)
        except Malformed:
            return
        if receipt.epoch == self._epoch:
            self._settled = receipt.settled
