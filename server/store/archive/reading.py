"""The rows of a file in a package, once it is known to be the file that the package describes."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from server.store.archive.columns import CellReader
from server.store.archive.csv_file import read_csv
from server.store.archive.package import HourResource, PackageBroken, Resource
from server.store.archive.sums import DaySums
from server.store.port import Row


def check_file(folder: Path, resource: Resource | HourResource) -> None:
    """See that the file is there, whole and unchanged.

    Raises:
        PackageBroken: it is not; mended by the operator.
    """
    path = folder / resource.path
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise PackageBroken(f"{path}: {error.strerror}") from error
    if f"sha256:{digest}" != resource.hash:
        raise PackageBroken(
            f"{path} is damaged or was changed: its checksum is not the one in the description"
        )


def check_sums(folder: Path, resource: Resource) -> None:
    """See that the rows of a file add up to what the package says of them, device by device and day by day.

    Raises:
        PackageBroken: they do not; mended by the operator.
    """
    sums = DaySums.of(rows_of(folder, resource))
    if sums.plain() != resource.facts.days or sums.total().text != resource.facts.checksum:
        raise PackageBroken(f"{folder / resource.path}: its rows do not add up to what the description says")


def rows_of(folder: Path, resource: Resource) -> Iterator[Row]:
    """The rows of a file, in its order.

    Raises:
        PackageBroken: it cannot be read; mended by the operator.
    """
    return read_csv(folder / resource.path, lambda header: CellReader(header).row_of)
