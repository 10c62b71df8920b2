"""`tskaro-edge doctor` and `status` beside a real agent at a real broker: well only after a receipt."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from edge.certificates import CertificateFolder
from edge.clock import SystemClock
from edge.doctor.examination import Patient, Places
from edge.doctor.findings import Finding, Severity, worst
from edge.knocking import ask
from edge.outbox import look_into
from edge.settings import load_settings
from edge.tap.doctoring import examine
from tests.edge.test_agent_cli import page_of_a_meter
from tests.fakes.patience import eventually
from tests.fakes.programs import TSKARO_EDGE, Program, run
from tests.fakes.receiver import Receiver
from tests.services.mosquitto import Mosquitto

pytestmark = pytest.mark.integration
DEVICE = "kk-0007"
PINS = {"GPIOZERO_PIN_FACTORY": "mock"}
WIRED = f"""
schema_version = 1
device = "{DEVICE}"
observe_every_s = 0.2
[[probes]]
parameter = "flow"
model = "yf-s201"
input = {{ pin = 17, pulses_per_litre = 450.0 }}
"""


@pytest.fixture
def settings(tmp_path: Path, mosquitto: Mosquitto) -> Path:
    (tmp_path / "device.toml").write_text(WIRED)
    path = tmp_path / "edge.toml"
    path.write_text(
        f"""
        heartbeat_every_s = 0.5
        trusts_clock = "always"
        device_config = "{tmp_path}/device.toml"
        certificates = "{tmp_path}/certificates"
        [mqtt]
        host = "127.0.0.1"
        port = {mosquitto.port}
        authentication = "none"
        [outbox]
        path = "{tmp_path}/outbox.db"
        [uplink]
        repeat_after_s = 1.0
        [door]
        path = "{tmp_path}/edge.sock"
        [log]
        format = "json"
        """
    )
    return path


@pytest.fixture
def agent(settings: Path) -> Iterator[Program]:
    command = [*TSKARO_EDGE, "run", "--settings", str(settings)]
    with Program(command, ready_event="broker_connected", env=PINS) as running:
        eventually((settings.parent / "edge.sock").exists)
        yield running


class Server:
    """Receipts everything that comes, from when it is told to."""

    def __init__(self, port: int) -> None:
        self._receiver, self._stop = Receiver(port), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._receiver.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        self._receiver.__exit__(*error)

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            envelopes = self._receiver.envelopes(DEVICE)
            if envelopes:
                self._receiver.say_receipt(DEVICE, envelopes[-1].epoch, max(each.last for each in envelopes))


def examined(settings: Path, *more: str) -> tuple[int, dict[str, Any], dict[str, dict[str, str]]]:
    done = run(TSKARO_EDGE, "doctor", "--settings", settings, "--json", *more, env=PINS)
    assert "Traceback" not in done.stderr
    told = json.loads(done.stdout)
    return done.returncode, told, {finding["what"]: finding for finding in told["findings"]}


def examined_on_a_pi(settings: Path, tmp_path: Path, *, wait_s: float) -> list[Finding]:
    """The whole examination where the machine shows itself as a sound Raspberry Pi."""
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "gpiochip0").touch()
    loaded = load_settings(settings)
    places = Places(sys=tmp_path / "sys", dev=tmp_path / "dev")
    patient = Patient(loaded, SystemClock(trusts_always=True), places)
    return list(examine(patient, wait_s=wait_s, progress=lambda *_: None))


def test_all_is_well_only_with_a_receipt(
    settings: Path, agent: Program, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    with Server(mosquitto.port):
        eventually(lambda: look_into(tmp_path / "outbox.db")[1].receipt_ms)
        findings = examined_on_a_pi(settings, tmp_path, wait_s=20.0)

    assert {each.what: each.severity.name for each in findings if each.severity} == {}
    assert worst(findings) is Severity.WELL
    assert {"agent", "broker", "probe.flow", "receipt"} <= {each.what for each in findings}


def test_without_a_receipt_nothing_is_known_to_be_wrong_and_it_is_not_well(
    settings: Path, agent: Program, tmp_path: Path
) -> None:
    findings = examined_on_a_pi(settings, tmp_path, wait_s=2.0)

    assert {each.what for each in findings if each.severity} == {"receipt"}
    assert worst(findings) is Severity.UNSEEN


def test_watch_shows_what_the_running_agent_reads(settings: Path, agent: Program) -> None:
    done = run(TSKARO_EDGE, "watch", "--settings", settings, "--once", "--json", env=PINS)

    assert [each["parameter"] for each in json.loads(done.stdout)["readings"]] == ["flow", "volume"]
    shown = run(TSKARO_EDGE, "watch", "--settings", settings, "--once", "--language", "ka", env=PINS)
    assert "აგენტის მაჩვენებლები" in shown.stdout


def test_without_an_agent_watch_reads_the_hardware_itself(settings: Path) -> None:
    done = run(TSKARO_EDGE, "watch", "--settings", settings, "--once", env=PINS)

    assert done.returncode == 0
    assert "read directly: no agent is running" in done.stdout
    assert "Flow" in done.stdout


def test_a_certificate_filed_beside_a_running_agent_is_followed_at_once(
    settings: Path, agent: Program, tmp_path: Path
) -> None:
    CertificateFolder(tmp_path / "certificates").add(page_of_a_meter())

    assert ask(tmp_path / "edge.sock", "certificates") == {"in_force": 1}


def test_a_receipt_that_came_back_is_well(settings: Path, agent: Program, mosquitto: Mosquitto) -> None:
    with Server(mosquitto.port):
        _, _, findings = examined(settings, "--wait", "20")

    assert findings["receipt"]["severity"] == "well"
    assert findings["outbox"]["severity"] in ("well", "look")


def test_without_a_receipt_all_is_not_well(settings: Path, agent: Program, tmp_path: Path) -> None:
    eventually(lambda: look_into(tmp_path / "outbox.db")[1].head > 2)

    code, told, findings = examined(settings, "--wait", "2")

    assert findings["receipt"]["severity"] == "unseen"
    assert "no receipt came" in findings["receipt"]["words"]
    assert (code, told["exit_code"]) == (code, code)
    assert code >= 3


def test_before_the_first_start_it_says_what_to_do(settings: Path) -> None:
    code, told, findings = examined(settings, "--wait", "0", "--language", "ru")

    assert code >= 3
    assert told["verdict"] != "well"
    assert "systemctl start tskaro-edge" in findings["agent"]["mend"]
    assert findings["broker.login"]["severity"] == "well"


def test_bad_wiring_is_a_finding_and_the_rest_is_examined(settings: Path, tmp_path: Path) -> None:
    (tmp_path / "device.toml").write_text(WIRED.replace("17", "40"))

    code, _, findings = examined(settings)

    assert code == 4
    assert "probes[0].input.pin" in findings["wiring"]["words"]
    assert findings["network.connection"]["severity"] == "well"


def test_bad_settings_end_it_as_they_end_every_command(settings: Path) -> None:
    settings.write_text("nonsense = 1\n")

    assert run(TSKARO_EDGE, "doctor", "--settings", settings, env=PINS).returncode == 78


def test_the_examination_is_shown_in_words_with_the_mends(settings: Path) -> None:
    done = run(TSKARO_EDGE, "doctor", "--settings", settings, "--wait", "0", env=PINS)

    assert "→ sudo systemctl start tskaro-edge" in done.stdout
    assert done.returncode in (3, 4)


def test_status_tells_how_the_device_stands(settings: Path, agent: Program, mosquitto: Mosquitto) -> None:
    def status() -> dict[str, Any]:
        done = run(TSKARO_EDGE, "status", "--settings", settings, "--json", env=PINS)
        return dict(json.loads(done.stdout)) if done.returncode == 0 else {}

    with Server(mosquitto.port):
        told = eventually(lambda: (now := status()) and now["last_receipt_ms"] and now)

    assert told["device"] == DEVICE
    assert told["recorded"] > 0
    assert told["last_receipt_ms"] == 1_763_900_040_000
    assert told["certificates"] == {}
    shown = run(TSKARO_EDGE, "status", "--settings", settings, env=PINS).stdout
    assert "last receipt" in shown
    assert "2025-11-23 12:14:00 UTC" in shown
