"""What `--help` says, at the width of a terminal: whole words and whole sentences."""

from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from edge.cli import app as tskaro_edge
from server.cli import app as tskaro

_COLUMNS = {"COLUMNS": "80", "TERMINAL_WIDTH": "80"}


def pages(app: typer.Typer) -> Iterator[list[str]]:
    """The words that lead to every page of help."""
    return _below(typer.main.get_command(app), [])


def _below(command: object, words: list[str]) -> Iterator[list[str]]:
    yield words
    for name, inner in getattr(command, "commands", {}).items():
        yield from _below(inner, [*words, name])


@pytest.mark.parametrize("app", [tskaro, tskaro_edge], ids=["tskaro", "tskaro-edge"])
def test_no_page_of_help_is_cut_at_80_columns(app: typer.Typer) -> None:
    for words in pages(app):
        shown = CliRunner().invoke(app, [*words, "--help"], env=_COLUMNS).stdout
        cut = [
            line
            for line in shown.splitlines()
            if "…" in line or len(line) > 80 or (line.endswith("...") and "Usage:" not in line)
        ]
        assert not cut, (words, cut)
        assert "(dynamic)" not in shown, words
