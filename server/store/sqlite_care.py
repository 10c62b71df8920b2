"""The embedded store's file looked at and compacted: what an administrator asks of it."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from server.store.finding import Finding, bad, doubtful, well
from server.store.port import StoreUnavailable
from waterquality.errors import ConfigError

_SCARCE_BYTES = 500_000_000
_MB = 1_000_000
_BUSY_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Compacted:
    """What came of compacting: the size of the file in bytes, before and after."""

    before: int
    after: int


def check(path: Path) -> Iterator[Finding]:
    """Whether the file is there, sound at first sight, and can be written; and whether the disk has room."""
    if not path.exists():
        yield bad("reach", f"{path} is not there", "`tskaro store init` makes it")
        return
    try:
        with closing(_open(path)) as connection:
            connection.execute("SELECT count(*) FROM (SELECT 1 FROM observation LIMIT 1)")
            yield well("reach", f"{path}, {path.stat().st_size / _MB:.0f} MB")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("CREATE TABLE tskaro_check (at INTEGER)")
            connection.execute("ROLLBACK")
            yield well("rights", "writes and reads")
    except sqlite3.Error as error:
        yield bad(
            "rights", f"{path}: {error}", "whoever runs this must be the user of the server; see that file"
        )
        return
    free = shutil.disk_usage(path.parent).free
    if free < _SCARCE_BYTES:
        yield doubtful("disk", f"{free / _MB:.0f} MB free", "make room, or a larger disk")
    else:
        yield well("disk", f"{free / _MB:.0f} MB free")


def compact(path: Path) -> Compacted:
    """Give the room of what was deleted back to the disk, and look anew at how questions are best answered.

    Nothing is written meanwhile: what arrives stays with the devices and comes again.

    Raises:
        ConfigError: not enough room; mended by the operator.
        StoreUnavailable: somebody else is writing; mended by time.
    """
    before = path.stat().st_size if path.exists() else 0
    _see_room(path.parent, 2 * before)  # the new file, and the log it is copied through
    _see_room(Path(tempfile.gettempdir()), before)
    try:
        with closing(_open(path)) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA optimize")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path}: {error}") from error
    return Compacted(before, path.stat().st_size)


def _see_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ConfigError(
            f"{folder} has {free / _MB:.0f} MB free and compacting may need {needed / _MB:.0f} MB: make room first"
        )


def _open(path: Path) -> sqlite3.Connection:
    where = f"{path.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(where, uri=True, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
