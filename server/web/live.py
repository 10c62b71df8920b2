"""The hub between the threads that know of a change and the pages that want to hear of it.

**Invariants**: `publish` never blocks and never fails, whatever the clients do. What waits for one client is
one event for each (kind, water point), the newest; so a client that is slow holds a bounded amount, and one
that falls behind by more than `most_waiting` is let go and comes again, starting from the store and ledger.
A client is woken at most once in `pace_s`, whatever the rate of events.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Literal

_MOST_WAITING = 2000
_PACE_S = 0.5


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """Something changed that a page may show.

    Attributes:
        kind: what changed: the newest readings, an alert or the fate of its texts, or the on-screen phone.
        water_point: id of the water point; "" where it belongs to none.
        at_ms: when, milliseconds since 1970, UTC.
    """

    kind: Literal["readings", "alert", "phone"]
    water_point: str
    at_ms: int


@dataclass(eq=False, slots=True)
class _Client:
    """What waits for one page; `woken` belongs to the client's own loop."""

    loop: asyncio.AbstractEventLoop
    woken: asyncio.Event
    waiting: dict[tuple[str, str], LiveEvent] = field(default_factory=dict)
    is_let_go: bool = False


class LiveHub:
    """Hands events on to every page that listens.

    Args:
        most_waiting: different (kind, water point) pairs that may wait for one client before it is let go.
        pace_s: shortest time between two batches to one client, in real seconds.
    """

    def __init__(self, *, most_waiting: int = _MOST_WAITING, pace_s: float = _PACE_S) -> None:
        self._most_waiting = most_waiting
        self._pace_s = pace_s
        self._lock = threading.Lock()
        self._clients: set[_Client] = set()
        self._published = 0
        self._is_closed = False

    @property
    def clients(self) -> int:
        """How many pages listen now."""
        with self._lock:
            return len(self._clients)

    @property
    def published(self) -> int:
        """How many events there were: a page that was made at another count has missed something."""
        with self._lock:
            return self._published

    def publish(self, event: LiveEvent) -> None:
        """Tell every page of an event. Any thread may call it; it returns at once."""
        with self._lock:
            self._published += 1
            for client in tuple(self._clients):
                self._offer(client, event)

    async def subscribe(self) -> AsyncIterator[tuple[LiveEvent, ...]]:
        """Batches of events, oldest change first; ends when the client is let go.

        The first batch is empty: it says that from here on nothing is missed.
        """
        client = _Client(asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            client.is_let_go = self._is_closed
            self._clients.add(client)
        try:
            yield ()
            while not client.is_let_go:
                await client.woken.wait()
                batch = self._take(client)
                if batch:
                    yield batch
                    await asyncio.sleep(self._pace_s)
        finally:
            with self._lock:
                self._clients.discard(client)

    def close(self) -> None:
        """Let every client go, so that the server can stop; any thread may call it."""
        with self._lock:
            self._is_closed = True
            for client in self._clients:
                _let_go(client)

    def _offer(self, client: _Client, event: LiveEvent) -> None:
        key = (event.kind, event.water_point)
        if key not in client.waiting and len(client.waiting) >= self._most_waiting:
            _let_go(client)
            return
        was_idle = not client.waiting
        client.waiting[key] = event
        if was_idle:
            _wake(client)

    def _take(self, client: _Client) -> tuple[LiveEvent, ...]:
        with self._lock:
            client.woken.clear()
            batch = tuple(client.waiting.values())
            client.waiting.clear()
        return () if client.is_let_go else batch


def _let_go(client: _Client) -> None:
    client.is_let_go = True
    client.waiting.clear()
    _wake(client)


def _wake(client: _Client) -> None:
    if not client.loop.is_closed():
        client.loop.call_soon_threadsafe(client.woken.set)
