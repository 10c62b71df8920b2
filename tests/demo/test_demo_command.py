"""`tskaro-demo` as a newcomer types it."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

COMMAND = [sys.executable, "-c", "from demo.cli import app; app()"]
FIGURES = {
    "observations_appended",
    "observations_stored",
    "observations_in_outbox",
    "gaps",
    "lost",
    "alerts_fired",
    "sms_delivered",
    "p99_tap_to_store_s",
    "p99_breach_to_sms_s",
}


def demo(*options: str, within_s: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=within_s, check=False)


def figures(output: str) -> dict[str, float]:
    return json.loads(output.strip().splitlines()[-1])


def test_headless_it_loses_nothing_fires_an_alert_and_delivers_a_text() -> None:
    ran = demo("--for", "25", "--json")

    assert 0 == ran.returncode, ran.stderr
    found = figures(ran.stdout)
    assert set(found) >= FIGURES
    assert 0 == found["lost"]
    assert found["observations_appended"] == found["observations_stored"] + found["observations_in_outbox"]
    assert found["alerts_fired"] >= 1
    assert found["sms_delivered"] >= 1
    assert "SMS" in ran.stderr


def test_too_short_a_run_says_so_by_its_exit_code() -> None:
    ran = demo("--for", "2", "--json")

    assert 1 == ran.returncode
    assert 0 == figures(ran.stdout)["alerts_fired"]


def test_it_stops_cleanly_on_ctrl_c() -> None:
    with subprocess.Popen(
        [*COMMAND, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        assert run.stdout is not None
        _wait_for(run.stdout.readline, "http://127.0.0.1:")
        run.send_signal(signal.SIGINT)
        rest = run.stdout.read()

    assert 0 == run.returncode, rest
    assert "Traceback" not in rest
    assert "lost  0" in rest


def _wait_for(readline: object, words: str) -> None:
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        line = readline()  # type: ignore[operator]
        if words in line:
            return
        assert line, "the demonstration ended early"
    raise AssertionError(words)


def help_of(*command: str) -> Sequence[str]:
    return demo(*command, "--help").stdout.split()


def test_every_option_is_explained() -> None:
    assert "--for" in help_of()
    assert "--map" in help_of("replay")


def test_a_taken_port_is_said_and_another_one_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = demo("--for", "1", "--port", str(port))

    assert f"port {port} is taken" in ran.stdout
    assert "Traceback" not in ran.stderr


def test_a_replay_does_not_wait_for_a_broker_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "water.csv"
    file.write_text("at,t\n2026-01-01T00:00:00Z,1\n")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        ran = demo("replay", str(file), "--time", "at", "--map", "turbidity=t:NTU", "--broker", address)

    assert ran.returncode == 78
    assert f"--broker: nobody answers at {address}" in ran.stderr + ran.stdout


def test_the_help_shows_where_a_password_goes() -> None:
    assert "user:password@" in "".join(help_of("replay")).replace("│", "")
