"""Files that are there whole or not at all, whatever moment the power goes.

A name appears only when everything behind it is on the disk; the folder is brought to the disk as well, since a
new name is otherwise lost while its content is kept.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

PRIVATE = 0o600
PUBLIC = 0o644


def write_whole(path: Path, content: bytes, *, mode: int = PUBLIC) -> None:
    """Put a file in the place of whatever has this name.

    Args:
        path: its name; the folder is there.
        content: all of it.
        mode: who may read it, from the first byte on.

    Raises:
        OSError: nothing was changed.
    """
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    try:
        _write(new, content, mode)
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


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
        sync_folder(new)
        new.rename(folder)
    except OSError as error:
        shutil.rmtree(new, ignore_errors=True)
        if folder.exists():
            raise FileExistsError(f"{folder} is there already") from error
        raise
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _write(path: Path, content: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(mode)  # whatever the umask took away
