"""Writing a card: a rendered device onto the boot partition, in an order that a pulled card survives.

What arms the first boot, `cmdline.txt`, is written last and only after everything else is on the disk.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from firmware_config.card.rendering import WHEELS, Boot
from server.wheelhouse import Wheels
from waterquality.errors import ConfigError

_ANYBODY = 0o755  # firstrun.sh has to be executable; on FAT every file is


def read_boot(folder: Path) -> Boot:
    """What is on the boot partition; the stock files where the folder is empty or not there.

    Raises:
        ConfigError: it is something else than a boot partition; mended by the operator.
    """
    names = ("config.txt", "cmdline.txt")
    there = [name for name in names if (folder / name).is_file()]
    if len(there) == len(names):
        return Boot(*(_text(folder / name) for name in names))
    if folder.exists() and (there or not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(
            f"{folder}: neither empty nor a boot partition of Raspberry Pi OS, which has config.txt and cmdline.txt"
        )
    return Boot()


def write_card(folder: Path, files: Mapping[PurePosixPath, bytes], wheels: Wheels) -> None:
    """Lay everything onto the card.

    Args:
        folder: the boot partition, or an empty folder to be copied onto one.
        files: in the order in which they are to be written.
        wheels: copied beside them.

    Raises:
        ConfigError: there is no room, or nobody may write there; mended by the operator.
    """
    *first, (last, content) = files.items()
    try:
        shutil.rmtree(folder / WHEELS, ignore_errors=True)  # of an earlier version
        (folder / WHEELS).mkdir(parents=True)
        for wheel in wheels.files:
            _write(folder / WHEELS / wheel.name, wheel.read_bytes())
        for path, held in first:
            _write(folder / path, held)
        os.sync()
        _write(folder / last, content)
        os.sync()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"{folder}: the card could not be written: {reason}; do not boot it") from error


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(content)
    if path.suffix == ".sh":
        new.chmod(_ANYBODY)
    if path.suffix == ".key" or path.parent.name == "network":
        new.chmod(0o600)  # on FAT that is nothing; in a folder to be copied it is something
    new.replace(path)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
