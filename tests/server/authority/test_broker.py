"""Who gets in: a real Mosquitto that asks for certificates of the authority, as the guide sets it up."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from paho.mqtt import client as mqtt

from firmware_config.tls import client_context
from server.authority.signing import (
    Issued,
    Revoked,
    Signer,
    issue_to_broker,
    issue_to_device,
    new_signer,
    pem_of,
    revocation_list,
)
from tests.services.mosquitto import Mosquitto

pytestmark = pytest.mark.integration
NOW = datetime.now(UTC)
YEAR = timedelta(days=365)
DEVICE = "kk-0007"


@pytest.fixture
def signer() -> Signer:
    return new_signer(NOW, 20 * YEAR)


class Door:
    """A broker that lets in devices of one authority, in a folder of its own."""

    def __init__(self, folder: Path, signer: Signer) -> None:
        self.folder, self.signer = folder, signer
        broker = issue_to_broker(signer, ["127.0.0.1", "localhost"], NOW, YEAR)
        for name, content in {
            "ca.pem": pem_of(signer.certificate),
            "broker.pem": broker.certificate,
            "broker.key": broker.key,
        }.items():
            (folder / name).write_bytes(content)
        (folder / "acl").write_text("pattern readwrite tskaro/1/+/%u/#\n")
        self.revoke()
        self.mosquitto = Mosquitto(
            anonymous=False,
            settings=(
                f"cafile {folder}/ca.pem",
                f"certfile {folder}/broker.pem",
                f"keyfile {folder}/broker.key",
                f"crlfile {folder}/crl.pem",
                "require_certificate true",
                "use_identity_as_username true",
                "use_username_as_clientid true",
                f"acl_file {folder}/acl",
            ),
        )

    def revoke(self, *issued: Issued) -> None:
        taken = [Revoked(each.serial, NOW) for each in issued]
        (self.folder / "crl.pem").write_bytes(revocation_list(self.signer, taken, NOW))

    def lets_in(self, issued: Issued | None) -> bool:
        """Whether who shows this certificate is let in, and hears what it says under its own name."""
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
        client.tls_set_context(self._context(issued))
        heard, ended = Event(), Event()
        client.on_connect = lambda *_: client.subscribe(f"tskaro/1/0/{DEVICE}/#")
        client.on_subscribe = lambda *_: client.publish(f"tskaro/1/0/{DEVICE}/status", b"x", qos=1)
        client.on_message = lambda *_: (heard.set(), ended.set())
        client.on_disconnect = lambda *_: ended.set()
        try:
            client.connect("127.0.0.1", self.mosquitto.port)
        except (ssl.SSLError, ConnectionError):
            return False
        client.loop_start()
        ended.wait(10)
        client.disconnect()
        client.loop_stop()
        return heard.is_set()

    def _context(self, issued: Issued | None) -> ssl.SSLContext:
        if issued is None:
            return client_context(self.folder / "ca.pem", None, None)
        certificate, key = self.folder / f"{issued.serial}.pem", self.folder / f"{issued.serial}.key"
        certificate.write_bytes(issued.certificate)
        key.write_bytes(issued.key)
        return client_context(self.folder / "ca.pem", certificate, key)


@pytest.fixture
def door(tmp_path: Path, signer: Signer) -> Door:
    return Door(tmp_path, signer)


def test_a_device_with_its_certificate_gets_in_and_nobody_else(door: Door, signer: Signer) -> None:
    own = issue_to_device(signer, DEVICE, NOW, YEAR)
    of_another_authority = issue_to_device(new_signer(NOW, YEAR), DEVICE, NOW, timedelta(days=30))
    expired = issue_to_device(signer, DEVICE, NOW - timedelta(days=3), timedelta(days=1))
    for_a_broker = issue_to_broker(signer, [DEVICE], NOW, YEAR)
    with door.mosquitto:
        assert door.lets_in(own)
        assert not door.lets_in(None)
        assert not door.lets_in(of_another_authority)
        assert not door.lets_in(expired)
        assert not door.lets_in(for_a_broker)


def test_a_device_is_who_its_certificate_says_and_hears_nothing_of_another(
    door: Door, signer: Signer
) -> None:
    with door.mosquitto:
        assert not door.lets_in(issue_to_device(signer, "kk-0008", NOW, YEAR))


def test_a_revoked_device_is_refused_once_the_broker_has_read_the_list_again(
    door: Door, signer: Signer
) -> None:
    old, new = (issue_to_device(signer, DEVICE, NOW, YEAR) for _ in range(2))
    with door.mosquitto as broker:
        assert door.lets_in(old)
        door.revoke(old)
        broker.restart()
        assert not door.lets_in(old)
        assert door.lets_in(new)


def test_a_device_whose_broker_belongs_to_another_authority_does_not_trust_it(
    door: Door, signer: Signer
) -> None:
    own = issue_to_device(signer, DEVICE, NOW, YEAR)
    with door.mosquitto:
        (door.folder / "ca.pem").write_bytes(pem_of(new_signer(NOW, YEAR).certificate))
        assert not door.lets_in(own)
