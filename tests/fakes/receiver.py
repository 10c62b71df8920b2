"""A server of the test: hears all that devices say to a real broker, and says only what the test tells it to."""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from paho.mqtt import client as mqtt

from waterquality import topics
from waterquality.intervals import IntervalSet
from waterquality.topics import Envelope
from waterquality.wire.decode import decode
from waterquality.wire.messages import Receipt, encode_receipt
from waterquality.wire.records import Record

_ANSWER_S = 10.0


@dataclass(frozen=True)
class Heard:
    """A message as it came."""

    topic: str
    payload: bytes
    is_retained: bool


class Receiver:
    """Connects on entering, leaves on leaving.

    Args:
        port: of the broker.
        subscription: what to listen to.
        credentials: user and password, where the broker asks for them.
    """

    def __init__(
        self, port: int, subscription: str = "tskaro/1/#", credentials: tuple[str, str] | None = None
    ) -> None:
        self._port, self._subscription = port, subscription
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        if credentials:
            self._client.username_pw_set(*credentials)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(self._subscription, qos=1)
        self._client.on_subscribe = lambda *_: self._is_listening.set()
        self._client.on_message = lambda _, __, each: self.heard.append(
            Heard(each.topic, bytes(each.payload), each.retain)
        )
        self._is_listening = threading.Event()
        self.heard: list[Heard] = []

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        assert self._is_listening.wait(_ANSWER_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish, and wait until the broker has it."""
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(_ANSWER_S)

    def say_receipt(
        self, device: str, epoch: str, through: int, *ranges: tuple[int, int], retain: bool = True
    ) -> None:
        """Tell a device what is settled."""
        payload = encode_receipt(Receipt(epoch, through, IntervalSet.of(ranges), server_ms=1_763_900_040_000))
        self.say(topics.of_device(device, "receipt"), payload, retain=retain)

    def envelopes(self, device: str) -> list[Envelope]:
        """The batches of a device, oldest first."""
        parsed = (topics.parse_readings(each.topic) for each in self.heard)
        return [envelope for envelope in parsed if envelope is not None and envelope.device == device]

    def spans(self, device: str) -> list[tuple[int, int]]:
        """The first and last number of each batch of a device, oldest first."""
        return [(envelope.first, envelope.last) for envelope in self.envelopes(device)]

    def records(self, device: str) -> Sequence[Record]:
        """Everything in a device's batches, repeats and all."""
        found: list[Record] = []
        for each in self.heard:
            envelope = topics.parse_readings(each.topic)
            if envelope is not None and envelope.device == device:
                batch = decode(each.payload, envelope)
                assert not batch.poisoned, batch.poisoned
                found += batch.records
        return found

    def states(self, device: str) -> list[str]:
        """What was said of a device's presence, oldest first."""
        topic = topics.of_device(device, "status")
        return [json.loads(each.payload)["state"] for each in self.heard if each.topic == topic]
