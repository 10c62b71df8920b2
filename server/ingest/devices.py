"""What devices say of themselves beside their readings: on the line or not, and how they are.

The network thread only queues; the ingest loop writes the newest word of each device, now and then.
"""

import queue
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, update

from server.database.engine import Database
from server.database.models import Device
from waterquality.readings import to_ms
from waterquality.topics import device_of
from waterquality.wire.messages import Presence, decode_health, decode_status
from waterquality.wire.rejection import Malformed

_CAPACITY = 10_000


class DeviceNews:
    """The newest status and health of every device, on their way into the registry."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._queue: queue.Queue[tuple[str, bytes, int]] = queue.Queue(_CAPACITY)
        self.counters: Counter[str] = Counter()

    def take(self, topic: str, payload: bytes, _is_retained: bool) -> None:  # noqa: FBT001 - the bus's form
        """Called on the network thread; a retained status is as good as a fresh one."""
        try:
            self._queue.put_nowait((topic, payload, to_ms(self._now())))
        except queue.Full:
            self.counters["dropped_queue_full"] += 1

    def write(self, database: Database, guard: Callable[[Connection], None] = lambda _: None) -> None:
        """Write what has come.

        Args:
            database: where to.
            guard: asked before the commit whether this process may still write.

        Raises:
            DatabaseUnavailable: what was taken is lost, the next word replaces it; mended by time.
        """
        news: dict[str, dict[str, object]] = {}
        while not self._queue.empty():
            topic, payload, at_ms = self._queue.get_nowait()
            try:
                news.setdefault(device_of(topic), {}).update(_columns(topic, payload, at_ms))
            except Malformed:
                self.counters["malformed"] += 1
        if news:
            with database.writing() as connection:
                for device, columns in news.items():
                    if columns:
                        connection.execute(update(Device).where(Device.id == device).values(**columns))
                guard(connection)


def _columns(topic: str, payload: bytes, at_ms: int) -> dict[str, object]:
    if topic.endswith("/status"):
        status = decode_status(payload)
        return {"is_online": status.state is Presence.ONLINE, "status_ms": at_ms}
    return {"health": asdict(decode_health(payload)), "health_ms": at_ms}
