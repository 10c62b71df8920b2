"""A fleet of devices on one connection, for measuring the intake: `benchmarks.ingest` runs it as its own process.

It speaks just enough MQTT 3.1.1 itself, so that the load costs little beside what is measured. It keeps the
devices' side of custody: each device has at most a few batches without a receipt, and sends again what got none.
Is not: an agent; there is no outbox and no clock, and the observations are made before the time runs.
"""

import argparse
import json
import socket
import statistics
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from waterquality import topics
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading, by_parameter
from waterquality.wire.encode import Packed, encode, pack
from waterquality.wire.messages import decode_receipt

EPOCH = "9f1c2a7e"
_STEP_MS = 100
_WINDOW = 4
_REPEAT_AFTER_S = 5.0
_GIVE_UP_S = 60.0
_PUBLISH_QOS1, _SUBSCRIBE, _CONNECT = 0x32, 0x82, 0x10
_AT_ONCE = 64


def device_id(number: int) -> str:
    """The id of one of the fleet, from 0."""
    return f"kk-{number + 1:05}"


@dataclass(slots=True)
class _Device:
    name: str
    waiting: deque[tuple[int, bytes]]  # last number inside, packet
    flying: dict[int, tuple[float, float, bytes]] = field(
        default_factory=dict
    )  # by last: began, sent, packet


