"""The uplink: from the outbox to the broker, obeying receipts. The only module of the edge that imports paho.

MQTT acknowledgements carry no promise here: a record is forgotten when a *receipt* covers it, never before. A
fresh client for each connection, because paho would otherwise keep a queue of its own and send it again. Its
network thread dies on an exception in a callback: callbacks put into a queue and return.
"""

import random
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from edge.lanes import Lanes, SendingPolicy
from edge.outbox import Outbox
from edge.receiving import Receiving
from edge.settings import Deflate
from edge.timekeeper import Timekeeper
from edge.validity import mind_dates, refuse_expired
from waterquality import topics
from waterquality.wire import messages
from waterquality.wire.encode import Packed, encode

_log = structlog.get_logger()
_FIRST_BACKOFF_S = 1.0
_LONGEST_BACKOFF_S = 60.0
_CONNECT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and who we are to it.

    Attributes:
        host: name or address.
        port: TCP port.
        username: "" for none.
        password: "" for none.
        keepalive_s: seconds of silence after which either side asks.
        tls: None for plain TCP.
    """

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)
    keepalive_s: int = 60
    tls: ssl.SSLContext | None = None


class Uplink:
    """Publishes what the outbox holds and forgets what is receipted.

    Args:
        broker: where to.
        device: id of the device.
        outbox: what to send.
        policy: sizes and waits.
        deflate: which batches to compress.
        version: software version, for the status.
        timekeeper: asked for the time, and told it by receipts; None where somebody else sees to the time.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        device: str,
        outbox: Outbox,
        policy: SendingPolicy,
        deflate: Deflate = Deflate.NEVER,
        version: str = "",
        timekeeper: Timekeeper | None = None,
    ) -> None:
        self._broker, self._device, self._outbox, self._deflate = broker, device, outbox, deflate
        self._version, self._timekeeper = version, timekeeper
        self._epoch = ""
        self._lanes = Lanes(outbox, policy, random.random)
        self._client: paho.Client | None = None
        self._wake = threading.Event()
        self._is_up = threading.Event()
        self._is_answered = threading.Event()
        self._is_greeted = threading.Event()
        self._greeting = 0
        self._refusal = ""
        self.counters: Counter[str] = Counter()
        self._receiving = Receiving(outbox, self._lanes, timekeeper, self.counters)

    def nudge(self) -> None:
        """There is something new to send."""
        self._wake.set()

    @property
    def is_connected(self) -> bool:
        """Whether the broker has us on the line."""
        return self._is_up.is_set()

    def publish(self, channel: str, payload: bytes, *, retain: bool = False) -> None:
        """Say something beside the batches; dropped when there is no connection."""
        if self._client is not None and self.is_connected:
            self._client.publish(topics.of_device(self._device, channel), payload, qos=1, retain=retain)

    def run(self, stop: threading.Event) -> None:
        """Connect, send, and connect again, until `stop` is set; `nudge` afterwards to end the wait."""
        backoff_s = _FIRST_BACKOFF_S
        while not stop.is_set():
            try:
                self._connect()
                backoff_s = _FIRST_BACKOFF_S
                self._send_until_down(stop)
            except (OSError, ValueError) as error:
                self._log_trouble(error)
            except Exception:  # noqa: BLE001 - the one broad catch of this loop
                _log.exception("uplink_failed")
                self.counters["failed"] += 1
            finally:
                self._disconnect()
            if not stop.is_set():
                stop.wait(backoff_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
                backoff_s = min(backoff_s * 2, _LONGEST_BACKOFF_S)

    def _connect(self) -> None:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._device,
            clean_session=True,
            reconnect_on_failure=False,  # it would go on with its own queue, behind the back of the lanes
        )
        client.connect_timeout = _CONNECT_TIMEOUT_S
        if self._broker.username:
            client.username_pw_set(self._broker.username, self._broker.password)
        if self._broker.tls is not None:
            if self._timekeeper is not None:
                mind_dates(self._broker.tls, is_time_known=self._timekeeper.read().is_synchronised)
            client.tls_set_context(self._broker.tls)
        offline = messages.Status(messages.Presence.OFFLINE, self._version)
        client.will_set(self._topic("status"), messages.encode_status(offline), qos=1, retain=True)
        client.on_socket_open = self._on_socket_open
        client.on_publish = self._on_publish
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        self._client = client
        self._refusal = ""
        self._is_answered.clear()
        self._is_greeted.clear()
        client.connect(self._broker.host, self._broker.port, self._broker.keepalive_s)
        client.loop_start()
        self._is_answered.wait(_CONNECT_TIMEOUT_S)
        if not self.is_connected:
            raise ConnectionError(self._refusal or "the broker did not answer")
        self._is_greeted.wait(_CONNECT_TIMEOUT_S)
        self.counters["connected"] += 1
        _log.info("broker_connected", device=self._device)

    def _on_connect(self, client: paho.Client, _: object, __: object, code: object, ___: object) -> None:
        if code == 0:
            client.subscribe(self._topic("receipt"), qos=1)
            online = messages.Status(messages.Presence.ONLINE, self._version)
            said = client.publish(self._topic("status"), messages.encode_status(online), qos=1, retain=True)
            self._greeting = said.mid
            self._is_up.set()
        else:
            self._refusal = f"the broker refused us: {code}"
        self._is_answered.set()

    def _on_publish(self, _: paho.Client, __: object, mid: int, *___: object) -> None:
        """The broker has our greeting; so what it retained for us came before this."""
        if mid == self._greeting:
            self._is_greeted.set()

    def _on_socket_open(self, _: paho.Client, __: object, opened: object) -> None:
        _send_at_once(opened)
        if isinstance(opened, ssl.SSLSocket) and self._timekeeper is not None:
            refuse_expired(opened, self._timekeeper.earliest())

    def _on_disconnect(self, *_: object) -> None:
        self._is_up.clear()
        self._is_greeted.set()
        self._is_answered.set()
        self._wake.set()

    def _on_message(self, _: paho.Client, __: object, message: paho.MQTTMessage) -> None:
        if message.topic == self._topic("receipt"):
            self._receiving.put(bytes(message.payload), is_retained=message.retain)
        self._wake.set()

    def _send_until_down(self, stop: threading.Event) -> None:
        self._receiving.connected()
        self._lanes.reconnect()
        self._receiving.take_all()  # what was retained for us, before anything of this connection is on its way
        self._begin()
        while True:
            self._wake.clear()  # before looking: a word that comes while we look ends the next wait
            if stop.is_set() or not self.is_connected:
                return
            self._receiving.take_all()
            self._receiving.ask_time()
            self._send_all_due()
            self.counters["repeated"] = self._lanes.repeated
            due_s = self._lanes.next_due()
            self._wake.wait(None if due_s is None else max(0.0, due_s - time.monotonic()))

    def _begin(self) -> None:
        """Begin to send what this epoch holds."""
        self._epoch = self._outbox.epoch
        self._lanes.reconnect()
        self._outbox.expose()

    def _next_batch(self) -> Sequence[Packed]:
        """What goes next, all of one epoch."""
        while True:
            if self._outbox.epoch != self._epoch:
                self._begin()
            batch = self._lanes.next_batch(time.monotonic())
            if self._outbox.epoch == self._epoch:
                return batch

    def _send_all_due(self) -> None:
        assert self._client is not None
        while batch := self._next_batch():
            envelope = topics.Envelope(self._device, self._epoch, batch[0].first, batch[-1].last)
            deflate = self._deflate is Deflate.ALWAYS or (self._deflate is Deflate.BATCHES and len(batch) > 1)
            payload = encode(self._device, envelope.epoch, self._outbox.depth().held, batch, deflate=deflate)
            sent = self._client.publish(topics.readings(envelope), payload, qos=1)
            if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                message = f"publish failed: {sent.rc!r}"
                raise ConnectionError(message)
            self.counters["batches_sent"] += 1
            self.counters["records_sent"] += len(batch)
            self.counters["bytes_sent"] += len(payload)
            self._receiving.take_all()

    def _log_trouble(self, error: Exception) -> None:
        self.counters["connect_failed"] += 1
        _log.warning("broker_unreachable", device=self._device, detail=str(error))

    def _disconnect(self) -> None:
        self._outbox.conceal()
        client, self._client = self._client, None
        if client is None:
            return
        if self.is_connected:
            offline = messages.Status(messages.Presence.OFFLINE, self._version)
            said = client.publish(self._topic("status"), messages.encode_status(offline), qos=1, retain=True)
            with suppress(RuntimeError, ValueError):
                said.wait_for_publish(1.0)
        client.disconnect()
        client.loop_stop()
        self._is_up.clear()

    def _topic(self, channel: str) -> str:
        return topics.of_device(self._device, channel)


def _send_at_once(opened: object) -> None:
    """No waiting for more to send: with it, each small message costs up to 40 ms (Nagle against delayed ACK)."""
    if isinstance(opened, socket.socket):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
