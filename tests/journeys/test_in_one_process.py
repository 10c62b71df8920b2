"""`tskaro serve`: intake, alerts, texts and pages in one process, as on a box of a few villages."""

import urllib.request

import pytest

from tests.fakes.patience import eventually
from tests.fakes.world import CSO, World
from tests.services.service import free_port

pytestmark = pytest.mark.integration


def test_one_process_takes_in_tells_and_shows_and_stops_when_told(world: World) -> None:
    port = free_port()
    with world.settings.open("a", encoding="utf-8") as settings:
        settings.write(f"[web]\nport = {port}\n")
    world.register({"kk-0001": "algeti"})
    serve, device = world.server("serve"), world.device()
    world.start(serve, device)

    eventually(lambda: len(world.stored("kk-0001")) >= 5)
    eventually(lambda: page(port, "/en/water-points/algeti") == 200)
    device.sees(turbidity=12.0)
    eventually(lambda: len(world.texts_to(CSO)) == 1)
    serve.kill()
    serve.start()
    device.sees(turbidity=0.4)
    eventually(lambda: len(world.texts_to(CSO)) == 2)

    assert world.assert_all_is_kept(device) >= 20
    eventually(lambda: page(port, "/en/water-points/algeti") == 200)
    serve.stop()
    assert serve.exit_code == 0
    assert page(port, "/") == 0


def page(port: int, path: str) -> int:
    """The status that a page answers with; 0 where nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return int(answer.status)
    except OSError:
        return 0
