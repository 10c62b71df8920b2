"""The whole card, rendered: every file is what the one who reads it expects."""

import os
import shutil
import subprocess
import tomllib
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from edge.settings import load_settings
from firmware_config.card.kit import device_toml
from firmware_config.card.network import Lte, Wifi
from firmware_config.card.rendering import SECRETS, Boot, Card, Papers, render
from firmware_config.device import DeviceConfig, load_device_config
from waterquality.errors import ConfigError

ROOT = Path(__file__).parents[3]
TEXT = device_toml("kk-0007", ["sen0189", "yf-s201"])
KEY = b"-----BEGIN PRIVATE KEY-----"


def card(**given: object) -> Card:
    usual: dict[str, object] = {
        "config": DeviceConfig.model_validate(tomllib.loads(TEXT)),
        "device_toml": TEXT,
        "papers": Papers(authority=b"ca", certificate=b"own", key=KEY),
        "broker": "water.example.org",
        "broker_port": 8883,
        "networks": (Wifi(ssid="Cafe", passphrase="correct horse"), Lte(apn="internet")),
        "made_at": datetime(2026, 11, 24, 9, 0, tzinfo=UTC),
        "version": "0.1.0",
        "ssh_keys": ("ssh-ed25519 AAAAC3Nza nino@office",),
        "update_key": b"-----BEGIN PUBLIC KEY-----\n",
    }
    return Card(**(usual | given))  # type: ignore[arg-type]


@pytest.fixture
def laid(tmp_path: Path) -> Path:
    for path, content in render(card(), Boot()).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    return tmp_path


def test_the_agent_reads_its_settings_and_its_wiring(laid: Path) -> None:
    settings = load_settings(laid / "tskaro/edge.toml")

    assert (settings.mqtt.host, settings.mqtt.port) == ("water.example.org", 8883)
    assert settings.mqtt.tls is not None
    assert load_device_config(laid / "tskaro/device.toml").device == "kk-0007"


def test_secrets_lie_where_the_first_boot_takes_them_away_and_nowhere_else(laid: Path) -> None:
    script = (laid / "firstrun.sh").read_text()
    (removed,) = (line for line in script.splitlines() if line.startswith('rm -rf "$card/device.key"'))
    for secret in SECRETS:
        assert f'"$card/{secret.name}"' in removed
        held = laid / secret
        shutil.rmtree(held) if held.is_dir() else held.unlink()

    rest = b"".join(path.read_bytes() for path in laid.rglob("*") if path.is_file())
    assert KEY not in rest
    assert b"psk=" not in rest


def test_what_arms_the_first_boot_comes_last() -> None:
    assert list(render(card(), Boot()))[-1] == PurePosixPath("cmdline.txt")


def test_every_file_that_the_first_boot_puts_in_its_place_is_on_the_card(laid: Path) -> None:
    script = (laid / "firstrun.sh").read_text().split()
    named = {word.strip('"').removeprefix("$card/") for word in script if word.startswith('"$card/')}
    files = {name for name in named if "*" not in name} - {"wheels", "network"}

    assert len(files) > 7
    assert [name for name in sorted(files) if not (laid / "tskaro" / name).is_file()] == []


def test_the_card_speaks_to_the_shell_in_plain_words(laid: Path) -> None:
    shown = subprocess.run(
        ["sh", "-euc", '. "$1"; echo "$DEVICE $TIMEZONE $VERSION $MADE_AT"', "-", laid / "tskaro/card.conf"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert shown.stdout == "kk-0007 Asia/Tbilisi 0.1.0 1795510800\n"


def test_nobody_logs_in_unless_there_is_a_key() -> None:
    files = render(card(ssh_keys=()), Boot())

    assert {PurePosixPath("ssh"), PurePosixPath("userconf.txt")}.isdisjoint(files)
    assert files.keys() < render(card(), Boot()).keys()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"broker": ""}, "no name or address of a broker"),
        ({"broker": "water.example.org; reboot"}, "no name or address of a broker"),
        ({"timezone": "Asia/Tbilisi; reboot"}, "no time zone"),
        ({"ssh_keys": ("-----BEGIN OPENSSH PRIVATE KEY-----",)}, "a key for SSH is a line"),
    ],
)
def test_what_could_not_be_written_down_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        card(**given)


needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not installed: run deploy/test-packages.sh"
)


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_unit(laid: Path, tmp_path: Path) -> None:
    unit = laid / "tskaro/tskaro-edge.service"
    assert (
        "ExecStart=/usr/bin/python3 -I /usr/local/lib/tskaro/launch.py /opt/tskaro run\n" in unit.read_text()
    )
    (tmp_path / "python3").write_text("#!/bin/sh\n")
    (tmp_path / "python3").chmod(0o755)
    unit.write_text(unit.read_text().replace("/usr/bin/python3", str(tmp_path / "python3")))

    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_the_unit_is_as_closed_as_the_hardware_allows(laid: Path) -> None:
    words = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=21"]
    done = subprocess.run(
        [*words, laid / "tskaro/tskaro-edge.service"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_COLORS": "0"},
    )

    assert done.returncode == 0, done.stdout[-400:]
    assert "exposure level for tskaro-edge.service: 2.1 " in done.stdout


def test_the_unit_among_the_deployment_files_is_the_one_on_the_card(laid: Path) -> None:
    deployed = ROOT / "deploy/edge/tskaro-edge.service"

    assert deployed.read_bytes() == (laid / "tskaro/tskaro-edge.service").read_bytes()
