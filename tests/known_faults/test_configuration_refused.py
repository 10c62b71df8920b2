"""What a person wrote wrongly is refused at start: exit code 78, and the file, the key and the reason on stderr."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DEVICE = """
schema_version = 1
device = "kk-0007"
[converters.adc0]
kind = "mcp3008"
[[probes]]
parameter = "turbidity"
model = "analog-nephelometer"
input = { converter = "adc0", channel = 0 }
[probes.calibration]
id = "c-2026-10-01"
made_on = 2026-10-01
made_by = "Nino"
kind = "linear"
points = [[0.0, 0.0], [3.0, 100.0]]
standards = ["formazin lot 7"]
expires_on = 2027-10-01
[[probes]]
parameter = "flow"
model = "yf-s201"
input = { pin = 17, pulses_per_litre = 450 }
"""
EDGE = """
device_config = "{folder}/device.toml"
[mqtt]
host = "localhost"
authentication = "{authentication}"
username = "kk-0007"
[outbox]
path = "{folder}/outbox.db"
"""
SERVER = """
database_url = "sqlite:///{folder}/tskaro.db"
[store]
path = "{folder}/readings.db"
"""


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command as it is typed, with nothing in its environment but where Python finds us."""
    code = f"from {program}.cli import app; app()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path]), "COLUMNS": "300"},
    )


def edge(folder: Path, *, device: str = DEVICE, settings: str = EDGE, authentication: str = "none") -> str:
    (folder / "device.toml").write_text(device, encoding="utf-8")
    path = folder / "edge.toml"
    path.write_text(settings.format(folder=folder, authentication=authentication), encoding="utf-8")
    return str(path)


def test_a_sound_device_is_said_to_be_in_order(tmp_path: Path) -> None:
    ran = run("edge", "check", "--settings", edge(tmp_path))

    assert 0 == ran.returncode, ran.stderr
    assert "kk-0007" in ran.stdout


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize(
    ("change", "file", "words"),
    [
        pytest.param(
            ('parameter = "flow"', 'paramter = "flow"'),
            "device.toml",
            ("paramter", "parameter"),
            id="a misspelt key",
        ),
        pytest.param(
            ("pin = 17", "pin = 8"), "device.toml", ("probes[1].input.pin", "8"), id="a pin used twice"
        ),
        pytest.param(
            (
                '[[probes]]\nparameter = "flow"',
                '[[probes.limits]]\nat = 1.0\nside = "above"\n[[probes]]\nparameter = "flow"',
            ),
            "device.toml",
            ("probes[0].limits[0]", "uncertain by 0.35 NTU; at most 0.3 NTU would evidence it"),
            id="a limit that the probe cannot evidence",
        ),
        pytest.param(
            ("[3.0, 100.0]", "[0.0, 0.0]"),
            "device.toml",
            ("probes[0].calibration.points",),
            id="two equal points",
        ),
    ],
)
def test_a_device_that_is_wired_wrongly_on_paper_is_refused(
    tmp_path: Path, command: str, change: tuple[str, str], file: str, words: tuple[str, ...]
) -> None:
    ran = run("edge", command, "--settings", edge(tmp_path, device=DEVICE.replace(*change)))

    assert 78 == ran.returncode
    for word in (file, *words):
        assert word in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "outbox.db").exists()


def test_a_missing_secret_of_a_device_is_named_with_where_to_put_it(tmp_path: Path) -> None:
    ran = run("edge", "run", "--settings", edge(tmp_path, authentication="password"))

    assert 78 == ran.returncode
    for word in ("edge.toml", "mqtt.password", "tskaro_mqtt_password", "TSKARO_MQTT__PASSWORD"):
        assert word in ran.stderr


@pytest.mark.parametrize(
    ("more", "words"),
    [
        pytest.param("[web]\nprot = 8000\n", ("web.prot", "port"), id="a misspelt key"),
        pytest.param(
            '[mqtt]\nusername = "tskaro"\n', ("mqtt.password", "tskaro_mqtt_password"), id="a missing secret"
        ),
        pytest.param(
            '[notify]\ntransport = "http_gateway"\n', ("notify.gateway",), id="a gateway without its file"
        ),
        pytest.param(
            '[notify]\ntransport = "http_gateway"\ngateway = "/nowhere/gateway.toml"\n',
            ("/nowhere/gateway.toml",),
            id="a gateway file that is not there",
        ),
    ],
)
def test_a_server_with_a_slip_in_its_settings_is_refused(
    tmp_path: Path, more: str, words: tuple[str, ...]
) -> None:
    path = tmp_path / "server.toml"
    path.write_text(SERVER.format(folder=tmp_path) + more, encoding="utf-8")

    ran = run("server", "serve", "--settings", str(path))

    assert 78 == ran.returncode, ran.stderr
    for word in words:
        assert word in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_database_that_is_away_is_no_mistake_of_the_operator(tmp_path: Path) -> None:
    path = tmp_path / "server.toml"
    path.write_text('database_url = "postgresql+psycopg://nobody@127.0.0.1:1/none"\n', encoding="utf-8")

    ran = run("server", "ingest", "--settings", str(path))

    assert 75 == ran.returncode, ran.stderr
    assert "Traceback" not in ran.stderr
