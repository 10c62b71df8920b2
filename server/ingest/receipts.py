"""Receipts, coalesced: at most a few a second for each device, always the newest book."""

from collections import Counter
from collections.abc import Callable, Mapping

from server.ingest.books import Key
from server.ingest.custody import Book
from waterquality import topics
from waterquality.wire.messages import encode_receipt

# topic, payload → whether it was handed to the connection
Publish = Callable[[str, bytes], bool]


class Receipts:
    """Tells devices what is settled.

    Args:
        publish: sends a retained message.
        every_s: the shortest time between two receipts to one device, in seconds.
    """

    def __init__(self, publish: Publish, every_s: float = 0.2) -> None:
        self._publish, self._every_s = publish, every_s
        self._owed: dict[str, tuple[str, Book]] = {}
        self._sent_at_s: dict[str, float] = {}
        self.counters: Counter[str] = Counter()

    def owe(self, books: Mapping[Key, Book]) -> None:
        """These books have changed, or their devices have asked again."""
        for (device, epoch), book in books.items():
            self._owed[device] = (epoch, book)

    def forget(self, of: Callable[[str], bool]) -> None:
        """Tell these devices nothing: they are another worker's now."""
        self._owed = {device: owed for device, owed in self._owed.items() if not of(device)}

    def flush(self, now_s: float, server_ms: int) -> float | None:
        """Send what may be sent now.

        Args:
            now_s: monotonic seconds.
            server_ms: the server's time, for the device's clock.

        Returns:
            Seconds until the next one may be sent; None when none is owed.
        """
        for device in [device for device in self._owed if self._wait_s(device, now_s) <= 0]:
            epoch, book = self._owed[device]
            payload = encode_receipt(book.receipt(epoch, server_ms))
            if self._publish(topics.of_device(device, "receipt"), payload):
                del self._owed[device]
                self.counters["receipts_sent"] += 1
            self._sent_at_s[device] = now_s
        return min((self._wait_s(device, now_s) for device in self._owed), default=None)

    def _wait_s(self, device: str, now_s: float) -> float:
        return self._sent_at_s.get(device, -self._every_s) + self._every_s - now_s
