"""The one place on the server that imports paho: subscribe, publish, and come back after every break.

What is published while the broker is away is dropped and counted: receipts and live news are repeatable by
design, and a queue here would be one more place to lose things from. A callback only passes on.
"""

import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import structlog
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

_log = structlog.get_logger()
_LONGEST_BACKOFF_S = 30
# Called on the network thread with topic, payload and whether it was retained; must not block and must not raise.
Taker = Callable[[str, bytes, bool], None]


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is and who the server is to it."""

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)
    tls: ssl.SSLContext | None = None


class Bus:
    """A connection to the broker that mends itself.

    Args:
        broker: where to.
        client_id: must differ between processes.
        subscriptions: takers by topic filter.
        takers: takers by topic filter for what `follow` will subscribe to.
        qos: of the subscriptions; 0 where whoever sends comes again by himself.
        connected: told whenever the connection comes (True) or goes (False).
    """

    def __init__(
        self,
        broker: BrokerAddress,
        *,
        client_id: str,
        subscriptions: Mapping[str, Taker],
        takers: Mapping[str, Taker] | None = None,
        qos: int = 1,
        connected: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._broker, self._qos, self._connected = broker, qos, connected
        self._followed = frozenset(subscriptions)
        self._following = threading.Lock()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True)
        self._client.reconnect_delay_set(min_delay=1, max_delay=_LONGEST_BACKOFF_S)
        self._client.max_inflight_messages_set(1000)
        if broker.username:
            self._client.username_pw_set(broker.username, broker.password)
        if broker.tls is not None:
            self._client.tls_set_context(broker.tls)
        self._client.on_socket_open = _send_at_once
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        for topic, taker in {**subscriptions, **(takers or {})}.items():
            self._client.message_callback_add(topic, _guarded(taker))
        self._is_up = threading.Event()
        self._is_unreachable = False
        self.counters: Counter[str] = Counter()

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._client.connect_async(self._broker.host, self._broker.port, keepalive=30)
        self._client.loop_start()

    @property
    def is_connected(self) -> bool:
        """Whether the broker has us on the line."""
        return self._is_up.is_set()

    def wait_until_connected(self, seconds: float) -> bool:
        """Whether the broker has answered within so many seconds."""
        return self._is_up.wait(seconds)

    def follow(self, topics: Collection[str]) -> None:
        """Subscribe to these too, now and whenever the connection comes back."""
        with self._following:
            self._followed |= set(topics)
            if topics and self._is_up.is_set():
                self._client.subscribe([(topic, self._qos) for topic in sorted(topics)])

    def leave(self, topics: Collection[str]) -> None:
        """Subscribe to these no more."""
        with self._following:
            self._followed -= set(topics)
            if topics and self._is_up.is_set():
                self._client.unsubscribe(sorted(topics))

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> bool:
        """Publish now or not at all; returns whether it was handed to the connection."""
        if not self._is_up.is_set():
            self.counters["dropped_offline"] += 1
            return False
        self._client.publish(topic, payload, qos=qos, retain=retain)
        return True

    def hand_over(self, topic: str, payload: bytes, *, within_s: float) -> bool:
        """Publish at QoS 1; returns whether the broker has acknowledged it within so many seconds."""
        if not self._is_up.is_set():
            self.counters["dropped_offline"] += 1
            return False
        sent = self._client.publish(topic, payload, qos=1)
        try:
            sent.wait_for_publish(within_s)
        except (RuntimeError, ValueError):  # lost on the way, or too many wait already
            return False
        return sent.is_published()

    def stop(self) -> None:
        """Disconnect and end the network thread."""
        self._client.disconnect()
        self._client.loop_stop()
        self._is_up.clear()

    def _on_connect(self, client: paho.Client, _: object, __: object, code: object, ___: object) -> None:
        self._is_unreachable = False
        if code != 0:
            _log.error("broker_refused", detail=str(code))
            return
        with self._following:
            if self._followed:
                client.subscribe([(topic, self._qos) for topic in sorted(self._followed)])
            self._is_up.set()
        self._connected(True)  # noqa: FBT003 - the callback's only argument
        _log.info("broker_connected")

    def _on_connect_fail(self, *_: object) -> None:
        if not self._is_unreachable:  # once for each time it is away
            _log.warning(
                "broker_unreachable", detail=f"nobody answers at {self._broker.host}:{self._broker.port}"
            )
        self._is_unreachable = True

    def _on_disconnect(self, *_: object) -> None:
        was_up = self._is_up.is_set()
        self._is_up.clear()
        self._connected(False)  # noqa: FBT003 - the callback's only argument
        if was_up:
            _log.warning("broker_lost")


def _send_at_once(_: paho.Client, __: object, opened: object) -> None:
    """No waiting for more to send: with it, each small message costs up to 40 ms (Nagle against delayed ACK)."""
    if isinstance(opened, socket.socket):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _guarded(taker: Taker) -> Callable[[paho.Client, object, paho.MQTTMessage], None]:
    def take(_: paho.Client, __: object, message: paho.MQTTMessage) -> None:
        try:
            taker(message.topic, bytes(message.payload), message.retain)
        except Exception:  # noqa: BLE001 - the one broad catch of this loop
            _log.exception("message_not_taken", topic=message.topic)

    return take
