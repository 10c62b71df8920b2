"""An MQTT broker inside this process, for a demo that needs nothing installed. Real deployments run Mosquitto."""

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

from amqtt.broker import Broker

_START_WITHIN_S = 15.0


class EmbeddedBroker:
    """amqtt on an event loop and a thread of its own; listens on this machine only."""

    def __init__(self) -> None:
        self.port = _free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="broker", daemon=True)
        self._broker: Broker | None = None

    def start(self) -> None:
        """Start listening; returns when clients may come."""
        logging.getLogger("amqtt").setLevel(logging.CRITICAL)  # it logs each parting client as an error
        logging.getLogger("transitions").setLevel(logging.CRITICAL)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(_START_WITHIN_S)

    def stop(self) -> None:
        """Stop listening and end the thread."""
        if self._broker is not None:
            asyncio.run_coroutine_threadsafe(self._broker.shutdown(), self._loop).result(_START_WITHIN_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_WITHIN_S)

    async def _start(self) -> None:
        self._broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            },
            loop=self._loop,
        )
        self._broker._subscriptions = _Calm()  # noqa: SLF001 - see there
        await self._broker.start()


class _Calm(dict[str, Any]):
    """A dict that may change while somebody goes through it.

    amqtt 0.12 walks its subscriptions with awaits on the way; a client that subscribes meanwhile would break
    off the session of the one that is walked for ("dictionary changed size during iteration").
    """

    def __iter__(self) -> Iterator[str]:
        return iter(list(super().keys()))

    def items(self) -> Any:
        return list(super().items())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
