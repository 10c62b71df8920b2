"""Receiving: receipts come in on the network thread, and are obeyed on the uplink's own.

A live receipt also tells the time, where nobody else does.
"""

import queue
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

import structlog

from edge.asking import TimeAsker
from edge.lanes import Lanes
from edge.obeying import Outcome, obey
from edge.outbox import Outbox
from edge.timekeeper import Timekeeper
from waterquality.wire.messages import Receipt, decode_receipt
from waterquality.wire.rejection import Malformed

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A receipt as it came, and the time since boot (ms) at which it did."""

    payload: bytes
    is_retained: bool
    heard_ms: int


class Receiving:
    """Obeys the receipts of one uplink.

    Args:
        outbox: what is forgotten.
        lanes: what is on its way.
        timekeeper: who is told the time; None where somebody else sees to that.
        counters: of the uplink.
    """

    def __init__(
        self, outbox: Outbox, lanes: Lanes, timekeeper: Timekeeper | None, counters: Counter[str]
    ) -> None:
        self._outbox, self._lanes, self._timekeeper, self.counters = outbox, lanes, timekeeper, counters
        self._asker = None if timekeeper is None else TimeAsker(outbox, timekeeper)
        self._arrived: queue.SimpleQueue[_Arrived] = queue.SimpleQueue()

    def put(self, payload: bytes, *, is_retained: bool) -> None:
        """Called on the network thread: a receipt came."""
        heard_ms = 0 if self._asker is None else self._asker.now_ms()
        self._arrived.put(_Arrived(payload, is_retained, heard_ms))

    def connected(self) -> None:
        """A connection begins."""
        if self._asker is not None:
            self._asker.connected()

    def ask_time(self) -> bool:
        """Ask the server for the time, if nobody knows it; returns whether it was asked now."""
        return self._asker is not None and self._asker.ask()

    def take_all(self) -> None:
        """Obey what has come; where a receipt is denied, a new epoch has begun."""
        with suppress(queue.Empty):
            while True:
                self._take(self._arrived.get_nowait())

    def _take(self, arrived: _Arrived) -> None:
        try:
            receipt = decode_receipt(arrived.payload)
        except Malformed as error:
            self.counters["receipts_malformed"] += 1
            _log.warning("receipt_malformed", detail=str(error))
            return
        if not arrived.is_retained:
            self._hear_time(receipt, arrived.heard_ms)
        head = self._outbox.head
        obeyed = obey(self._outbox, receipt, sent=self._lanes.sent)
        if obeyed.outcome is Outcome.DENIED:
            _log.error("receipt_beyond_head", head=head)
        elif obeyed.outcome is Outcome.OBEYED:
            self.counters["receipted"] += obeyed.forgotten
            self._lanes.settle(receipt.settled)

    def _hear_time(self, receipt: Receipt, heard_ms: int) -> None:
        """What waited for the time gets its own."""
        if self._asker is None or self._timekeeper is None or receipt.epoch != self._outbox.epoch:
            return
        if self._asker.heard(receipt, heard_ms):
            corrected = self._outbox.synchronise(self._timekeeper.read())
            _log.info("times_corrected", records=corrected)
