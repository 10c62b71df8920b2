"""One gzipped CSV file of a package: written beside, flushed and renamed; read only as the description knows it.

The same rows give the same bytes, and the name of a file holds part of its checksum.
"""

import csv
import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from firmware_config.whole_file import flush_folder
from server.store.archive.columns import Unreadable
from server.store.archive.package import PackageBroken

_COMPRESSION = 6
_Read = TypeVar("_Read")
csv.field_size_limit(1 << 24)  # a certificate of any length that the store takes


@dataclass(frozen=True, slots=True)
class Written:
    """A file that is on the disk, and its digest: `sha256:` and hex digits."""

    path: Path
    digest: str


def write_csv(into: Path, stem: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Written:
    """Write a file `<stem>.<8 digits>.csv.gz`.

    Raises:
        OSError: the disk is full, or may not be written; nothing of that name is there.
    """
    into.mkdir(parents=True, exist_ok=True)
    part = into / f"{stem}.part"
    with part.open("wb") as file:
        _write_rows(file, header, rows)
        file.flush()
        os.fsync(file.fileno())
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    path = into / f"{stem}.{digest[:8]}.csv.gz"
    part.replace(path)
    flush_folder(into)
    return Written(path, f"sha256:{digest}")


def read_csv(
    path: Path, reader: Callable[[Sequence[str]], Callable[[Sequence[str]], _Read]]
) -> Iterator[_Read]:
    """What stands in a file, in its order.

    Args:
        path: the file.
        reader: makes of a header what makes rows of cells.

    Raises:
        PackageBroken: it cannot be read; mended by the operator.
    """
    line = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
            cells = csv.reader(text)
            read = reader(next(cells, []))
            for line, each in enumerate(cells, start=1):  # noqa: B007 - said where it fails
                yield read(each)
    except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError, Unreadable) as error:
        raise PackageBroken(f"{path}, row {line}: {error}") from error


def _write_rows(file: IO[bytes], header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with (
        gzip.GzipFile("", "wb", _COMPRESSION, file, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as text,
    ):
        writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180; so a lone CR in a cell is quoted too
        writer.writerow(header)
        writer.writerows(rows)
