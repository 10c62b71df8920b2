"""From a card to the first receipt: a machine boots what `tskaro device card` has written, on a real systemd.

The power is cut at every step of the first boot; the agent runs under its own unit, as its own user, behind all
that hardens it, and talks over TLS to a broker that asks for its certificate.
"""

import json
import os
import re
import signal
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.outbox import Depth, look_into
from tests.fakes.office import AdministratorsDesk, wheels
from tests.fakes.patience import eventually
from tests.services.pi import Pi, why_not

pytestmark = [
    pytest.mark.integration,
    pytest.mark.xdist_group("first boot"),
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
]
DEVICE = "kk-0007"
WIRING = f"""
schema_version = 1
device = "{DEVICE}"
observe_every_s = 0.5
[[probes]]
parameter = "flow"
model = "yf-s201"
input = {{ pin = 17, pulses_per_litre = 450.0 }}
"""
# No pins, no time server, and a watchdog that a test can wait for.
OF_THE_TEST = """
[Service]
Environment=GPIOZERO_PIN_FACTORY=mock TSKARO_TRUSTS_CLOCK=always
WatchdogSec=6
TimeoutAbortSec=1
RestartSec=1
"""
PASSPHRASE = "correct horse"
AGENT = "/bin/tskaro-edge run"
PAUSE = "touch /boot/firmware/reached; sleep 1000"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> AdministratorsDesk:
    desk = AdministratorsDesk(tmp_path_factory.mktemp("desk"))
    desk.tskaro("device", "create", DEVICE, "--water-point", "algeti")
    desk.tskaro("authority", "broker", "127.0.0.1", "--out", desk.folder / "tls")
    return desk


@pytest.fixture(scope="module")
def card(desk: AdministratorsDesk) -> Path:
    """A card for a machine of this kind, on which there was only Raspberry Pi OS."""
    boot, here = desk.folder / "boot", os.uname().machine
    (desk.folder / "wiring.toml").write_text(WIRING)
    (desk.folder / "passphrase").write_text(f"{PASSPHRASE}\n")
    words = ("--wheels", wheels(), "--download", "--machine", here, "--wiring", desk.folder / "wiring.toml")
    wifi = (
        "--wifi",
        "ჩვენი სახლი",
        "--wifi-passphrase-file",
        desk.folder / "passphrase",
        "--apn",
        "internet.ge",
    )
    desk.tskaro("device", "card", DEVICE, "--out", boot, *words, *wifi)
    return boot


@pytest.fixture(scope="module")
def pi(desk: AdministratorsDesk, card: Path) -> Iterator[Pi]:
    pi = Pi(desk.folder / "pi", card)
    drop_in = pi.root / "etc/systemd/system/tskaro-edge.service.d/test.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text(OF_THE_TEST)
    yield pi
    print(pi.said()[-3000:])  # noqa: T201 - pytest shows it beside a failure
    pi.close()


@pytest.fixture
def installed(pi: Pi) -> Pi:
    """A machine after its first boot, whatever went before."""
    if "firstrun.sh" in (pi.boot / "cmdline.txt").read_text():
        pi.switch_on()
        assert pi.wait() == "reboot"
    return pi


def cuts(script: str) -> list[str]:
    """The script, with a pause after each of its steps in turn; what is inside of a loop counts as one step."""
    lines = script.splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith("begin "))
    whole = re.compile(r"(?!for |if |else|fi|done$|while )[a-z.\[{](.*[^|\\{])?")
    after = [at for at, line in enumerate(lines) if at >= first and whole.fullmatch(line)]
    return ["\n".join([*lines[: at + 1], PAUSE, *lines[at + 1 :], ""]) for at in after]


def test_a_first_boot_that_loses_its_power_after_every_step_ends_like_one_that_never_did(pi: Pi) -> None:
    script, reached = pi.boot / "firstrun.sh", pi.boot / "reached"
    whole, cmdline = script.read_text(), pi.boot / "cmdline.txt"
    pi.switch_on()
    packages = pi.root / "opt/tskaro/versions"
    eventually(lambda: list(packages.glob("*/lib/*/site-packages/pydantic")), within_s=120)
    pi.cut_power()  # while the software is laid down

    times = 0
    for script_with_a_pause in cuts(whole):
        if "firstrun.sh" not in cmdline.read_text():
            break
        script.write_text(script_with_a_pause)
        pi.switch_on()
        eventually(reached.exists, within_s=120)
        pi.cut_power()
        reached.unlink()
        times += 1

    assert times > 40
    assert "FAILED" not in (pi.boot / "tskaro-first-boot.log").read_text()
    assert (pi.root / "etc/hostname").read_text() == f"{DEVICE}\n"
    assert (pi.root / "etc/localtime").readlink() == Path("/usr/share/zoneinfo/Asia/Tbilisi")
    assert pi.run("id", "-nG", "tskaro").stdout.split() == ["tskaro", "dialout", "gpio", "i2c", "spi"]


