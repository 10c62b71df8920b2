"""`tskaro-edge` as systemd runs it: the whole agent on pins that are not there, at a real broker."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from edge.certificates import CertificateFolder
from edge.knocking import ask
from edge.outbox import look_into
from firmware_config.filed import Filed
from firmware_config.parts import CalibrationCertificate, CurveKind
from tests.fakes.patience import eventually
from tests.fakes.programs import TSKARO_EDGE, Program, run
from tests.fakes.receiver import Receiver
from tests.services.mosquitto import Mosquitto
from waterquality import topics
from waterquality.parameters import Parameter
from waterquality.wire.records import Certificate

pytestmark = pytest.mark.integration
DEVICE = "kk-0007"
WIRED = f"""
schema_version = 1
device = "{DEVICE}"
observe_every_s = 0.1
[[probes]]
parameter = "flow"
model = "yf-s201"
input = {{ pin = 17, pulses_per_litre = 450.0 }}
"""
PINS = {"GPIOZERO_PIN_FACTORY": "mock"}


@pytest.fixture
def settings(tmp_path: Path, mosquitto: Mosquitto) -> Path:
    (tmp_path / "device.toml").write_text(WIRED)
    path = tmp_path / "edge.toml"
    path.write_text(
        f"""
        heartbeat_every_s = 0.2
        trusts_clock = "always"
        device_config = "{tmp_path}/device.toml"
        certificates = "{tmp_path}/certificates"
        [door]
        path = "{tmp_path}/edge.sock"
        [mqtt]
        host = "127.0.0.1"
        port = {mosquitto.port}
        authentication = "none"
        [outbox]
        path = "{tmp_path}/outbox.db"
        [log]
        format = "json"
        """
    )
    return path


def test_it_comes_online_beats_records_and_stops_when_told(
    settings: Path, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    agent = Program(
        [*TSKARO_EDGE, "run", "--settings", str(settings)], ready_event="broker_connected", env=PINS
    )
    with Receiver(mosquitto.port) as receiver, agent:
        eventually(lambda: receiver.states(DEVICE) == ["online"])
        eventually(lambda: health_of(receiver).get("appended", 0) >= 5)
        agent.stop()
        eventually(lambda: receiver.states(DEVICE) == ["online", "offline"])
        assert agent.exit_code == 0
        assert agent.defects() == []

    _, depth = look_into(tmp_path / "outbox.db")
    assert depth.head == depth.records >= 5  # nobody has receipted anything
    shown = run(TSKARO_EDGE, "status", "--settings", settings)
    assert shown.returncode == 0
    assert str(depth.head) in shown.stdout


def test_a_certificate_made_at_the_tap_is_followed_and_told(
    settings: Path, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    made = CertificateFolder(tmp_path / "certificates").add(page_of_a_meter())
    agent = Program(
        [*TSKARO_EDGE, "run", "--settings", str(settings)], ready_event="broker_connected", env=PINS
    )
    with Receiver(mosquitto.port) as receiver, agent:
        eventually(lambda: certificates_told(receiver))

    (told,) = certificates_told(receiver)
    assert Filed.model_validate_json(told.body) == made
    topic = topics.of_device(DEVICE, "calibration")
    with Receiver(mosquitto.port) as latecomer:  # it is retained
        (payload,) = eventually(lambda: [each.payload for each in latecomer.heard if each.topic == topic])
    assert json.loads(payload)["certificates"]["flow"]["points"] == [[0.0, 0.0], [4600.0, 10.0]]


def test_a_light_shows_where_the_device_is_when_it_is_asked(settings: Path, tmp_path: Path) -> None:
    (tmp_path / "device.toml").write_text(f'{WIRED}\n[light]\nkind = "led"\npin = 22\n')
    agent = Program(
        [*TSKARO_EDGE, "run", "--settings", str(settings)], ready_event="broker_connected", env=PINS
    )
    with agent:
        eventually((tmp_path / "edge.sock").exists)
        ask(tmp_path / "edge.sock", "identify", seconds=1)
        agent.stop()

    assert agent.exit_code == 0
    assert agent.defects() == []


def test_vitals_travel_with_the_health(settings: Path, mosquitto: Mosquitto) -> None:
    agent = Program(
        [*TSKARO_EDGE, "run", "--settings", str(settings)], ready_event="broker_connected", env=PINS
    )
    with Receiver(mosquitto.port) as receiver, agent:
        vitals = eventually(lambda: health_of(receiver).get("vitals"))

    assert vitals["disk_free_mb"] > 0


def page_of_a_meter() -> Filed:
    certificate = CalibrationCertificate(
        id="kk-0007-flow-2026-11-24",
        made_on=date(2026, 11, 24),
        made_by="N. Beridze",
        kind=CurveKind.LINEAR,
        points=((0.0, 0.0), (4600.0, 10.0)),
        standards=("a bucket of 10 L, weighed",),
        expires_on=date(2027, 11, 24),
    )
    return Filed(
        number=1, device=DEVICE, parameter=Parameter.FLOW, model="yf-s201", made_ms=0, certificate=certificate
    )


def certificates_told(receiver: Receiver) -> list[Certificate]:
    return [record for record in receiver.records(DEVICE) if isinstance(record, Certificate)]


def health_of(receiver: Receiver) -> dict[str, Any]:
    topic = topics.of_device(DEVICE, "health")
    told = [each.payload for each in receiver.heard if each.topic == topic]
    return dict(json.loads(told[-1])) if told else {}


def test_a_machine_without_pins_is_refused_with_the_pin(settings: Path) -> None:
    done = run(TSKARO_EDGE, "run", "--settings", settings, env={"GPIOZERO_PIN_FACTORY": "native"})

    assert done.returncode == 78
    assert "GPIO17 cannot be opened" in done.stderr
    assert "Traceback" not in done.stderr


def test_status_before_the_first_start_says_so(settings: Path) -> None:
    done = run(TSKARO_EDGE, "status", "--settings", settings)

    assert done.returncode == 1
    assert "has the agent been started?" in done.stderr
