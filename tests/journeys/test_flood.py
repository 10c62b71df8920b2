"""A device that floods the broker does not delay the others, on a real Mosquitto and a real ingest."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.fakes.patience import eventually
from tests.fakes.world import World
from waterquality.topics import Envelope, readings

pytestmark = pytest.mark.integration
HONEST, FLOODING = "kk-0001", "kk-0002"
_AT_ONCE, _LASTS_S, _LARGE = 200, 40.0, 100_000


def _text(words: str) -> bytes:
    return len(words).to_bytes(2, "big") + words.encode()


def _publish(topic: str, payload: bytes) -> bytes:
    """A PUBLISH of QoS 0: the broker acknowledges nothing, so nothing holds the flood up."""
    body = _text(topic) + payload
    length, size = len(body), b""
    while True:
        length, digit = length >> 7, length & 0x7F
        size += bytes([digit | 0x80 if length else digit])
        if not length:
            return b"\x30" + size + body


class Flood:
    """Messages of one device, as many as the broker takes, for a few seconds."""

    def __init__(self, port: int, payload: bytes) -> None:
        self._port, self._stop = port, threading.Event()
        self._packets = b"".join(
            _publish(readings(Envelope(FLOODING, "9f1c2a7e", seq, seq)), payload)
            for seq in range(1, _AT_ONCE + 1)
        )
        self.sent = 0
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def goes_on(self) -> bool:
        """Whether there is more to come."""
        return self._thread.is_alive()

    def _run(self) -> None:
        ends_s = time.monotonic() + _LASTS_S
        with socket.create_connection(("127.0.0.1", self._port)) as line:
            line.settimeout(_LASTS_S)
            hello = b"\x00\x04MQTT\x04\x02\x00\x3c" + _text(FLOODING)
            line.sendall(bytes([0x10, len(hello)]) + hello)
            while not self._stop.is_set() and time.monotonic() < ends_s:
                line.sendall(self._packets)
                self.sent += _AT_ONCE

    @contextmanager
    def running(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join(_LASTS_S + 10)


@pytest.mark.parametrize(
    "payload",
    [b'[{"bn":"kk-0002/","bt":1763900040,"n":"seq","v":1}]', b"x" * 200_000],
    ids=["small ones", "large ones"],
)
def test_a_device_that_floods_the_broker_does_not_delay_the_others(world: World, payload: bytes) -> None:
    world.register({HONEST: "algeti", FLOODING: "kosalari"})
    server, honest = world.server(), world.device(HONEST, every_s=0.2)
    world.start(server, honest)
    eventually(lambda: honest.depth().records <= 1 and len(honest.witnessed()) > 5)

    flood, held = Flood(world.broker.port, payload), []
    with flood.running():
        eventually(lambda: "device_over_allowance" in server.log.read_text())
        if len(payload) < _LARGE:
            eventually(lambda: "flood_detoured" in server.log.read_text())
        eventually(lambda: honest.depth().records <= 2)  # what was on its way when it was noticed has passed
        while flood.goes_on and len(held) < 60:
            held.append(honest.depth().records)
            time.sleep(0.05)

    assert len(held) > 20
    assert sorted(held)[len(held) * 9 // 10] <= 5  # nine times out of ten not a second's worth is unreceipted
    assert flood.sent * len(payload) > 4_000_000
    world.assert_all_is_kept(honest)
