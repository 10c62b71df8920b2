"""What a connection has cost so far, as the kernel counts it (TCP_INFO of Linux).

Exact: the bytes that TCP carried both ways, TLS and its handshake, repeats after a loss, and MQTT's own headers,
acknowledgements and keep-alive included. Estimated: the headers of TCP and IP, as the number of segments times
the usual size. Not seen: DNS, and what a connection says after it was closed (a segment or two).
"""

import socket
import struct
import threading

_INFO_BYTES = 256
_RECEIVED_AT = 128  # offsets into struct tcp_info, linux/tcp.h: tcpi_bytes_received, _segs_out, _segs_in,
_SEGMENTS_AT = 136  # and tcpi_bytes_sent, which counts repeats (Linux 4.19)
_SENT_AT = 200
_TCP_BYTES = 20 + 12  # with the timestamp option that Linux asks for
_IP_BYTES = {socket.AF_INET: 20, socket.AF_INET6: 40}


def carried_by(connection: socket.socket) -> int:
    """Bytes that a connection has carried both ways since it was opened, headers of TCP and IP estimated.

    Raises:
        OSError: it is closed, or the kernel does not count.
    """
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    if len(info) < _SENT_AT + 8:
        raise OSError("this kernel does not count what a connection carries")
    (received,) = struct.unpack_from("=Q", info, _RECEIVED_AT)
    segments = sum(struct.unpack_from("=II", info, _SEGMENTS_AT))
    (sent,) = struct.unpack_from("=Q", info, _SENT_AT)
    headers = segments * (_TCP_BYTES + _IP_BYTES.get(connection.family, 20))
    return int(received + sent + headers)


class LineMeter:
    """Adds up what one connection after the other carries. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._read = self._owed = 0

    def opened(self, connection: socket.socket) -> None:
        """This connection counts from now on, from its beginning."""
        with self._lock:
            self._connection, self._read = connection, 0

    def closing(self) -> None:
        """The connection is about to be closed: its last reading."""
        with self._lock:
            self._look()
            self._connection = None

    def take(self) -> int:
        """Bytes carried since this was last asked."""
        with self._lock:
            self._look()
            owed, self._owed = self._owed, 0
            return owed

    def _look(self) -> None:
        if self._connection is None:
            return
        try:
            carried = carried_by(self._connection)
        except OSError:  # closed under our hands; what it carried last is not known
            return
        self._owed += carried - self._read
        self._read = carried
