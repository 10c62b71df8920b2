"""The listener: at one path, on the loopback, for whoever asks; a port that is taken is refused plainly."""

import socket
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from server.settings import Metrics
from server.telemetry.listener import CannotListen, Process, listening
from server.telemetry.page import Page
from tests.services.service import free_port


def test_figures_are_at_metrics_and_nowhere_else() -> None:
    port = free_port()
    with listening(Metrics(port=port), Process.SERVE, Page("serve", [])):
        with urlopen(f"http://127.0.0.1:{port}/metrics?x=1", timeout=5) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            assert b'process="serve"' in answer.read()
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"http://127.0.0.1:{port}/", timeout=5)

    with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.1", port)):
        pass


def test_without_a_port_nothing_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket.bind", lambda *_: pytest.fail("something listens"))
    with listening(Metrics(), Process.SERVE, Page("serve", [])):
        pass


def test_the_three_processes_of_one_machine_are_not_in_each_others_way() -> None:
    offsets = [process.offset for process in (Process.INGEST, Process.NOTIFY, Process.WEB)]

    assert offsets == [0, 1, 2]
    assert Process.SERVE.offset == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1", "no.such.name.invalid"])
def test_an_address_that_cannot_be_had_is_refused_with_the_key_and_the_way_out(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(
                CannotListen, match=rf"metrics: cannot listen at {host}:{port}, which is metrics.port \+ 1"
            ),
            listening(Metrics(host=host, port=port - 1), Process.NOTIFY, Page("notify", [])),
        ):
            pass
