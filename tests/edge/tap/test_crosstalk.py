"""Whether another probe disturbs the pH: found where both share the water, told with the numbers."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge.cli import app
from edge.practice import Lesson
from edge.tap.bench import GaveUp
from edge.tap.crosstalk import crosstalk
from tests.edge.tap.at_the_tap import ScriptedConsole, bench
from waterquality.languages import Language
from waterquality.parameters import Parameter

ENTER = ""


def test_probes_that_leave_one_another_alone_are_told_so(tmp_path: Path) -> None:
    console = ScriptedConsole(ENTER, ENTER)
    with bench(console, Parameter.PH, tmp_path) as at:
        crosstalk(at, [Parameter.TURBIDITY])

    assert "They do not disturb one another: pH 7.3" in console.words()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("language", list(Language))
def test_a_probe_that_disturbs_the_ph_is_found_with_the_numbers(tmp_path: Path, language: Language) -> None:
    console = ScriptedConsole(ENTER, ENTER)
    with (
        bench(console, Parameter.PH, tmp_path, lesson=Lesson.CROSSTALK, language=language) as at,
        pytest.raises(GaveUp),
    ):
        crosstalk(at, [Parameter.TURBIDITY])

    words = console.words()
    assert "%(" not in words
    assert "6.86" in words
    assert "7.38" in words
    assert "0.10" in words
    assert ("They disturb one another" in words) == (language is Language.EN)


def test_where_nothing_else_is_in_the_water_there_is_nothing_to_find(tmp_path: Path) -> None:
    console = ScriptedConsole()
    with bench(console, Parameter.PH, tmp_path) as at, pytest.raises(GaveUp):
        crosstalk(at, [])

    assert "no other probe" in console.words()


def test_it_is_of_the_ph_alone() -> None:
    done = CliRunner().invoke(app, ["calibrate", "turbidity", "--practice", "sound", "--crosstalk"])

    assert (done.exit_code, "is of ph" in done.output) == (2, True)
