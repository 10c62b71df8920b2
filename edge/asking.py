"""Asking the server for the time, where nothing else tells it.

A receipt bears the server's time, and cannot have been made before what it covers was recorded, nor before the
connection over which it came live. So the wait between the two bounds how far that time may be off. A retained
receipt tells an old time, and is not believed.

Where nothing may be sent because nothing has its time, a note is: the question. It occupies a number, so it is
receipted like everything else.
"""

import structlog

from edge.outbox import Outbox, OutboxFull
from edge.timekeeper import Timekeeper
from waterquality.wire.messages import Receipt

_log = structlog.get_logger()
_ASKS_EVERY_MS = 60_000


class TimeAsker:
    """Asks and listens, for one uplink.

    Args:
        outbox: where the question goes.
        timekeeper: who wants to know.
    """

    def __init__(self, outbox: Outbox, timekeeper: Timekeeper) -> None:
        self._outbox, self._timekeeper = outbox, timekeeper
        self._connected_ms = 0
        self._asked: tuple[str, int, int] | None = None  # epoch, number, time since boot

    def now_ms(self) -> int:
        """Milliseconds since boot."""
        return self._timekeeper.read().boottime_ms

    def connected(self) -> None:
        """A connection begins."""
        self._connected_ms = self.now_ms()

    def ask(self) -> bool:
        """Ask, if nobody knows the time and no question is open that is young enough; returns whether it did."""
        now = self._timekeeper.read()
        if now.is_synchronised or self._is_open(now.boottime_ms):
            return False
        try:
            question = self._outbox.ask_time(now)
        except OutboxFull as error:
            _log.error("append_failed", detail=str(error))
            return False
        self._asked = (self._outbox.epoch, question.first, now.boottime_ms)
        return True

    def heard(self, receipt: Receipt, heard_ms: int) -> bool:
        """Hear a live receipt, before it is obeyed; returns whether the time is known now and was not before.

        Args:
            receipt: of this epoch.
            heard_ms: when it arrived, milliseconds since boot.
        """
        newest = self._outbox.newest_within(receipt.settled)
        now = self._timekeeper.read()
        if newest is None or now.boot_id != newest[0]:
            return False
        asked_ms = max(self._connected_ms, newest[1])
        return self._timekeeper.learn(receipt.server_ms, asked_ms=asked_ms, heard_ms=heard_ms)

    def _is_open(self, now_ms: int) -> bool:
        if self._asked is None:
            return False
        epoch, number, asked_ms = self._asked
        is_held = epoch == self._outbox.epoch and self._outbox.taken_at(number) is not None
        return is_held or now_ms - asked_ms < _ASKS_EVERY_MS
