"""A bell that ends a wait on sockets; ringing it never blocks and never fails, whether it hangs or not."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Bell:
    """Rung by any thread, heard by the one that waits on its descriptor."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._lock = threading.Lock()

    @contextmanager
    def hung_up(self) -> Iterator[int]:
        """Its descriptor, readable once it has rung; `hush` makes it silent again."""
        self._descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        try:
            yield self._descriptor
        finally:
            with self._lock:
                descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    def ring(self) -> None:
        """Ring."""
        with self._lock, suppress(BlockingIOError):  # it has rung already
            if self._descriptor is not None:
                os.eventfd_write(self._descriptor, 1)

    def hush(self) -> None:
        """It was heard."""
        with suppress(BlockingIOError):
            if self._descriptor is not None:
                os.eventfd_read(self._descriptor)
