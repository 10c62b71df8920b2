"""`tskaro-edge run` is the agent and nothing else; every other command is as it was."""

import json
from pathlib import Path

import pytest

from edge.settings import DEFAULT_PATH
from edge.start import settings_to_run
from tests.fakes.programs import PYTHON, run

START = (*PYTHON, "-c", "from edge.start import main; main()")


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        (["run"], DEFAULT_PATH),
        (["run", "--settings", "/x/edge.toml"], Path("/x/edge.toml")),
        (["run", "--settings=/x/edge.toml"], Path("/x/edge.toml")),
        (["run", "--help"], None),
        (["run", "--setings", "x"], None),
        (["check"], None),
        ([], None),
    ],
)
def test_only_a_plain_run_is_read_here(arguments: list[str], settings: Path | None) -> None:
    assert settings_to_run(arguments) == settings


def test_the_agent_runs_without_typer() -> None:
    listed = run(
        [*PYTHON, "-c"],
        "import sys, json, edge.start; print(json.dumps([n for n in ('typer', 'edge.cli') if n in sys.modules]))",
    )

    assert json.loads(listed.stdout) == []


def test_other_commands_and_misspelt_ones_are_typers() -> None:
    assert "--settings" in run(START, "run", "--help").stdout
    assert run(START, "run", "--setings", "x").returncode == 2
    assert "check" in run(START, "--help").stdout


def test_a_configuration_that_is_refused_is_said_plainly_with_its_exit_code(tmp_path: Path) -> None:
    done = run(START, "run", "--settings", tmp_path / "edge.toml")

    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr == f"{tmp_path}/edge.toml: no such file\n"
