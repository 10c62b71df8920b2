"""A web server of the tests: one file over HTTPS for whoever has papers; it misbehaves when told to."""

import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.fakes.papers import Authority, Papers


@dataclass
class FileServer:
    """Serves `content` at every path.

    Attributes:
        content: the file.
        cut_after: close the line after so many bytes of an answer; None never does.
        status: answer with this alone; 0 serves the file.
        knows_ranges: whether it goes on where it is asked to.
        lies_about_length: say no length at all.
        asked: the Range of every request, "" where there was none.
        served: bytes sent in all.
    """

    content: bytes
    cut_after: int | None = None
    status: int = 0
    knows_ranges: bool = True
    lies_about_length: bool = False
    asked: list[str] = field(default_factory=list)
    served: int = 0

    def open(self, authority: Authority, papers: Papers) -> Self:
        """Begin to serve."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(papers.certificate, papers.key)
        context.load_verify_locations(authority.ca)
        context.verify_mode = ssl.CERT_REQUIRED
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._server.handle_error = lambda *_: None  # a client that is refused
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._server.server_address[1]}/tskaro.bundle"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        files = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                files.answer(self)

        return Handler

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range", "")
        self.asked.append(asked)
        if self.status:
            request.send_response(self.status)
            request.send_header("Location", "http://127.0.0.1:1/elsewhere")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.knows_ranges else 0
        if start >= len(self.content):
            request.send_error(416)
            return
        body = self.content[start:]
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        if not self.lies_about_length:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        sent = body if self.cut_after is None else body[: self.cut_after]
        request.wfile.write(sent)
        self.served += len(sent)