class Line:
    """One connection to the broker."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._left = b""
        self.send(_packet(_CONNECT, b"\x00\x04MQTT\x04\x02\x00\x00" + _text("fleet")))
        self.send(_packet(_SUBSCRIBE, b"\x00\x01" + _text(topics.all_of("receipt")) + b"\x00"))

    def send(self, data: bytes) -> None:
        """Send it all."""
        self._socket.settimeout(None)
        self._socket.sendall(data)

    def receipts(self, wait_s: float) -> Iterator[tuple[str, bytes]]:
        """Topics and payloads that have come; waits so many seconds for the first."""
        self._socket.settimeout(max(wait_s, 0.0001))
        try:
            self._left += self._socket.recv(1 << 18)
        except TimeoutError:
            return
        while (packet := _take_packet(self._left)) is not None:
            kind, body, self._left = packet
            if kind >> 4 == 3:
                length = int.from_bytes(body[:2], "big")
                yield body[2 : 2 + length].decode(), body[2 + length :]


def _take_packet(data: bytes) -> tuple[int, bytes, bytes] | None:
    length, at = 0, 1
    while at < len(data):
        length |= (data[at] & 0x7F) << 7 * (at - 1)
        at += 1
        if not data[at - 1] & 0x80:
            return (
                (data[0], data[at : at + length], data[at + length :]) if len(data) >= at + length else None
            )
    return None


def _packet(kind: int, body: bytes) -> bytes:
    length, size = len(body), b""
    while True:
        length, digit = length >> 7, length & 0x7F
        size += bytes([digit | 0x80 if length else digit])
        if not length:
            return bytes([kind]) + size + body


def _text(words: str) -> bytes:
    return len(words).to_bytes(2, "big") + words.encode()


def observations(device: str, count: int, end_ms: int) -> list[Packed]:
    """Ordinary observations of three parameters, the last one taken now."""
    return [
        pack(
            Observation(
                device,
                EPOCH,
                seq,
                end_ms - (count - seq) * _STEP_MS,
                by_parameter(
                    Reading(Parameter.TURBIDITY, 0.31 + seq % 7 / 100, raw=0.0093),
                    Reading(Parameter.PH, 7.42, raw=1.4255),
                    Reading(Parameter.FLOW, 10.98, raw=110.0, raw_unit="count"),
                ),
            )
        )
        for seq in range(1, count + 1)
    ]


def _load(number: int, count: int, per_message: int, end_ms: int) -> _Device:
    device = device_id(number)
    records = observations(device, count, end_ms)
    waiting: deque[tuple[int, bytes]] = deque()
    for at in range(0, len(records), per_message):
        part = records[at : at + per_message]
        envelope = topics.Envelope(device, EPOCH, part[0].first, part[-1].last)
        # Encoded before it is known what will be receipted: to say that more is held than is harms nothing.
        payload = encode(device, EPOCH, 1, part, deflate=per_message > 1)
        head = _text(topics.readings(envelope)) + (len(waiting) % 65_535 + 1).to_bytes(2, "big")
        waiting.append((part[-1].last, _packet(_PUBLISH_QOS1, head + payload)))
    return _Device(device, waiting)


class Fleet:
    """All devices, and how they fared."""

    def __init__(self, line: Line, devices: Sequence[_Device], rate: float) -> None:
        self._line, self._rate = line, rate
        self._devices = {device.name: device for device in devices}
        self._ready = deque(self._devices.values())
        self.latencies: list[float] = []
        self.repeated = 0

    def run(self) -> float:
        """Send everything until everything is receipted; returns the seconds it took."""
        began = heard = time.perf_counter()
        sent = 0
        looked = began
        while any_left := (self._ready or any(device.flying for device in self._devices.values())):
            now = time.perf_counter()
            allowed = _AT_ONCE if not self._rate else min(_AT_ONCE, int((now - began) * self._rate) - sent)
            sent += self._send(now, allowed)
            for topic, payload in self._line.receipts(0.0 if self._ready and allowed > 0 else 0.002):
                heard = time.perf_counter()
                self._settle(topics.device_of(topic), decode_receipt(payload).through, heard)
            if now - looked > 1.0:
                looked = now
                self._repeat(now)
            if now - heard > _GIVE_UP_S:
                break
        del any_left
        return time.perf_counter() - began

    def _send(self, now: float, at_most: int) -> int:
        packets = []
        while self._ready and len(packets) < at_most:
            device = self._ready.popleft()
            last, packet = device.waiting.popleft()
            device.flying[last] = (now, now, packet)
            packets.append(packet)
            if device.waiting and len(device.flying) < _WINDOW:
                self._ready.append(device)
        if packets:
            self._line.send(b"".join(packets))
        return len(packets)

    def _settle(self, name: str, through: int, now: float) -> None:
        device = self._devices[name]
        was_full = len(device.flying) >= _WINDOW
        for last in [last for last in device.flying if last <= through]:
            self.latencies.append(now - device.flying.pop(last)[0])
        if was_full and device.waiting and len(device.flying) < _WINDOW:
            self._ready.append(device)

    def _repeat(self, now: float) -> None:
        for device in self._devices.values():
            for last, (began, sent, packet) in device.flying.items():
                if now - sent > _REPEAT_AFTER_S:
                    device.flying[last] = (began, now, packet)
                    self._line.send(packet)
                    self.repeated += 1


def main() -> None:
    """Send, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--devices", type=int, required=True)
    parser.add_argument("--each", type=int, required=True, help="observations of each device")
    parser.add_argument("--per-message", type=int, required=True)
    parser.add_argument("--rate", type=float, default=0.0, help="messages a second; 0 is as fast as it goes")
    options = parser.parse_args()
    end_ms = time.time_ns() // 1_000_000 + 2_000
    devices = [_load(number, options.each, options.per_message, end_ms) for number in range(options.devices)]
    line = Line(options.port)
    print("ready", flush=True)
    input()
    fleet, cpu_s = Fleet(line, devices, options.rate), time.process_time()
    seconds = fleet.run()
    print(
        json.dumps(
            {
                "seconds": seconds,
                "cpu_s": time.process_time() - cpu_s,
                "receipted_messages": len(fleet.latencies),
                "repeated": fleet.repeated,
                "p50_latency_s": statistics.median(fleet.latencies or [float("nan")]),
                "p99_latency_s": statistics.quantiles(fleet.latencies, n=100)[98],
            }
        )
    )


if __name__ == "__main__":
    main()
