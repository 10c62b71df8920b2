"""An SMS gateway of flesh and blood on a free port of this machine: real HTTP, scripted moods.

It takes texts at `/send` as JSON, a form or a query, drops a double of the same reference, and tells at
`/status` what became of them. What `next_answer`, `hang_up` or `fall_silent` set holds for one request.
"""

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """What arrived, to the byte."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def fields(self) -> dict[str, Any]:
        """The fields, however they travelled."""
        if self.headers.get("content-type", "").startswith("application/json"):
            return dict(json.loads(self.body))
        query = self.body.decode("ascii") if self.body else urlsplit(self.target).query
        return dict(parse_qsl(query, strict_parsing=True, encoding="utf-8", errors="strict"))


@dataclass
class Mood:
    """How one request is answered; a status of None closes the connection without a word."""

    status: int | None
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    waits: bool = False
    takes: bool = False


class LocalGateway:
    """Starts on entering and ends on leaving.

    Attributes:
        requests: everything that arrived, oldest first.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._moods: deque[Mood] = deque()
        self._ids: dict[str, str] = {}
        self._texts: dict[str, tuple[str, str]] = {}
        self._delivered: set[str] = set()
        self._released = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def texts(self) -> list[tuple[str, str]]:
        """The (address, body) of each text taken, doubles dropped, oldest first."""
        return list(self._texts.values())

    def next_answer(self, status: int, body: object = "", **headers: str) -> None:
        """Answer the next request like this; a text is not taken."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._moods.append(Mood(status, content, named))

    def hang_up(self) -> None:
        """Close the connection of the next request without an answer."""
        self._moods.append(Mood(None))

    def take_and_hang_up(self) -> None:
        """Do what the next request asks, and close the connection without saying so."""
        self._moods.append(Mood(None, takes=True))

    def fall_silent(self) -> None:
        """Leave the next request without an answer for as long as the gateway lives."""
        self._moods.append(Mood(None, waits=True))

    def deliver_all(self) -> None:
        """Every text taken reaches its telephone."""
        self._delivered |= set(self._texts)

    def _respond(self, request: Request) -> Mood:
        self.requests.append(request)
        if self._moods:
            mood = self._moods.popleft()
            if mood.waits:
                self._released.wait()
            if mood.takes:
                self.answer(urlsplit(request.target).path, request.fields)
            return mood
        return self.answer(urlsplit(request.target).path, request.fields)

    def answer(self, path: str, fields: dict[str, Any]) -> Mood:
        """What it says when it is in no mood; other gateways say it in their own way."""
        return self._take(fields) if path == "/send" else self._tell(fields)

    def _take(self, fields: dict[str, Any]) -> Mood:
        message_id = self._ids.setdefault(fields["reference"], f"m-{len(self._ids) + 1}")
        self._texts.setdefault(message_id, (fields["to"], fields["text"]))
        return Mood(200, json.dumps({"success": True, "data": [{"messageId": message_id}]}).encode())

    def _tell(self, fields: dict[str, Any]) -> Mood:
        word = "DELIVERED" if fields["messageId"] in self._delivered else "PENDING"
        return Mood(200, json.dumps({"status": word}).encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing: a client may leave whenever it wants."""


def _handler_of(gateway: LocalGateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def _answer(self, body: bytes) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            mood = gateway._respond(Request(self.command, self.path, headers, body))
            if mood.status is None:
                self.close_connection = True
                self.connection.close()
                return
            self.send_response_only(mood.status)
            for name, value in ({"Content-Type": "application/json"} | mood.headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(mood.body)))
            self.end_headers()
            self.wfile.write(mood.body)

        def finish(self) -> None:
            if not self.connection._closed:
                super().finish()

        def log_message(self, *_: object) -> None:
            """Nothing: the test looks at `requests`."""

    return Handler
