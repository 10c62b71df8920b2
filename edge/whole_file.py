"""Small files that are there whole or not at all, whenever the power fails.

Written beside, flushed to the card, renamed over the old one, and the folder flushed too: without the last step the
name itself may be lost. (A file cut to nothing by a power cut is the classic end of a device in the field.)
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

Step = Callable[[str], None]  # called between any two steps; a test may end the process there


def _go_on(_: str) -> None:
    pass


def replace_file(path: Path, content: bytes, *, step: Step = _go_on) -> None:
    """Put this content in place of what is there.

    Args:
        path: the file; its folder is made when missing.
        content: the whole of it.
        step: told the name of each step when it is done.

    Raises:
        OSError: the old content stands; mended by the operator.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            step("written")
            os.fsync(file.fileno())
        step("flushed")
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
    step("renamed")
    flush_folder(path.parent)
    step("folder_flushed")


def remove_file(path: Path) -> None:
    """Remove a file for good; nothing happens when there is none.

    Raises:
        OSError: it cannot be removed; mended by the operator.
    """
    if path.exists():
        path.unlink()
        flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Have the names in a folder on the card, not only in memory.

    Raises:
        OSError: mended by the operator.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
