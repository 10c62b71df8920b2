"""A front before InfluxDB that takes its time over every write, as a tired disk does; what it passes on is real."""

import http.client
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, Self
from urllib.parse import urlsplit


class SlowFront:
    """Stands before a store.

    Args:
        url: of the store behind.
        write_s: seconds for each write, after the store behind has taken it.
    """

    def __init__(self, url: str, write_s: float) -> None:
        behind = urlsplit(url).netloc

        class Handler(_Handler):
            netloc, seconds = behind, write_s

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one piece: in several, each would wait for an acknowledgement
    netloc: ClassVar[str]
    seconds: ClassVar[float]

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        behind = http.client.HTTPConnection(self.netloc)
        behind.request(self.command, self.path, body, dict(self.headers))
        answer = behind.getresponse()
        content = answer.read()
        behind.close()
        if self.path.startswith("/write"):
            time.sleep(self.seconds)
        try:
            self._answer(answer, content)
        except OSError:
            self.close_connection = True  # nobody waits for it any more

    def _answer(self, answer: http.client.HTTPResponse, content: bytes) -> None:
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    do_GET = do_POST = do_HEAD = _pass_on  # noqa: N815 - the names that http.server asks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""
