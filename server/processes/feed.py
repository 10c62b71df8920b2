"""From the bus to the screens."""

from server.bus.live import ALL_NEWS, read_news
from server.bus.mqtt import BrokerAddress, Bus
from server.processes.surroundings import client_id
from server.web.live import LiveEvent, LiveHub


class LiveFeed:
    """From the bus to the screens: passes live news on to the hub."""

    def __init__(self, broker: BrokerAddress, hub: LiveHub) -> None:
        self.hub = hub
        self.bus = Bus(broker, client_id=client_id("web"), subscriptions={ALL_NEWS: self._take})

    def start(self) -> None:
        """Start; returns at once."""
        self.bus.start()

    def stop(self) -> None:
        """Leave the broker."""
        self.bus.stop()

    def _take(self, _topic: str, payload: bytes, is_retained: bool) -> None:  # noqa: FBT001 - the bus's form
        news = None if is_retained else read_news(payload)
        if news is not None:
            self.hub.publish(LiveEvent(*news))
