"""Somebody on the broker's line who says exactly what a test wants said, right or wrong."""

import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

_CONNECT, _PUBLISH, _PUBACK, _SUBSCRIBE, _SUBACK, _PING, _PONG = 0x10, 0x30, 0x40, 0x82, 0x90, 0xC0, 0xD0


@dataclass(frozen=True, slots=True)
class Heard:
    """A packet from the broker: its first byte, and the rest."""

    kind: int
    body: bytes

    @property
    def topic(self) -> str:
        """The topic of a message."""
        return self.body[2 : 2 + int.from_bytes(self.body[:2], "big")].decode()


class Line:
    """A connection that has just been opened; nothing was said yet.

    Args:
        port: of the broker, on the loopback.
        tls: None speaks in the clear.
        within_s: longest wait for anything.
    """

    def __init__(self, port: int, tls: ssl.SSLContext | None = None, within_s: float = 10.0) -> None:
        self._unread: list[Heard] = []
        plain = socket.create_connection(("127.0.0.1", port), timeout=within_s)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = plain
        if tls is not None:
            try:
                self._socket = tls.wrap_socket(plain, server_hostname="localhost")
            except BaseException:
                plain.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up without a word."""
        with suppress(OSError):
            self._socket.close()

    def connect(self, client: str, username: str = "", password: str = "", *, keepalive_s: int = 60) -> int:
        """Begin a clean session; returns the broker's answer, 0 for yes.

        Raises:
            OSError: it hung up.
        """
        flags = 0x02 | (0xC0 if username else 0)
        said = b"\0\4MQTT\4" + bytes([flags]) + keepalive_s.to_bytes(2, "big") + _text(client)
        self._send(_CONNECT, said + (_text(username) + _text(password) if username else b""))
        return self.hear().body[1]

    def subscribe(self, *filters: str) -> None:
        """Subscribe at QoS 0, and wait for the answer."""
        self._send(_SUBSCRIBE, b"\0\1" + b"".join(_text(each) + b"\0" for each in filters))
        self._await(_SUBACK)

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Say something."""
        number = b"\0\7" if qos else b""
        self._send(_PUBLISH | qos << 1 | retain, _text(topic) + number + payload)

    def said(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Say something, and wait until the broker has it, or says so."""
        self.publish(topic, payload, retain=retain)
        self._await(_PUBACK)

    def messages(self) -> list[Heard]:
        """All messages that have come until the broker answers a question that is put to it now."""
        self._send(_PING, b"")
        self._await(_PONG)
        read, self._unread = self._unread, []
        return read

    def is_alive(self) -> bool:
        """Whether the broker still answers."""
        try:
            self._send(_PING, b"")
            self._await(_PONG)
        except OSError:
            return False
        return True

    def hear(self) -> Heard:
        """The next packet.

        Raises:
            OSError: it hung up, or nothing came in time.
        """
        kind, size, shift = self._read(1)[0], 0, 0
        while True:
            byte = self._read(1)[0]
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return Heard(kind, self._read(size))

    def _await(self, kind: int) -> None:
        while (heard := self.hear()).kind != kind:
            self._unread.append(heard)

    def _read(self, size: int) -> bytes:
        read = b""
        while len(read) < size:
            more = self._socket.recv(size - len(read))
            if not more:
                raise ConnectionResetError("the broker hung up")
            read += more
        return read

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def _send(self, kind: int, body: bytes) -> None:
        self.send_raw(bytes([kind]) + _length(len(body)) + body)


def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(2, "big") + raw


def _length(size: int) -> bytes:
    said = b""
    while True:
        size, low = size >> 7, size & 127
        said += bytes([low | (128 if size else 0)])
        if not size:
            return said
