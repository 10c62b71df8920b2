"""`tskaro-edge` with things amiss: a plain reason and an exit code, never a traceback."""

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
