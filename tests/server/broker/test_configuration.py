"""The generated configuration on a real Mosquitto: who gets in, what may be said, how much, and who suffers."""

import ast
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge import remote
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
from server.broker.configuration import (
    MAX_PACKET_BYTES,
    Doors,
    device_acl,
    mosquitto_conf,
    password_line,
    server_acl,
)
from server.remote import courier, owed
from tests.fakes.mqtt_line import Line
from tests.fakes.programs import ROOT
from tests.services.guarded import GuardedMosquitto
from tests.services.service import free_port
from waterquality.topics import CHANNELS, LIVE_ROOT, Direction, Envelope, all_of, of_device, readings
from waterquality.wire.decode import MAX_PAYLOAD_BYTES

pytestmark = pytest.mark.integration
NOW = datetime.now(UTC)
YEAR = timedelta(days=365)
DEVICE, OTHER = "kk-0007", "kk-0008"
PASSWORD = "a password"
BATCH = readings(Envelope(DEVICE, "9f1c2a7e", 1, 5))


class Gatehouse:
    """A broker of its own authority, and whoever knocks at its doors."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.signer = folder, new_signer(NOW, 20 * YEAR)
        self.doors = Doors(folder=folder, listen="127.0.0.1", port=free_port(), server_port=free_port())
        own = issue_to_broker(self.signer, ["localhost"], NOW, YEAR)
        texts = {
            "tskaro.conf": mosquitto_conf(self.doors),
            "devices.acl": device_acl(),
            "server.acl": server_acl("tskaro"),
            "server.passwd": password_line("tskaro", PASSWORD, b"salt of salt"),
            "ca.pem": pem_of(self.signer.certificate).decode(),
            "broker.pem": own.certificate.decode(),
            "broker.key": own.key.decode(),
        }
        for name, text in texts.items():
            (folder / name).write_text(text)
        self.revoke()
        self.broker = GuardedMosquitto(folder, self.doors.server_port)

    def revoke(self, *issued: Issued) -> None:
        taken = [Revoked(each.serial, NOW) for each in issued]
        (self.folder / "crl.pem").write_bytes(revocation_list(self.signer, taken, datetime.now(UTC)))

    def issue(self, device: str, signer: Signer | None = None, begins: datetime = NOW) -> Issued:
        lasts = timedelta(days=1) if begins < NOW else timedelta(days=30)
        return issue_to_device(signer or self.signer, device, begins, lasts)

    def tls(self, issued: Issued | None) -> ssl.SSLContext:
        if issued is None:
            return client_context(self.folder / "ca.pem", None, None)
        certificate, key = self.folder / f"{issued.serial}.pem", self.folder / f"{issued.serial}.key"
        certificate.write_bytes(issued.certificate)
        key.write_bytes(issued.key)
        return client_context(self.folder / "ca.pem", certificate, key)

    def knock(self, issued: Issued | None, client: str = DEVICE) -> Line:
        """Connect as a device.

        Raises:
            OSError: it was not let in.
        """
        line = Line(self.doors.port, self.tls(issued))
        try:
            assert line.connect(client) == 0
            line.subscribe(
                of_device(DEVICE, "receipt")
            )  # with TLS 1.3 a refusal comes only after the first word
        except OSError:
            line.close()
            raise
        return line

    def is_let_in(self, issued: Issued | None) -> bool:
        try:
            self.knock(issued).close()
        except OSError:
            return False
        return True

    def server(self) -> Line:
        line = Line(self.doors.server_port)
        assert line.connect("tskaro-test", "tskaro", PASSWORD) == 0
        return line


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Gatehouse]:
    house = Gatehouse(tmp_path)
    with house.broker:
        yield house


def topics_heard(line: Line) -> list[str]:
    return [heard.topic for heard in line.messages()]


# What is generated


def test_every_channel_in_use_is_in_the_table_of_topics_and_in_both_access_lists() -> None:
    literals = {
        word
        for package in ("edge", "server")
        for file in (ROOT / package).rglob("*.py")
        for word in said(file)
    }
    used = literals | set(courier._WRITERS) | set(remote._CHANNELS) | {owed.CONFIG, owed.UPDATE, "command"}

    assert used == set(CHANNELS)
    for channel, way in CHANNELS.items():
        below = "/+/+" if channel == "readings" else ""
        verb, other = ("write", "read") if way is Direction.UP else ("read", "write")
        assert f"pattern {verb} tskaro/1/+/%u/{channel}{below}\n" in device_acl()
        assert f"pattern {other} tskaro/1/+/%u/{channel}" not in device_acl().splitlines()
        assert f"tskaro/1/+/+/{channel}{below}\n" in server_acl("tskaro")


def said(file: Path) -> Iterator[str]:
    """Channels that a file names where it builds topics or publishes."""
    names = {"of_device", "all_of", "of_shard", "_topic", "publish", "_publish"}
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            for argument in node.args if called in names else ():
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value.removesuffix("/#")


def test_no_topic_is_built_for_a_channel_that_the_table_does_not_have() -> None:
    with pytest.raises(ValueError, match="diary: no channel"):
        of_device(DEVICE, "diary")
    with pytest.raises(ValueError, match="diary: no channel"):
        all_of("diary")


def test_every_setting_says_why() -> None:
    paragraphs = mosquitto_conf(Doors()).strip().split("\n\n")

    assert len(paragraphs) > 15
    assert all(paragraph.startswith("# ") for paragraph in paragraphs)


# Who gets in


def test_only_a_certificate_of_this_authority_that_is_in_force_opens_the_door_of_the_devices(
    house: Gatehouse,
) -> None:
    revoked = house.issue(DEVICE)
    house.revoke(revoked)
    house.broker.restart()

    assert house.is_let_in(house.issue(DEVICE))
    assert not house.is_let_in(None)
    assert not house.is_let_in(house.issue(DEVICE, begins=NOW - timedelta(days=3)))
    assert not house.is_let_in(house.issue(DEVICE, signer=new_signer(NOW, YEAR)))
    assert not house.is_let_in(issue_to_broker(house.signer, [DEVICE], NOW, YEAR))
    assert not house.is_let_in(revoked)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
def test_tls_1_1_is_refused_and_1_2_is_not(house: Gatehouse) -> None:
    tls = house.tls(house.issue(DEVICE))
    tls.minimum_version = ssl.TLSVersion.TLSv1_1
    tls.maximum_version = ssl.TLSVersion.TLSv1_1
    tls.set_ciphers("ALL:@SECLEVEL=0")  # else our own side refuses it first

    with pytest.raises(OSError, match="alert protocol version"):
        Line(house.doors.port, tls)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    with Line(house.doors.port, tls) as line:
        assert line.connect(DEVICE) == 0


def test_nobody_gets_in_in_the_clear_or_without_the_servers_password(house: Gatehouse) -> None:
    with Line(house.doors.port) as line, pytest.raises(OSError, match=r"hung up|reset"):
        line.connect(DEVICE)
    for username, password in (("", ""), ("tskaro", "another"), (DEVICE, PASSWORD)):
        with Line(house.doors.server_port) as line:
            assert line.connect("tskaro-test", username, password) == 5


def test_a_device_is_who_its_certificate_says_whatever_it_calls_itself(house: Gatehouse) -> None:
    with house.knock(house.issue(OTHER), OTHER) as other, house.server() as server:
        server.subscribe(all_of("status"))
        with house.knock(house.issue(DEVICE), client=OTHER) as device:
            device.said(of_device(OTHER, "status"), b"as another")
            device.said(of_device(DEVICE, "status"), b"as itself")

            assert other.is_alive()
            assert topics_heard(server) == [of_device(DEVICE, "status")]
            with house.knock(house.issue(DEVICE), client=DEVICE):
                assert not device.is_alive()


# What may be said and heard


def test_a_device_speaks_as_itself_in_one_direction_and_nowhere_else(house: Gatehouse) -> None:
    up = {
        of_device(DEVICE, name)
        for name, way in CHANNELS.items()
        if way is Direction.UP and name != "readings"
    }
    allowed = up | {BATCH}
    others = {of_device(OTHER, name) for name in CHANNELS} | {readings(Envelope(OTHER, "9f1c2a7e", 1, 5))}
    down = {of_device(DEVICE, name) for name, way in CHANNELS.items() if way is Direction.DOWN}
    nowhere = {
        f"{LIVE_ROOT}/readings",
        f"{LIVE_ROOT}/carried/{BATCH}",
        "anything",
        f"{BATCH}/more",
        "$SYS/broker/x",
    }
    with house.server() as server, house.knock(house.issue(DEVICE)) as device:
        server.subscribe("tskaro/#")
        for topic in sorted(allowed | others | down | nowhere):
            device.said(topic, b"x")

        assert set(topics_heard(server)) == allowed


@pytest.mark.parametrize(
    "everything", ["#", "tskaro/#", "tskaro/1/#", "tskaro/1/+/+/receipt", "+/+/+/+/+", "$SYS/#"]
)
def test_whoever_subscribes_to_everything_hears_only_what_is_meant_for_him(
    house: Gatehouse, everything: str
) -> None:
    with house.server() as server, house.knock(house.issue(DEVICE)) as device:
        for topic in [of_device(OTHER, "receipt"), of_device(OTHER, "config"), f"{LIVE_ROOT}/alert"]:
            server.said(topic, b"retained", retain=True)
        device.subscribe(everything)
        for name in ("receipt", "config", "command", "update"):
            server.said(of_device(OTHER, name), b"x")
        server.said(of_device(DEVICE, "receipt"), b"x")
        server.said(f"{LIVE_ROOT}/alert", b"x")

        assert set(topics_heard(device)) == {of_device(DEVICE, "receipt")}


def test_the_server_hears_devices_and_speaks_to_them(house: Gatehouse) -> None:
    down = {of_device(DEVICE, name) for name, way in CHANNELS.items() if way is Direction.DOWN}
    with house.server() as server, house.knock(house.issue(DEVICE)) as device:
        device.subscribe(*sorted(down))
        for topic in sorted(down):
            server.said(topic, b"x")
        assert set(topics_heard(device)) == down
        server.subscribe(all_of("receipt"), all_of("readings/#"), f"{LIVE_ROOT}/#")
        server.said(of_device(DEVICE, "receipt"), b"x")
        server.said(f"{LIVE_ROOT}/alert", b"x")
        device.said(BATCH, b"x")
        assert set(topics_heard(server)) == {of_device(DEVICE, "receipt"), f"{LIVE_ROOT}/alert", BATCH}


def test_receipts_are_still_there_after_a_restart(house: Gatehouse) -> None:
    with house.server() as server:
        server.said(of_device(DEVICE, "receipt"), b"up to 5", retain=True)
    house.broker.restart()

    with house.knock(house.issue(DEVICE)) as device:  # which subscribes to its receipts
        assert topics_heard(device) == [of_device(DEVICE, "receipt")]


# How much


def test_the_largest_batch_goes_through_and_whoever_sends_more_is_cut_off(house: Gatehouse) -> None:
    own = house.issue(DEVICE)
    with house.server() as server:
        server.subscribe(all_of("readings/#"))
        with house.knock(own) as device:
            device.said(BATCH, b"x" * MAX_PAYLOAD_BYTES)
            assert topics_heard(server) == [BATCH]
        for size in (MAX_PACKET_BYTES + 1, 1_000_000, 1_048_577):
            with house.knock(own) as device, pytest.raises(OSError, match=r"hung up|reset|EOF|pipe"):
                device.said(BATCH, b"x" * size)
        assert topics_heard(server) == []


def test_ten_thousand_connects_leave_those_served_who_are_on_the_line(house: Gatehouse) -> None:
    """A storm of strangers, a few hundred of them at a time and some in the middle of a handshake."""
    with house.server() as server, house.knock(house.issue(DEVICE)) as device:
        server.subscribe(all_of("status"))
        for _ in range(50):
            with ExitStack() as strangers:
                for number in range(200):
                    stranger = strangers.enter_context(Line(house.doors.port))
                    if number % 4 == 0:  # begins to shake hands, and is silent
                        stranger.send_raw(b"\x16\x03\x01\x02\x00\x01")
                device.said(of_device(DEVICE, "status"), b"x")
        heard = topics_heard(server)

        assert heard == [of_device(DEVICE, "status")] * 50
        assert house.is_let_in(house.issue(OTHER))


def test_a_crowd_at_the_door_of_the_devices_does_not_keep_the_server_out(tmp_path: Path) -> None:
    house = Gatehouse(tmp_path)
    conf = tmp_path / "tskaro.conf"
    conf.write_text(conf.read_text().replace("max_connections 12000", "max_connections 20"))
    with house.broker, ExitStack() as crowd:
        own = crowd.enter_context(house.knock(house.issue(DEVICE)))
        for _ in range(100):
            crowd.enter_context(Line(house.doors.port))

        assert not house.is_let_in(house.issue(OTHER))
        assert own.is_alive()
        with house.server() as server:
            assert server.is_alive()
