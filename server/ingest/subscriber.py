"""Bytes into a bounded queue, and nothing else: this runs on the network thread.

A full queue drops and counts; the device still holds what was dropped and comes again.
"""

import queue
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from waterquality.readings import to_ms
from waterquality.topics import numbers_in


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as it came.

    Attributes:
        topic: MQTT topic.
        payload: its bytes.
        received_ms: when, by the server's clock, milliseconds since 1970, UTC.
    """

    topic: str
    payload: bytes
    received_ms: int


@dataclass(frozen=True, slots=True)
class Replayed(Arrival):
    """What lay in quarantine and is to be taken in again.

    Attributes:
        entry: its number there.
        first: lowest sequence number that it stands for.
        last: highest one.
    """

    entry: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Portion:
    """How much is enough for one round; whichever is reached first ends it.

    Attributes:
        messages: messages.
        payload_bytes: bytes of their payloads.
        numbers: sequence numbers that their topics name.
    """

    messages: int
    payload_bytes: int
    numbers: int


class Subscriber:
    """The bounded queue between the network and intake.

    Args:
        now: the server's clock.
        capacity: messages it holds at most.
    """

    def __init__(self, now: Callable[[], datetime], capacity: int = 10_000) -> None:
        self._now, self.capacity = now, capacity
        self._queue: queue.Queue[Arrival] = queue.Queue(capacity)
        self._listening_since: datetime | None = None
        self._lock = threading.Lock()
        self.counters: Counter[str] = Counter()

    def take(self, topic: str, payload: bytes, *, is_retained: bool) -> None:
        """Called on the network thread for each message."""
        if is_retained:  # a retained reading would be history stamped as new
            self.counters["retained_ignored"] += 1
            return
        try:
            self._queue.put_nowait(Arrival(topic, payload, to_ms(self._now())))
        except queue.Full:
            self.counters["dropped_queue_full"] += 1

    def drain(self, most: Portion, wait_s: float) -> Sequence[Arrival]:
        """What has arrived, oldest first, until that is enough; waits so many seconds for the first."""
        try:
            arrivals = [self._queue.get(timeout=wait_s)]
        except queue.Empty:
            return ()
        size, numbers = len(arrivals[0].payload), numbers_in(arrivals[0].topic)
        while len(arrivals) < most.messages and size < most.payload_bytes and numbers < most.numbers:
            try:
                arrivals.append(self._queue.get_nowait())
            except queue.Empty:
                break
            size += len(arrivals[-1].payload)
            numbers += numbers_in(arrivals[-1].topic)
        return arrivals

    @property
    def waiting(self) -> int:
        """How many messages wait."""
        return self._queue.qsize()

    def was_deaf(self) -> None:
        """What came could not be taken in: until now nobody was listening."""
        with self._lock:
            if self._listening_since is not None:
                self._listening_since = self._now()

    def is_connected(self, *, connected: bool) -> None:
        """The bus tells us whether it hears the broker."""
        with self._lock:
            if not connected:
                self._listening_since = None
            elif self._listening_since is None:
                self._listening_since = self._now()

    @property
    def hears(self) -> bool:
        """Whether we hear the broker."""
        return self._listening_since is not None

    def listening_since(self) -> datetime | None:
        """Since when we have heard the broker without a break, with nothing left unread; None while we do not."""
        with self._lock:
            return self._listening_since if self._queue.empty() else None
