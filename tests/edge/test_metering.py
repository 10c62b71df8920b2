"""What the kernel says a connection has carried, against what was put into it."""

import socket
import ssl
from collections.abc import Iterator

import pytest

from edge.metering import LineMeter, carried_by
from tests.fakes.patience import eventually

Pair = tuple[socket.socket, socket.socket]
HEADERS = 52


@pytest.fixture
def pair() -> Iterator[Pair]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    yield near, far
    near.close()
    far.close()


def said(source: socket.socket, sink: socket.socket, count: int) -> None:
    source.sendall(b"x" * count)
    assert sink.recv(count, socket.MSG_WAITALL) == b"x" * count


def test_bytes_are_counted_to_the_letter_and_headers_by_the_segment(pair: Pair) -> None:
    near, far = pair
    opened = carried_by(near)
    assert opened % HEADERS == 0
    said(near, far, 1000)
    said(far, near, 333)

    eventually(lambda: (carried_by(near) - opened - 1333) % HEADERS == 0)
    assert 2 * HEADERS <= carried_by(near) - opened - 1333 <= 6 * HEADERS


def test_a_meter_adds_up_over_connections_and_counts_nothing_twice(pair: Pair) -> None:
    near, far = pair
    meter = LineMeter()
    assert meter.take() == 0
    meter.opened(near)
    said(near, far, 500)
    first = meter.take()
    said(near, far, 700)
    meter.closing()
    near.close()
    second = meter.take()

    assert 500 < first < 500 + 10 * HEADERS
    assert 700 < second < 700 + 10 * HEADERS
    assert meter.take() == 0


def test_a_connection_that_was_closed_under_its_hands_does_no_harm(pair: Pair) -> None:
    meter = LineMeter()
    meter.opened(pair[0])
    pair[0].close()

    assert meter.take() == 0


def test_a_connection_in_tls_is_counted_as_well(pair: Pair) -> None:
    wrapped = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_socket(
        pair[0], server_hostname="broker", do_handshake_on_connect=False
    )

    assert isinstance(wrapped, socket.socket)
    assert carried_by(wrapped) % HEADERS == 0
    wrapped.close()


def test_a_kernel_that_does_not_count_is_not_believed(monkeypatch: pytest.MonkeyPatch, pair: Pair) -> None:
    monkeypatch.setattr("edge.metering._INFO_BYTES", 104)

    with pytest.raises(OSError, match="does not count"):
        carried_by(pair[0])
