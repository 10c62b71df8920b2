"""`tskaro-edge` with things amiss: a plain reason and an exit code, never a traceback."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge.cli import app

DEVICE = """schema_version = 1
device = "kk-0007"
[[probes]]
parameter = "flow"
model = "yf-s201"
input = { pin = 17, pulses_per_litre = 450.0 }
"""


def settings(folder: Path, mqtt: str, *, outbox: str = "") -> Path:
    (folder / "device.toml").write_text(DEVICE)
    path = folder / "edge.toml"
    kept = outbox or f"{folder}/outbox.db"
    path.write_text(
        f'device_config = "{folder}/device.toml"\n[outbox]\npath = "{kept}"\n[mqtt]\nhost = "127.0.0.1"\n{mqtt}'
    )
    return path


def test_check_looks_at_the_certificates(tmp_path: Path) -> None:
    tls = (
        f'[mqtt.tls]\nca = "{tmp_path}/ca.pem"\ncertificate = "{tmp_path}/d.pem"\nkey = "{tmp_path}/d.key"\n'
    )

    ran = CliRunner().invoke(app, ["check", "--settings", str(settings(tmp_path, tls))])

    assert ran.exit_code == 78
    assert f"{tmp_path}/ca.pem: cannot be read" in ran.output
    assert "in order" not in ran.output


def test_an_outbox_that_cannot_be_kept_is_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    path = settings(tmp_path, 'authentication = "none"\n', outbox="/proc/nowhere/outbox.db")

    ran = CliRunner().invoke(app, ["run", "--settings", str(path)])

    assert ran.exit_code == 1
    assert "/proc/nowhere/outbox.db: no outbox can be kept there" in ran.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["calibrate", "flow", "--recheck", "--practice", "sound"], "calibrate it again instead"),
        (["calibrate", "flow", "--recheck", "--practice", "sound", "--language", "ru"], "УЧЁБА"),
    ],
)
def test_what_cannot_be_done_at_the_tap_is_said_and_no_traceback(arguments: list[str], said: str) -> None:
    ran = CliRunner().invoke(app, arguments)

    assert ran.exit_code == 1
    assert said in " ".join(ran.output.split())


def test_a_probe_that_is_not_wired_cannot_be_calibrated(tmp_path: Path) -> None:
    path = settings(tmp_path, 'authentication = "none"\n')

    ran = CliRunner().invoke(app, ["calibrate", "ph", "--settings", str(path), "--language", "en"])

    assert ran.exit_code == 1
    assert "kk-0007 has no probe for it." in ran.output


def test_practice_needs_no_settings_and_shows_every_probe() -> None:
    ran = CliRunner().invoke(app, ["watch", "--practice", "sound", "--once", "--json"])

    readings = json.loads(ran.output)["readings"]
    assert [each["parameter"] for each in readings] == ["turbidity", "ph", "flow", "volume"]
    assert all(each["why"] == "" for each in readings)
