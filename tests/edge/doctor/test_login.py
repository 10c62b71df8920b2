"""The way to the broker, against a real one: each step that can fail is named."""

import socket
import ssl
import threading
from pathlib import Path

import pytest

from edge.doctor.findings import Finding, Severity
from edge.doctor.login import connect_packet, way_to
from edge.uplink import Broker
from tests.services.mosquitto import Mosquitto
from tests.services.service import free_port

DEVICE = "kk-0007"


def last(broker: Broker) -> Finding:
    *before, final = way_to(broker, DEVICE, patience_s=5.0)
    assert all(finding.severity in (Severity.WELL, Severity.LOOK) for finding in before)
    return final


def test_a_name_that_nobody_knows() -> None:
    found = last(Broker("broker.invalid", 8883))

    assert (found.what, found.severity) == ("network.name", Severity.BROKEN)


def test_a_port_where_nobody_listens() -> None:
    found = last(Broker("127.0.0.1", free_port()))

    assert (found.what, found.severity) == ("network.connection", Severity.BROKEN)


def test_something_that_is_no_broker() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            guest, _ = listener.accept()
            with guest:
                guest.recv(100)
                guest.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=greet, daemon=True).start()
        found = last(Broker("127.0.0.1", listener.getsockname()[1]))

    assert (found.what, found.severity) == ("broker.login", Severity.BROKEN)
    assert "no MQTT broker" in found.words.text


@pytest.mark.integration
def test_a_broker_that_lets_us_in(mosquitto: Mosquitto) -> None:
    found = list(way_to(Broker("127.0.0.1", mosquitto.port), DEVICE))

    assert [each.what for each in found] == [
        "network.connection",
        "broker.tls",
        "broker.login",
    ]
    assert [each.severity for each in found] == [Severity.WELL, Severity.LOOK, Severity.WELL]
    assert mosquitto.log.read_text().count("New client connected from") == 1


@pytest.mark.integration
def test_a_broker_that_does_not(tmp_path: Path) -> None:
    with Mosquitto(anonymous=False) as guarded:
        found = last(Broker("127.0.0.1", guarded.port, username=DEVICE, password="wrong"))

    assert (found.what, found.severity) == ("broker.login", Severity.BROKEN)
    assert "not allowed" in found.words.values["why"].text  # type: ignore[attr-defined]


@pytest.mark.integration
def test_a_broker_that_speaks_no_tls(mosquitto: Mosquitto) -> None:
    found = last(Broker("127.0.0.1", mosquitto.port, tls=ssl.create_default_context()))

    assert (found.what, found.severity) == ("broker.tls", Severity.BROKEN)


def test_a_connect_packet_is_that_of_the_standard() -> None:
    packet = connect_packet(Broker("h", 1, username="u", password="p" * 200), DEVICE)

    assert packet[:1] == b"\x10"
    assert packet[1:3] == bytes([(len(packet) - 3) % 128 | 0x80, (len(packet) - 3) // 128])
    assert packet[3:13] == b"\x00\x04MQTT\x04\xc2\x00\x0a"
    assert packet[13:22] == b"\x00\x07kk-0007"
