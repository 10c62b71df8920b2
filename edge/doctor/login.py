"""The way to the broker, a step at a time, so that the finding names the step: name, connection, handshake, login.

The login is one CONNECT packet of MQTT 3.1.1 (OASIS, §3.1 and §3.2), written out here so that no client library
decides what is told of its failure. It uses the device's own id and so takes the place of a running agent,
which then connects
anew: ask the agent instead where one runs.
"""

import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import suppress

from edge.doctor.findings import Finding, Severity, well
from edge.uplink import Broker
from firmware_config.catalogues import Phrase, said

_PATIENCE_S = 10.0
_CLEAN, _WITH_USER, _WITH_PASSWORD = 0x02, 0x80, 0x40
_CONNACK = b"\x20\x02"
_REFUSALS = {
    1: said("it speaks another version of MQTT"),
    2: said("it does not accept this device id"),
    3: said("it is not ready"),
    4: said("user or password is wrong"),
    5: said("this device is not allowed"),
}


def way_to(broker: Broker, device: str, *, patience_s: float = _PATIENCE_S) -> Iterator[Finding]:
    """Every step up to the first that fails.

    Args:
        broker: where to.
        device: id of the device.
        patience_s: how long to wait at each step, in seconds.
    """
    try:
        addresses = socket.getaddrinfo(broker.host, broker.port, type=socket.SOCK_STREAM)
    except OSError as error:
        yield Finding(
            "network.name",
            Severity.BROKEN,
            said("The name %(host)s is not found (%(why)s).", host=broker.host, why=error.strerror or error),
            said("No network, or a wrong name: look at the cable, the SIM's balance, Wi-Fi, and mqtt.host."),
        )
        return
    if addresses[0][4][0] != broker.host:
        yield well(
            "network.name", said("%(host)s is %(address)s.", host=broker.host, address=addresses[0][4][0])
        )
    yield from _connected(broker, device, patience_s)


def _connected(broker: Broker, device: str, patience_s: float) -> Iterator[Finding]:
    try:
        plain = socket.create_connection((broker.host, broker.port), patience_s)
    except OSError as error:
        yield Finding(
            "network.connection",
            Severity.BROKEN,
            said(
                "Nobody answers at %(host)s port %(port)d (%(why)s).",
                host=broker.host,
                port=broker.port,
                why=error.strerror or error,
            ),
            said("The server is down, or a firewall or the SIM's operator blocks the port; check mqtt.port."),
        )
        return
    with plain:
        yield well("network.connection", said("Port %(port)d is open.", port=broker.port))
        yield from _greeted(plain, broker, device)


def _greeted(plain: socket.socket, broker: Broker, device: str) -> Iterator[Finding]:
    if broker.tls is None:
        yield Finding(
            "broker.tls",
            Severity.LOOK,
            said("The device speaks in the clear: everybody on the way can read and forge it."),
            said("Give it certificates: [mqtt.tls] in edge.toml."),
        )
        yield _logged_in(plain, broker, device)
        return
    try:
        secure = broker.tls.wrap_socket(plain, server_hostname=broker.host)
    except (OSError, ssl.SSLError) as error:
        yield Finding("broker.tls", Severity.BROKEN, *_handshake(error))
        return
    with secure:
        yield well("broker.tls", said("The connection is secret (%(version)s).", version=secure.version()))
        yield _logged_in(secure, broker, device)


def _handshake(error: OSError) -> tuple[Phrase, Phrase]:
    words = said("The broker and the device do not trust each other (%(why)s).", why=_reason(error))
    if isinstance(error, ssl.SSLCertVerificationError):
        return words, said("Check the clock first; then mqtt.tls.ca, mqtt.host and the broker's certificate.")
    return words, said("Check the device's certificate and key; was it revoked? Does the port speak TLS?")


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return getattr(error, "reason", None) or error.strerror or str(error)


def _logged_in(line: socket.socket, broker: Broker, device: str) -> Finding:
    try:
        line.sendall(connect_packet(broker, device))
        answer = line.recv(4)
    except (OSError, ssl.SSLError) as error:  # TLS 1.3 tells only now that our certificate was not taken
        return Finding("broker.login", Severity.BROKEN, *_handshake(error))
    if answer[:2] != _CONNACK or len(answer) < 4:  # noqa: PLR2004 - the length of a CONNACK
        words = said("What answers there is no MQTT broker.")
        return Finding("broker.login", Severity.BROKEN, words, said("Check mqtt.host and mqtt.port."))
    if answer[3]:
        why = _REFUSALS.get(answer[3], said("code %(code)d", code=answer[3]))
        return Finding(
            "broker.login",
            Severity.BROKEN,
            said("The broker does not let %(device)s in: %(why)s.", device=device, why=why),
            said(
                "Register the device on the server; check its certificate, or mqtt.username and the password."
            ),
        )
    with suppress(OSError):
        line.sendall(b"\xe0\x00")  # DISCONNECT
    return well("broker.login", said("The broker lets %(device)s in.", device=device))


def connect_packet(broker: Broker, device: str) -> bytes:
    """A CONNECT with a clean session and no will."""
    flags = _CLEAN | (_WITH_USER if broker.username else 0) | (_WITH_PASSWORD if broker.password else 0)
    fields = [device, *filter(None, (broker.username, broker.password))]
    body = _field("MQTT") + struct.pack(">BBH", 4, flags, 10) + b"".join(map(_field, fields))
    return b"\x10" + _length(len(body)) + body


def _field(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">H", len(data)) + data


def _length(count: int) -> bytes:
    encoded = bytearray()
    while True:
        count, low = divmod(count, 128)
        encoded.append(low | (0x80 if count else 0))
        if not count:
            return bytes(encoded)
