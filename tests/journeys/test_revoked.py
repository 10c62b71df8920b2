"""Revoking a device: its live session ends within seconds, it cannot come back, the others notice nothing.

The administrator's command, a real ingest, a real Mosquitto with the generated configuration, and the script that
systemd runs when the list has changed.
"""

import ssl
import subprocess
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from firmware_config.tls import client_context
from server.authority.signing import new_signer, revocation_list
from tests.fakes.mqtt_line import Line
from tests.fakes.office import AdministratorsDesk
from tests.fakes.patience import eventually
from tests.fakes.programs import ROOT, Program
from tests.services.guarded import GuardedMosquitto
from waterquality.topics import Envelope, of_device, readings

pytestmark = pytest.mark.integration
DEVICE, OTHER = "kk-0007", "kk-0008"
NOW = datetime.now(UTC)
SCRIPT = ROOT / "deploy" / "server" / "take-revocations.sh"


class Site:
    """A desk, its broker and ingest, and two devices."""

    def __init__(self, folder: Path) -> None:
        self.desk = AdministratorsDesk(folder)
        for device in (DEVICE, OTHER):
            self.desk.tskaro("device", "create", device, "--water-point", "algeti")
        self.desk.tskaro("authority", "broker", "localhost", "--out", folder / "tls")
        self.broker = self.desk.broker()
        self.ingest = self.desk.ingest()

    @contextmanager
    def running(self) -> Iterator[Program]:
        with self.broker, self.ingest as ingest:
            yield ingest

    def papers(self, device: str) -> ssl.SSLContext:
        """What the device of this moment shows the broker."""
        (folder,) = (self.desk.safe / "devices" / device).iterdir()
        return client_context(self.desk.folder / "tls/ca.pem", folder / "certificate.pem", folder / "key.pem")

    def knock(self, papers: ssl.SSLContext, device: str) -> Line:
        line = Line(self.desk.tls_port, papers)
        try:
            assert line.connect(device) == 0
            line.subscribe(of_device(device, "receipt"))
        except OSError:
            line.close()
            raise
        return line

    def is_let_in(self, papers: ssl.SSLContext, device: str) -> bool:
        try:
            self.knock(papers, device).close()
        except OSError:
            return False
        return True

    def take_revocations(self) -> subprocess.CompletedProcess[str]:
        """What `tskaro-revocations.service` does."""
        return take_revocations(self.desk.safe / "crl.pem", self.broker)


def take_revocations(source: Path, broker: GuardedMosquitto) -> subprocess.CompletedProcess[str]:
    words = [SCRIPT, source, broker.files, "kill", "-HUP", str(broker.pid)]
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, timeout=20)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def batch(device: str, seq: int) -> tuple[str, bytes]:
    at = int(time.time())
    opening = f'[{{"bn":"{device}/","bt":{at},"n":"epoch","vs":"9f1c2a7e"}},{{"n":"held","u":"count","v":1}}'
    text = f'{opening},{{"n":"seq","u":"count","v":{seq}}},{{"n":"flow","u":"m3/s","v":0.0002}}]'
    return readings(Envelope(device, "9f1c2a7e", seq, seq)), zlib.compress(text.encode())


def is_receipted(line: Line, device: str, seq: int) -> bool:
    """Whether a batch that is sent now gets a receipt within a few seconds."""
    line.said(*batch(device, seq))
    ends_s = time.monotonic() + 5.0
    while time.monotonic() < ends_s:
        if any(of_device(device, "receipt") == heard.topic for heard in line.messages()):
            return True
        time.sleep(0.05)
    return False


def test_a_revoked_device_loses_its_line_within_seconds_and_cannot_come_back(site: Site) -> None:
    papers = site.papers(DEVICE)
    with (
        site.running() as ingest,
        site.knock(papers, DEVICE) as device,
        site.knock(site.papers(OTHER), OTHER) as other,
    ):
        assert is_receipted(device, DEVICE, 1)
        site.desk.tskaro("device", "revoke", DEVICE, "--why", "stolen")
        assert site.take_revocations().returncode == 0

        eventually(lambda: not device.is_alive(), within_s=10)
        eventually(lambda: not site.is_let_in(papers, DEVICE))
        assert other.is_alive()
        assert is_receipted(other, OTHER, 1)
        assert ingest.defects() == []


def test_a_replaced_device_loses_its_line_and_its_successor_is_let_in(site: Site) -> None:
    old = site.papers(DEVICE)
    with site.running(), site.knock(old, DEVICE) as device:
        before = set((site.desk.safe / "devices" / DEVICE).iterdir())
        site.desk.tskaro("device", "replace", DEVICE, "--why", "a new Pi")
        assert site.take_revocations().returncode == 0

        eventually(lambda: not device.is_alive(), within_s=10)
        eventually(lambda: not site.is_let_in(old, DEVICE))
        (new,) = set((site.desk.safe / "devices" / DEVICE).iterdir()) - before
        new_papers = client_context(site.desk.folder / "tls/ca.pem", new / "certificate.pem", new / "key.pem")
        eventually(lambda: site.is_let_in(new_papers, DEVICE))  # it may be pushed off once more


def test_a_broker_that_does_not_read_the_list_lets_it_in_and_ingest_takes_nothing_of_it(site: Site) -> None:
    papers = site.papers(DEVICE)
    with site.running() as ingest, site.knock(papers, DEVICE) as device:
        assert is_receipted(device, DEVICE, 1)
        site.desk.tskaro("device", "revoke", DEVICE, "--why", "stolen")

        eventually(lambda: not device.is_alive(), within_s=10)
        time.sleep(7)  # until the registry was read again
        with site.knock(papers, DEVICE) as again:
            again.messages()  # the receipt that is retained
            with suppress(OSError):  # it is pushed off once more
                assert not is_receipted(again, DEVICE, 2)
        assert ingest.defects() == []


@pytest.mark.parametrize("damage", ["cut", "bent", "another's"])
def test_a_damaged_list_does_not_reach_the_broker(site: Site, tmp_path: Path, damage: str) -> None:
    papers = site.papers(DEVICE)
    site.desk.tskaro("device", "revoke", DEVICE, "--why", "stolen")
    good = (site.desk.safe / "crl.pem").read_text()
    lines = good.splitlines()
    bent = lines[-3][:5] + ("A" if lines[-3][5] != "A" else "B") + lines[-3][6:]
    foreign = revocation_list(new_signer(NOW, timedelta(days=9)), [], NOW).decode()
    damaged = {
        "cut": good[:200],
        "bent": "\n".join([*lines[:-3], bent, *lines[-2:], ""]),
        "another's": foreign,
    }
    with site.broker as broker:
        assert site.take_revocations().returncode == 0
        eventually(lambda: broker.reloads == 1)
        assert not site.is_let_in(papers, DEVICE)
        (tmp_path / "damaged.pem").write_text(damaged[damage])

        done = take_revocations(tmp_path / "damaged.pem", broker)

        assert done.returncode == 1
        assert "the broker keeps the one it has" in done.stderr
        broker.reload()
        eventually(lambda: broker.reloads == 2)
        assert not site.is_let_in(papers, DEVICE)
        assert site.is_let_in(site.papers(OTHER), OTHER)
