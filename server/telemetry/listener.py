"""Where Prometheus comes to read: a small listener of its own, since the pages have no sign-in.

**Which port.** `serve` and `ingest` listen on `metrics.port`, `notify` on the next one and `web` on the one after:
the three of one machine read one file and are not in each other's way. A second `ingest` needs a port of its own.
Without `metrics.port` nothing listens.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import structlog

from server.settings import Metrics
from server.telemetry.page import Page
from waterquality.errors import LinkError

_log = structlog.get_logger()
_FORM = "text/plain; version=0.0.4; charset=utf-8"
_SLOWEST_S = 10.0


class Process(StrEnum):
    """A process of the server."""

    SERVE = "serve"
    INGEST = "ingest"
    NOTIFY = "notify"
    WEB = "web"

    @property
    def offset(self) -> int:
        """How far above `metrics.port` it listens."""
        return {Process.NOTIFY: 1, Process.WEB: 2}.get(self, 0)


class CannotListen(LinkError):
    """Nothing can listen there, for now: often another process does; mended by time, or by another port."""


@contextmanager
def listening(settings: Metrics, process: Process, page: Page) -> Iterator[None]:
    """Answer at `/metrics` until left; does nothing without `metrics.port`.

    Raises:
        CannotListen: the port is taken, or there is no such address; mended by time, or by the operator.
    """
    if settings.port is None:
        yield
        return
    server = _bound(settings.host, settings.port + process.offset, process, page)
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    _log.info("metrics_served", host=settings.host, port=server.server_address[1])
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _bound(host: str, port: int, process: Process, page: Page) -> ThreadingHTTPServer:
    class Reader(BaseHTTPRequestHandler):
        timeout = _SLOWEST_S

        def do_GET(self) -> None:
            is_there = self.path.partition("?")[0] == "/metrics"
            body = page.text() if is_there else b"The figures are at /metrics.\n"
            self.send_response(HTTPStatus.OK if is_there else HTTPStatus.NOT_FOUND)
            self.send_header("Content-Type", _FORM if is_there else "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody wants a line for each question."""

    try:
        return ThreadingHTTPServer((host, port), Reader)
    except (OSError, OverflowError) as error:
        raise CannotListen(_refusal(host, port, process, error)) from error


def _refusal(host: str, port: int, process: Process, error: Exception) -> str:
    why = getattr(error, "strerror", None) or str(error)
    above = f", which is metrics.port + {process.offset}" if process.offset else ""
    return (
        f"metrics: cannot listen at {host}:{port}{above} (tskaro {process}): {why}. "
        "If another process has that port, give this one its own: TSKARO_METRICS__PORT."
    )