def test_afterwards_the_card_holds_no_secret_and_boots_as_any_other(
    installed: Pi, desk: AdministratorsDesk
) -> None:
    (key,) = desk.safe.glob(f"devices/{DEVICE}/*/key.pem")
    secrets = [b"PRIVATE KEY", PASSPHRASE.encode(), b"psk="]
    on_card = b"".join(path.read_bytes() for path in installed.boot.rglob("*") if path.is_file())

    assert [secret for secret in secrets if secret in on_card] == []
    assert "systemd." not in (installed.boot / "cmdline.txt").read_text()
    assert (installed.boot / "cmdline.txt").read_text().startswith("console=serial0,115200 ")
    placed = installed.root / "etc/tskaro/tls/device.key"
    assert placed.read_bytes() == key.read_bytes()
    assert (stat.S_IMODE(placed.stat().st_mode), placed.stat().st_uid) == (0o600, 0)


def test_what_goes_back_from_a_bad_version_lies_where_no_version_can_write(installed: Pi) -> None:
    launcher = installed.root / "usr/local/lib/tskaro/launch.py"
    pace = launcher.with_name("pace.py")

    assert [(stat.S_IMODE(each.stat().st_mode), each.stat().st_uid) for each in (launcher, pace)] == [
        (0o644, 0)
    ] * 2
    assert (stat.S_IMODE(launcher.parent.stat().st_mode), launcher.parent.stat().st_uid) == (0o755, 0)
    assert (installed.root / "opt/tskaro/versions").stat().st_uid != 0


def test_networkmanager_reads_what_the_card_says_of_the_network(installed: Pi) -> None:
    folder = installed.root / "etc/NetworkManager/system-connections"
    shown = {}
    for file in folder.iterdir():
        assert (stat.S_IMODE(file.stat().st_mode), file.stat().st_uid) == (0o600, 0)
        there = f"/{file.relative_to(installed.root)}"
        read = installed.run("sh", "-c", f"nmcli --offline connection modify connection.zone '' < {there}")
        assert (read.returncode, read.stderr) == (0, "")
        shown[file.name] = read.stdout

    assert "apn=internet.ge" in shown["tskaro-lte.nmconnection"]
    (ssid,) = re.findall("^ssid=(.+)$", shown["tskaro-wifi.nmconnection"], re.MULTILINE)
    assert bytes(int(byte) for byte in ssid.split(";") if byte).decode() == "ჩვენი სახლი"
    assert "key-mgmt=wpa-psk" in shown["tskaro-wifi.nmconnection"]


def test_the_agent_gets_its_receipts_over_tls_as_the_device_that_its_certificate_names(
    installed: Pi, desk: AdministratorsDesk
) -> None:
    with desk.broker(), desk.ingest() as ingest:
        installed.switch_on()
        eventually(lambda: recorded(installed) > 3 and waiting(installed) == 0, within_s=120)
        assert desk.listed()[DEVICE]["last_seen"] is not None
        assert_is_locked_in(*installed.processes(AGENT))
        assert_hung_agent_is_started_anew(installed)
        installed.switch_off()
        assert ingest.defects() == []


def recorded(pi: Pi) -> int:
    """How many records the agent has made; 0 while it makes its outbox."""
    depth = depth_of(pi)
    return depth.head if depth else 0


def waiting(pi: Pi) -> int | None:
    """How many records wait for a receipt; None while there is no telling."""
    depth = depth_of(pi)
    return depth.records if depth else None


def depth_of(pi: Pi) -> Depth | None:
    try:
        return look_into(pi.root / "var/lib/tskaro/outbox.db")[1]
    except (sqlite3.DatabaseError, KeyError):  # it is being made
        return None


def assert_is_locked_in(agent: int) -> None:
    """No capability, no way to new ones, a filter on system calls, its own user, the four groups."""
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{agent}/status").read_text().splitlines())
    assert {status[each] for each in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert status["Uid"].split()[0] != "0"
    assert len(status["Groups"].split()) == 5


def assert_hung_agent_is_started_anew(pi: Pi) -> None:
    """As when a driver never returns: nobody pets the watchdog."""
    (hung,) = pi.processes(AGENT)
    os.kill(hung, signal.SIGSTOP)
    eventually(lambda: pi.processes(AGENT) not in ([], [hung]), within_s=60)
    assert json.loads((pi.root / "var/lib/tskaro/starts.json").read_text())["failed"] == 1


def test_a_revoked_device_is_shut_out_and_its_successor_is_let_in(
    installed: Pi, desk: AdministratorsDesk
) -> None:
    desk.tskaro("device", "replace", DEVICE, "--why", "a new Pi")
    with desk.broker() as broker, desk.ingest():
        installed.switch_on()
        eventually(lambda: "certificate verify failed" in broker.log.read_text(errors="replace"), within_s=60)
        assert waiting(installed)
        installed.switch_off()

        words = ("--wheels", wheels(), "--machine", os.uname().machine)
        desk.tskaro(
            "device", "card", DEVICE, "--out", installed.boot, *words, "--wiring", desk.folder / "wiring.toml"
        )
        installed.switch_on()
        assert installed.wait() == "reboot"
        installed.switch_on()
        eventually(lambda: waiting(installed) == 0, within_s=120)
        installed.switch_off()
