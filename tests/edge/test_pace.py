"""A device that fails at every start is started ever more seldom, and a person at the tap waits for nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge import pace
from edge.pace import Ends, ended, pause_s, read


def test_the_pause_grows_to_its_end_after_the_first_few_failures() -> None:
    assert [pause_s(failed) for failed in range(10)] == [0, 0, 0, 0, 15, 30, 60, 120, 165, 165]
    assert pause_s(10**6) == 165


def test_a_day_of_failing_at_every_start_is_a_tenth_of_the_starts_that_it_was() -> None:
    """Fifteen seconds lie between an end and the next start anyway, and a start takes five."""
    ends, now_s, starts = Ends("boot"), 0.0, 0
    while now_s < 86_400:
        now_s += 15 + pause_s(ends.failed)
        ends = Ends("boot", now_s, ends.failed)
        now_s += 5
        starts, ends = starts + 1, ended(ends, now_s, result="exit-code", status="1")

    assert starts < 500 < 4_320 / 8


@pytest.mark.parametrize(
    ("result", "status", "ran_s", "failed"),
    [
        ("exit-code", "1", 5, 8),
        ("watchdog", "6", 200, 8),
        ("signal", "SEGV", 3_599, 8),
        ("exit-code", "1", 3_600, 1),  # it had run well, and failed of something new
        ("success", "0", 5, 0),  # somebody stopped it
        ("exit-code", "75", 5, 0),  # it asked to be started again
    ],
)
def test_only_what_ends_soon_and_unwished_counts(result: str, status: str, ran_s: float, failed: int) -> None:
    assert ended(Ends("boot", 100.0, 7), 100.0 + ran_s, result=result, status=status).failed == failed


def test_another_boot_and_a_file_that_makes_no_sense_begin_anew(tmp_path: Path) -> None:
    path = tmp_path / "starts.json"
    assert read(path, "boot-2") == Ends("boot-2")
    for text in ('{"boot_id": "boot-1", "started_s": 5.0, "failed": 9}', "[]", "{", '{"failed": 9, "x": 1}'):
        path.write_text(text)
        assert read(path, "boot-2") == Ends("boot-2")


def test_systemd_runs_it_alone_before_a_start_and_after_an_end(tmp_path: Path) -> None:
    path, program = tmp_path / "starts.json", [sys.executable, "-I", pace.__file__]

    def run(**told: str) -> str:
        done = subprocess.run(
            [*program, path], env={**os.environ, **told}, capture_output=True, text=True, check=True, cwd="/"
        )
        return done.stdout

    run()
    for _ in range(3):
        run(SERVICE_RESULT="exit-code", EXIT_STATUS="1")
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()

    assert read(path, boot_id).failed == 3
    assert run() == ""
    run(SERVICE_RESULT="success", EXIT_STATUS="0")
    assert read(path, boot_id).failed == 0


def test_it_waits_as_long_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(pace.time, "sleep", waited.append)
    path = tmp_path / "starts.json"
    path.write_text('{"boot_id": "boot", "started_s": 5.0, "failed": 6}')

    pace.run(path, {}, "boot")

    assert waited == [60.0]
    assert capsys.readouterr().out == "failed 6 times in a row: waiting 60 s before the next start\n"
    assert read(path, "boot").failed == 6


def test_a_card_that_takes_nothing_keeps_nobody_from_starting(tmp_path: Path) -> None:
    pace.run(tmp_path / "no-such-folder" / "starts.json", {}, "boot")
