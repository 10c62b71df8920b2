"""A page over seven water points: in memory of the test client, and served for a real browser."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
import uvicorn
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, sync_playwright

from server.database.engine import Database
from server.web.build import build
from tests.server.web.villages import Villages, villages

_CHROMIUM = "/usr/bin/chromium"
_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def place(tmp_path: Path, database: Database) -> Villages:
    """Seven water points, one standing in each way there is."""
    return villages(tmp_path, database, has_history=False)


@pytest.fixture
def client(place: Villages) -> TestClient:
    return TestClient(place.app(), raise_server_exceptions=False)


class Served:
    """A page served on a free port of this machine."""

    def __init__(self, place: Villages) -> None:
        self.place = place
        self._server = uvicorn.Server(
            uvicorn.Config(place.app(), port=0, log_level="warning", timeout_graceful_shutdown=2)
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._started = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                message = "the page did not start"
                raise RuntimeError(message)
            self._started.wait(0.02)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self.place.live.close()
        self._server.should_exit = True
        self._thread.join(10)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """The built page over seven water points with a day of history."""
    build()
    with Served(villages(tmp_path)) as page:
        yield page


# For a module and no longer: while it lives, no other test of its thread can run an event loop of its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        yield started
        started.close()
