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
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType

import structlog
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from edge.batching import Batching
from edge.lanes import Lanes, SendingPolicy
from edge.metering import LineMeter
from edge.outbox import Outbox, OutboxFull
from edge.receiving import Receiving
from edge.timekeeper import Timekeeper
from edge.validity import mind_dates, refuse_expired
from edge.watchdog import Work
from waterquality import topics
from waterquality.wire import messages
from waterquality.wire.encode import Packed, encode

_log = structlog.get_logger()
_FIRST_BACKOFF_S = 1.0
_LONGEST_BACKOFF_S = 60.0
_CONNECT_TIMEOUT_S = 10.0
_BATCHES_A_ROUND = (
    32  # a backlog may drain for an hour: meanwhile the watchdog and a word to stop want to be seen
)
Heard = Callable[[bytes, bool], None]


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
        batching: what goes together, and compressed.
        version: software version, for the status.
        timekeeper: asked for the time, and told it by receipts; None where somebody else sees to the time.
        calibration: which certificates are in force, said at each connection and retained; b"" says nothing.
        carried: called now and then with the bytes that the line has carried since it was last called.
        heard: what else to subscribe to, by channel; called on the network thread with the payload and whether it
            was retained, must return at once and must not raise.
        connected: called on the network thread whenever the broker has us on the line; likewise.

    Attributes:
        counters: what was sent and what became of it.
        work: what it is at, for the watchdog.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        device: str,
        outbox: Outbox,
        policy: SendingPolicy,
        batching: Batching | None = None,
        version: str = "",
        timekeeper: Timekeeper | None = None,
        calibration: Callable[[], bytes] = lambda: b"",
        carried: Callable[[int], None] = lambda _: None,
        heard: Mapping[str, Heard] = MappingProxyType({}),
        connected: Callable[[], None] = lambda: None,
    ) -> None:
        self._broker, self._device, self._outbox, self._policy = broker, device, outbox, policy
        self._version, self._timekeeper, self._carried = version, timekeeper, carried
        self._heard, self._connected = (
            {self._topic(channel): taker for channel, taker in heard.items()},
            connected,
        )
        self._calibration = calibration
        self._epoch = ""
        self._lanes = Lanes(outbox, policy, random.random)
        self._batching = batching or Batching()
        self._meter = LineMeter()
        self._asked_s: float | None = None  # since when the broker owes us any answer
        self._client: paho.Client | None = None
        self._wake = threading.Event()
        self._is_up = threading.Event()
        self._is_answered = threading.Event()
        self._is_greeted = threading.Event()
        self._greeting = 0
        self._refusal = ""
        self.work = Work()
        self.counters: Counter[str] = Counter()
        self._receiving = Receiving(outbox, self._lanes, timekeeper, self.counters)

    def nudge(self, *, urgent: bool = False) -> None:
        """There is something new to send; what is urgent breaks the batch."""
        if urgent:
            self._batching.urge()
        self._wake.set()

    @property
    def is_connected(self) -> bool:
        """Whether the broker has us on the line."""
        return self._is_up.is_set()

    def publish(self, channel: str, payload: bytes, *, retain: bool = False) -> bool:
        """Say something beside the batches; false, and dropped, when there is no connection."""
        client = self._client
        if client is None or not self.is_connected:
            return False
        client.publish(topics.of_device(self._device, channel), payload, qos=1, retain=retain)
        return True

    def say_calibration(self) -> None:
        """Say which certificates are in force; at each connection, and when one changes."""
        payload = self._calibration()
        if payload:
            self.publish("calibration", payload, retain=True)

    def run(self, stop: threading.Event) -> None:
        """Connect, send, and connect again, until `stop` is set; `nudge` afterwards to end the wait."""
        backoff_s = _FIRST_BACKOFF_S
        while not stop.is_set():
            try:
                with self.work:
                    self._connect()
                backoff_s = _FIRST_BACKOFF_S
                self._send_until_down(stop)
            except (OSError, ValueError) as error:
                self._log_trouble(error)
            except OutboxFull as error:
                _log.error("receipt_not_kept", detail=str(error))
                self.counters["receipts_not_kept"] += 1
            except Exception:  # noqa: BLE001 - the one broad catch of this loop
                _log.exception("uplink_failed")
                self.counters["failed"] += 1
            finally:
                with self.work:
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
        client.on_socket_close = self._on_socket_close
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        self._client = client
        self._refusal = ""
        self._is_answered.clear()
        self._is_greeted.clear()
        client.connect(
            self._broker.host, self._broker.port, self._batching.keepalive_s(self._broker.keepalive_s)
        )
        client.loop_start()
        self._is_answered.wait(_CONNECT_TIMEOUT_S)
        if not self.is_connected:
            raise ConnectionError(self._refusal or "the broker did not answer")
        self._is_greeted.wait(_CONNECT_TIMEOUT_S)
        self.counters["connected"] += 1
        _log.info("broker_connected", device=self._device)

    def _on_socket_open(self, _: paho.Client, __: object, opened: object) -> None:
        """No waiting for more to send: it costs each small message up to 40 ms (Nagle against delayed ACK)."""
        if isinstance(opened, socket.socket):
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._meter.opened(opened)
        if isinstance(opened, ssl.SSLSocket) and self._timekeeper is not None:
            refuse_expired(opened, self._timekeeper.earliest())

    def _on_socket_close(self, *_: object) -> None:
        self._meter.closing()

    def _on_connect(self, client: paho.Client, _: object, __: object, code: object, ___: object) -> None:
        if code == 0:
            for topic in (self._topic("receipt"), *self._heard):
                client.subscribe(topic, qos=1)
            online = messages.Status(messages.Presence.ONLINE, self._version)
            said = client.publish(self._topic("status"), messages.encode_status(online), qos=1, retain=True)
            self._greeting = said.mid
            self._is_up.set()
            self._connected()
            self.say_calibration()
        else:
            self._refusal = f"the broker refused us: {code}"
        self._is_answered.set()

    def _on_publish(self, _: paho.Client, __: object, mid: int, *___: object) -> None:
        """The broker has our greeting; so what it retained for us came before this."""
        self._asked_s = None
        if mid == self._greeting:
            self._is_greeted.set()

    def _on_disconnect(self, *_: object) -> None:
        self._is_up.clear()
        self._is_greeted.set()
        self._is_answered.set()
        self._wake.set()

    def _on_message(self, _: paho.Client, __: object, message: paho.MQTTMessage) -> None:
        self._asked_s = None
        taker = self._heard.get(message.topic)
        if taker is not None:
            taker(bytes(message.payload), message.retain)
            return
        if message.topic == self._topic("receipt"):
            self._receiving.put(bytes(message.payload), is_retained=message.retain)
        self._wake.set()

    def _send_until_down(self, stop: threading.Event) -> None:
        self._receiving.connected()
        self._lanes.reconnect()
        self._batching.reconnect()
        self._asked_s = None
        self._receiving.take_all()  # what was retained for us, before anything of this connection is on its way
        self._begin()
        while True:
            self._wake.clear()  # before looking: a word that comes while we look ends the next wait
            if stop.is_set() or not self.is_connected:
                return
            with self.work:
                self._receiving.take_all()
                if self._receiving.ask_time():
                    self._batching.urge()
                self._send_all_due()
                self.counters["repeated"] = self._lanes.repeated
            self._carried(self._meter.take())
            self._wake.wait(self._wait_s(time.monotonic()))

    def _wait_s(self, now_s: float) -> float | None:
        """Until the next batch becomes overdue, or the one being gathered may go; None when there is neither."""
        dues = [self._lanes.next_due(), self._batching.opens_at() if self._lanes.has_news() else None]
        return min((max(0.0, due_s - now_s) for due_s in dues if due_s is not None), default=None)

    def _begin(self) -> None:
        """Begin to send what this epoch holds."""
        self._epoch = self._outbox.epoch
        self._lanes.reconnect()
        self._outbox.expose()

    def _next_batch(self, *, with_news: bool) -> Sequence[Packed]:
        """What goes next, all of one epoch."""
        while True:
            if self._outbox.epoch != self._epoch:
                self._begin()
            batch = self._lanes.next_batch(time.monotonic(), with_news=with_news)
            if self._outbox.epoch == self._epoch:
                return batch

    def _send_all_due(self) -> None:
        now_s = time.monotonic()
        with_news = self._batching.is_open(now_s) and self._lanes.has_news()
        if with_news:
            self._batching.begin(now_s)
        for _ in range(_BATCHES_A_ROUND):
            batch = self._next_batch(with_news=with_news)
            if not batch:
                return
            self._check_line()
            self._send(batch)
            self._receiving.take_all()
        self._wake.set()  # there may be more

    def _check_line(self) -> None:
        """The line is dead, and nobody told us, when the broker does not even acknowledge what we sent.

        The keep-alive would find out too, but it is slow so that it is cheap.
        """
        asked_s, deaf_s = self._asked_s, max(self._policy.repeat_after_s, self._policy.deaf_after_s)
        if asked_s is not None and time.monotonic() - asked_s > deaf_s:
            raise ConnectionError(f"nothing was heard on the line for {deaf_s:g} s after a batch")

    def _send(self, batch: Sequence[Packed]) -> None:
        assert self._client is not None
        envelope = topics.Envelope(self._device, self._epoch, batch[0].first, batch[-1].last)
        held, deflate = self._outbox.depth().held, self._batching.deflates(len(batch))
        payload = encode(self._device, envelope.epoch, held, batch, deflate=deflate)
        self._asked_s = self._asked_s or time.monotonic()
        sent = self._client.publish(topics.readings(envelope), payload, qos=1)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            message = f"publish failed: {sent.rc!r}"
            raise ConnectionError(message)
        self.counters["batches_sent"] += 1
        self.counters["records_sent"] += len(batch)
        self.counters["bytes_sent"] += len(payload)

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
        self._carried(self._meter.take())

    def _topic(self, channel: str) -> str:
        return topics.of_device(self._device, channel)
