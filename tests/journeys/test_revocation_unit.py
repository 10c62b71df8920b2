"""The units in deploy/server on a real systemd: when the list of revoked certificates changes, the broker reads it.

The broker's own unit is a stand-in that writes down what it would have read; that Mosquitto reads it is tested in
`test_revoked.py`.
"""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from firmware_config.whole_file import replace_file
from server.authority.signing import Revoked, Signer, new_signer, pem_of, revocation_list
from tests.fakes.patience import eventually
from tests.fakes.programs import ROOT
from tests.services.pi import Pi, why_not
from tests.services.service import find_binary

pytestmark = [
    pytest.mark.integration,
    pytest.mark.xdist_group("first boot"),
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
]
NOW = datetime.now(UTC)
STAND_IN = """
[Service]
ExecStart=/usr/bin/sleep 123456
ExecReload=/usr/bin/cp /etc/mosquitto/tskaro/crl.pem /var/lib/read.pem
[Install]
WantedBy=multi-user.target
"""


class BrokersMachine:
    """A Debian with the units of the guide and a stand-in for Mosquitto."""

    def __init__(self, folder: Path) -> None:
        (folder / "boot").mkdir()
        (folder / "boot/cmdline.txt").write_text("console=serial0,115200\n")
        self.pi, self.signer = Pi(folder / "machine", folder / "boot"), new_signer(NOW, timedelta(days=99))
        root = self.pi.root
        self.source = root / "var/lib/tskaro/authority/crl.pem"
        self.placed, self.read = root / "etc/mosquitto/tskaro/crl.pem", root / "var/lib/read.pem"
        units, scripts = root / "etc/systemd/system", root / "usr/local/lib/tskaro"
        for made in (self.source.parent, self.placed.parent, scripts, units / "multi-user.target.wants"):
            made.mkdir(parents=True, exist_ok=True)
        shutil.copy(find_binary("openssl"), root / "usr/bin/openssl")
        shutil.copy(ROOT / "deploy/server/take-revocations.sh", scripts)
        for name in ("tskaro-revocations.path", "tskaro-revocations.service"):
            shutil.copy(ROOT / "deploy/server" / name, units)
        (units / "mosquitto.service").write_text(STAND_IN)
        self.complained = root / "var/lib/complained"
        drop_in = units / "tskaro-revocations.service.d"
        drop_in.mkdir()
        (drop_in / "test.conf").write_text("[Service]\nStandardError=append:/var/lib/complained\n")
        for name in ("mosquitto.service", "tskaro-revocations.path", "tskaro-revocations.service"):
            (units / "multi-user.target.wants" / name).symlink_to(f"/etc/systemd/system/{name}")
        (self.placed.parent / "ca.pem").write_bytes(pem_of(self.signer.certificate))
        self.write(0)
        shutil.copy(self.source, self.placed)

    def write(self, revoked: int, signer: Signer | None = None) -> bytes:
        """What `tskaro device revoke` does: the whole list anew, so many certificates on it."""
        taken = [Revoked(f"{number:x}", NOW) for number in range(1, revoked + 1)]
        content = revocation_list(signer or self.signer, taken, NOW)
        replace_file(self.source, content)
        return content

    def has_read(self) -> bytes:
        return self.read.read_bytes() if self.read.exists() else b""

    def complaints(self) -> str:
        return self.complained.read_text() if self.complained.exists() else ""


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[BrokersMachine]:
    machine = BrokersMachine(tmp_path)
    yield machine
    print(machine.pi.said()[-3000:])  # noqa: T201 - pytest shows it beside a failure
    machine.pi.close()


def test_the_broker_reads_every_new_list_and_none_that_is_damaged(machine: BrokersMachine) -> None:
    first = machine.write(1)  # while the machine is off
    machine.pi.switch_on()
    eventually(lambda: machine.has_read() == first, within_s=60)

    for revoked in range(2, 32):
        last = machine.write(revoked)
    eventually(lambda: machine.has_read() == last, within_s=30)
    machine.write(99, signer=new_signer(NOW, timedelta(days=99)))
    replace_file(machine.source, b"damaged")
    eventually(lambda: "the broker keeps the one it has" in machine.complaints(), within_s=30)
    assert machine.has_read() == machine.placed.read_bytes() == last

    again = machine.write(3)
    eventually(lambda: machine.has_read() == again, within_s=30)
    machine.pi.switch_off()
