"""Small files that are there whole or not at all, whenever the power fails.

Written beside, flushed to the disk, renamed over the old one, and the folder flushed too: without the last step the
name itself may be lost. (A file cut to nothing by a power cut is the classic end of a device in the field.)
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

PRIVATE = 0o600
PUBLIC = 0o644

Step = Callable[[str], None]  # called between any two steps; a test may end the process there


def _go_on(_: str) -> None:
    pass


def replace_file(path: Path, content: bytes, *, mode: int | None = None, step: Step = _go_on) -> None:
    """Put this content in place of what is there.

    Args:
        path: the file; its folder is made when missing.
        content: the whole of it.
        mode: who may read it, from the first byte on; None leaves that to the umask.
        step: told the name of each step when it is done.

    Raises:
        OSError: the old content stands; mended by the operator.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    try:
        _write(beside, content, mode, step)
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
    step("renamed")
    flush_folder(path.parent)
    step("folder_flushed")


def write_new_folder(folder: Path, files: Mapping[str, tuple[bytes, int]]) -> None:
    """Make a folder with its files, all at once; the loser of two who try it changes nothing.

    Args:
        folder: its name; the folder above it is there.
        files: content and mode by name.

    Raises:
        FileExistsError: it is there already and holds something.
        OSError: nothing was made.
    """
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for name, (content, mode) in files.items():
            _write(new / name, content, mode)
        new.chmod(0o755)
        flush_folder(new)
        new.rename(folder)
    except OSError as error:
        shutil.rmtree(new, ignore_errors=True)
        if folder.exists():
            raise FileExistsError(f"{folder} is there already") from error
        raise
    flush_folder(folder.parent)


def remove_file(path: Path) -> None:
    """Remove a file for good; nothing happens when there is none.

    Raises:
        OSError: it cannot be removed; mended by the operator.
    """
    if path.exists():
        path.unlink()
        flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, not only in memory.

    Raises:
        OSError: mended by the operator.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, content: bytes, mode: int | None, step: Step = _go_on) -> None:
    created = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else mode)
    with os.fdopen(created, "wb") as file:
        file.write(content)
        file.flush()
        step("written")
        os.fsync(file.fileno())
    if mode is not None:
        path.chmod(mode)  # whatever the umask took away
    step("flushed")
