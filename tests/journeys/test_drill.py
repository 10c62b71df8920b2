"""The watcher watched: a drill goes the whole way, and where any part is stopped, that part is named and raised."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from alerts.ports import Lane
from server.registry.reserved import DRILL_DEVICE, DRILL_POINT
from server.sole import Sole
from tests.fakes.local_gateway import LocalGateway
from tests.fakes.patience import eventually
from tests.fakes.programs import TSKARO, run
from tests.fakes.world import CSO, MUNICIPALITY, TECHNICIAN, World
from tests.services.influxdb import InfluxDB
from tests.services.mosquitto import Mosquitto

pytestmark = pytest.mark.integration
PHONE = "+995555000099"


class OtherWay:
    """A server that a dead-man URL and an Apprise URL lead to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append((self.path, ""))
                self._well()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                asked.append((self.path, body.decode()))
                self._well()

            def _well(self) -> None:
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def other_way() -> Iterator[OtherWay]:
    way = OtherWay()
    yield way
    way.close()


@pytest.fixture
def world(tmp_path: Path, mosquitto: Mosquitto, influxdb: InfluxDB, other_way: OtherWay) -> Iterator[World]:
    with World(tmp_path, mosquitto, influxdb) as world:
        secrets = tmp_path / "secrets"
        (secrets / "tskaro_drill_dead_man_url").write_text(f"http://127.0.0.1:{other_way.port}/ping")
        (secrets / "tskaro_drill_apprise_url").write_text(f"json://127.0.0.1:{other_way.port}/raise")
        world.register({"kk-0001": "algeti"})
        world.tskaro("drill", "set-up", "--phone", PHONE)
        yield world


def drill(world: World, patience_s: float = 30) -> dict[str, Any]:
    """Run a drill; what it told."""
    arguments = ("drill", "run", "--json", "--patience-s", patience_s, "--settings", world.settings)
    done = run(TSKARO, *arguments, env=world.env)
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if told["is_well"] else 1), done.stderr
    return told


def check(world: World, within: str = "2h") -> dict[str, Any]:
    """Look whether one succeeded; what it told."""
    done = run(
        TSKARO, "drill", "check", "--json", "--within", within, "--settings", world.settings, env=world.env
    )
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if told["is_well"] else 1), done.stderr
    return told


def test_a_drill_goes_the_whole_way_and_nobody_real_hears_of_it(world: World, other_way: OtherWay) -> None:
    world.start(world.server("ingest"), world.server("notify"))

    first, second = drill(world), drill(world)

    assert (first["is_well"], second["is_well"]) == (True, True), (first, second)
    assert list(first["took_s"]) == ["broker", "alert", "owed", "store", "notifier", "gateway", "clear"]
    assert check(world)["is_well"]
    assert [path for path, _ in other_way.asked] == ["/ping"]
    eventually(lambda: len(world.texts_to(PHONE)) == 4)  # of each drill one of the breach and one of its end
    assert [world.texts_to(person) for person in (CSO, MUNICIPALITY, TECHNICIAN)] == [[], [], []]
    assert DRILL_DEVICE not in world.tskaro("completeness")


@pytest.mark.parametrize("stopped", ["ingest", "store", "notifier", "gateway", "broker"])
def test_what_is_stopped_is_named_and_raised_by_another_way(
    world: World, other_way: OtherWay, stopped: str
) -> None:
    ingest, notify = world.server("ingest"), world.server("notify")
    world.start(ingest, notify)
    expected = {"ingest": "alert"}.get(stopped, stopped)
    stop(world, stopped, ingest, notify)
    try:
        told = drill(world, patience_s=4)
    finally:
        start_again(world, stopped)

    assert told["failed_at"] == expected, told
    raised = check(world)
    assert not raised["is_well"]
    assert "no drill has ever succeeded" in raised["why"]
    assert [path for path, _ in other_way.asked] == ["/raise"]
    assert "no drill has ever succeeded" in other_way.asked[0][1]
    assert world.changes(DRILL_POINT, Lane.LATE) == []
    assert [world.texts_to(person) for person in (CSO, MUNICIPALITY, TECHNICIAN)] == [[], [], []]


def stop(world: World, part: str, ingest: Any, notify: Any) -> None:
    """Stop one part of the way."""
    if part == "gateway":
        world.gateway.__exit__()
        return
    {"ingest": ingest, "notifier": notify, "store": world.influxdb, "broker": world.broker}[part].stop()


def start_again(world: World, part: str) -> None:
    """Start what other tests need too."""
    if part == "gateway":
        world.gateway = LocalGateway().__enter__()
    if part in {"store", "broker"}:
        {"store": world.influxdb, "broker": world.broker}[part].start()


def test_two_drills_at_once_do_not_mix(world: World) -> None:
    world.start(world.server("ingest"), world.server("notify"))
    other = Sole(world.database, "drill")
    assert other.is_ours()

    done = run(TSKARO, "drill", "run", "--settings", world.settings, env=world.env)

    assert done.returncode == 78
    assert "another drill is under way" in done.stderr
    other.release()
    assert drill(world)["is_well"]
