"""A file is there whole or not at all, at whatever step the power fails."""

import os
from pathlib import Path

import pytest

from edge.whole_file import remove_file, replace_file

STEPS = ["written", "flushed", "renamed", "folder_flushed"]


def die_at(step: str):
    def die(done: str) -> None:
        if done == step:
            os._exit(9)

    return die


@pytest.mark.parametrize("step", STEPS)
def test_a_process_killed_at_any_step_leaves_the_old_content_or_the_new(tmp_path: Path, step: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    child = os.fork()
    if child == 0:
        replace_file(path, b"new", step=die_at(step))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9

    assert path.read_bytes() == (b"old" if step in ("written", "flushed") else b"new")
    replace_file(path, b"newer")
    assert path.read_bytes() == b"newer"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_every_step_is_told_in_order(tmp_path: Path) -> None:
    steps: list[str] = []
    replace_file(tmp_path / "sub" / "file", b"x", step=steps.append)

    assert steps == STEPS


def test_a_card_that_takes_nothing_leaves_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(step: str) -> None:
        raise OSError(28, step)

    with pytest.raises(OSError, match="written"):
        replace_file(path, b"new", step=full)
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"old"]


def test_a_file_is_removed_once_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    remove_file(path)
    remove_file(path)

    assert not path.exists()
