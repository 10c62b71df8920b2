"""The line between a device and its broker: it can be pulled out and plugged in, and counts what it carries."""

import socket
import threading
from collections import Counter
from contextlib import suppress
from typing import Self

_CHUNK = 65_536


class Cable:
    """Passes connections on to a port of this machine.

    Attributes:
        port: what the device is told to be the broker's.
        carried: bytes `up` (to what is behind it) and `down`, as the sockets gave them.
    """

    def __init__(self, behind: int) -> None:
        self._behind = behind
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.carried: Counter[str] = Counter()
        self._ends: set[socket.socket] = set()
        self._is_plugged = True
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.pull()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def pull(self) -> None:
        """Cut what is connected, and let nobody in."""
        with self._lock:
            self._is_plugged = False
            for end in self._ends:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            self._ends.clear()

    def plug(self) -> None:
        """Let everybody in again."""
        with self._lock:
            self._is_plugged = True

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._join(near)

    def _join(self, near: socket.socket) -> None:
        with self._lock:
            if not self._is_plugged:
                near.close()
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._behind))
            except OSError:
                near.close()
                return
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._ends |= {near, far}
        for source, sink, way in ((near, far, "up"), (far, near, "down")):
            threading.Thread(target=self._carry, args=(source, sink, way), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        with suppress(OSError):
            while chunk := source.recv(_CHUNK):
                sink.sendall(chunk)
                with self._lock:
                    self.carried[way] += len(chunk)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
