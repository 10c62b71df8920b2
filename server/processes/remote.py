"""Configurations, commands and updates, beside the ingest of the same devices."""

from server.bus.mqtt import Bus
from server.ingest.shards import Shards
from server.processes.listening import follow
from server.processes.surroundings import Running, Surroundings, client_id
from server.remote.courier import Courier
from waterquality.topics import all_of, of_shard


class Remote:
    """Carries configurations, commands and updates to devices, and their answers back.

    Args:
        around: what it stands in.
        shards: whose devices it serves: those of the ingest in the same process.
    """

    def __init__(self, around: Surroundings, shards: Shards) -> None:
        self.courier = Courier(around.database, self._publish, around.clock, shards.is_ours)
        self.bus = Bus(
            around.broker,
            client_id=client_id("remote"),
            subscriptions={},
            takers={all_of(name): around.gate.guard(self.courier.take) for name in self.courier.channels},
            connected=lambda is_up: self.courier.is_connected(connected=is_up),
        )
        shards.tells(self._follow)
        self._running = Running()

    def start(self) -> None:
        """Start; returns at once."""
        self.bus.start()
        self._running.start("remote", self.courier.run)

    def stop(self) -> None:
        """Stop, and leave the broker."""
        self._running.stop()
        self.bus.stop()

    def _follow(self, lost: frozenset[str], gained: frozenset[str]) -> None:
        follow(self.bus, lambda each: [of_shard(each, name) for name in self.courier.channels], lost, gained)
        self.courier.is_connected(connected=bool(gained))  # another courier may have left something undone

    def _publish(self, topic: str, payload: bytes, is_retained: bool) -> bool:  # noqa: FBT001 - the courier's form
        return self.bus.publish(topic, payload, qos=1, retain=is_retained)
