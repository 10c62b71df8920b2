"""Ballast: disk space held back, so that a full disk still has room for saying what was dropped.

Even to delete, SQLite must first write. The ballast is a file that is let go when the disk takes nothing more, and
laid again when there is room.
"""

import os
from contextlib import suppress
from pathlib import Path

_BYTES = 2 * 1024 * 1024  # twice what SQLite's log grows to


class Ballast:
    """Space beside the outbox.

    Args:
        outbox: the file it lies beside.
    """

    def __init__(self, outbox: Path) -> None:
        self._path = outbox.with_name(f"{outbox.name}.ballast")
        self.is_laid = False

    def lay(self) -> None:
        """Take the space; where there is none, nothing happens."""
        if self.is_laid:
            return
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError:
            return
        try:
            os.posix_fallocate(file, 0, _BYTES)
            self.is_laid = True
        except OSError:
            self._path.unlink(missing_ok=True)
        finally:
            os.close(file)

    def let_go(self) -> bool:
        """Give the space back; returns whether there was any."""
        was_laid, self.is_laid = self.is_laid, False
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        return was_laid
