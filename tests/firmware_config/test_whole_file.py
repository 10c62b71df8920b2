"""A file is there whole or not at all, at whatever step the power fails."""

import os
from pathlib import Path

import pytest

from firmware_config.whole_file import PRIVATE, PUBLIC, remove_file, replace_file, write_new_folder

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


@pytest.mark.parametrize("mode", [PRIVATE, PUBLIC])
def test_a_file_has_its_mode_from_the_first_byte_on(tmp_path: Path, mode: int) -> None:
    path, seen = tmp_path / "file", []

    def look(_: str) -> None:
        seen.extend(each.stat().st_mode & 0o777 & ~mode for each in tmp_path.iterdir())

    before = os.umask(0o077)
    try:
        replace_file(path, b"x", mode=mode, step=look)
    finally:
        os.umask(before)

    assert not any(seen)
    assert path.stat().st_mode & 0o777 == mode


def test_a_file_without_a_mode_of_its_own_leaves_it_to_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        replace_file(tmp_path / "file", b"x")
    finally:
        os.umask(before)

    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_the_loser_of_two_who_make_a_folder_changes_nothing(tmp_path: Path) -> None:
    write_new_folder(tmp_path / "made", {"a": (b"first", PUBLIC)})
    with pytest.raises(FileExistsError):
        write_new_folder(tmp_path / "made", {"a": (b"second", PUBLIC)})

    assert (tmp_path / "made" / "a").read_bytes() == b"first"
    assert [each.name for each in tmp_path.iterdir()] == ["made"]
