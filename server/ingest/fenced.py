"""The store as intake writes to it: nothing is sent there before it is certain that the shards are still ours.

No store can look at leases while it writes, so a process that is stopped between the question and the write may
still write later. What it writes then is what the device sent, under the same name: another worker's row stays the
same row, but for flags that its screening may have seen otherwise.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from server.store.port import Row


class WritableStore(Protocol):
    """What intake needs of a store; see `server.store.port.ReadingStore`."""

    def prepare(self) -> None:
        """Make what is missing."""
        ...

    def write(self, rows: Sequence[Row]) -> None:
        """Store rows."""
        ...


class FencedStore:
    """The writing half of a store.

    Args:
        store: the store itself.
        confirm: raises LeaseLost where a shard is another worker's now.
    """

    def __init__(self, store: WritableStore, confirm: Callable[[], None]) -> None:
        self._store, self._confirm = store, confirm

    def prepare(self) -> None:
        """Make what is missing; see the port."""
        self._store.prepare()

    def write(self, rows: Sequence[Row]) -> None:
        """Store rows; see the port.

        Raises:
            LeaseLost: nothing was sent; mended by time.
        """
        self._confirm()
        self._store.write(rows)
