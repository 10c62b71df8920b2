"""A running device, updated from one build of this checkout to the next; and a broken build gone back from.

Real wheels, a real virtual environment for each version, a real broker with certificates, a real web server.
"""

import json
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edge import launch
from edge.launch import current_version, switch
from edge.outbox import look_into
from edge.settings import load_settings
from edge.update_stage import PipInstall, stage
from server.ingest.books import Books
from server.remote.signing import make_bundle, signed
from tests.fakes.agent_process import toml
from tests.fakes.file_server import FileServer
from tests.fakes.papers import Authority
from tests.fakes.patience import eventually
from tests.fakes.programs import PYTHON, TSKARO, Program, run
from tests.fakes.wheels import build_ours, pack_needs
from tests.fakes.world import World
from tests.services.influxdb import InfluxDB
from tests.services.mosquitto import Mosquitto
from tests.services.service import free_port

pytestmark = pytest.mark.integration
DEVICE, OLD, NEW, BROKEN = "kk-0001", "0.1.0", "0.2.0", "0.3.0"
_SUPERVISOR = """
trap 'kill -TERM $child; wait $child; exit 0' TERM
while :; do
  "$@" & child=$!
  wait $child; code=$?
  [ $code = 0 ] && exit 0
  [ $code = 78 ] && exit 78
  sleep 0.2
done
"""


@dataclass(frozen=True)
class Bundles:
    """Signed bundles of this checkout, by version, and the key they are signed with."""

    folder: Path

    def of(self, version: str) -> Path:
        return self.folder / f"tskaro-{version}.bundle"


def deafen(sources: Path) -> None:
    """A version that starts, samples, connects and never sends: only a missing receipt can tell."""
    uplink = sources / "edge" / "uplink.py"
    text = uplink.read_text(encoding="utf-8")
    assert "def _send_all_due(self) -> None:\n" in text
    text = text.replace(
        "def _send_all_due(self) -> None:\n", "def _send_all_due(self) -> None:\n        return\n"
    )
    uplink.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    folder = tmp_path_factory.mktemp("bundles")
    assert run(TSKARO, "update", "keygen", folder / "update").returncode == 0
    pack_needs(folder / "wheels")
    made = Bundles(folder)
    for version, change in ((OLD, lambda _: None), (NEW, lambda _: None), (BROKEN, deafen)):
        wheel = build_ours(version, folder, change)
        placed = wheel.rename(folder / "wheels" / wheel.name)
        assert make_bundle(folder / "wheels", made.of(version)) == version
        placed.unlink()
        done = run(TSKARO, "update", "sign", made.of(version), "--key", folder / "update.key")
        assert done.returncode == 0, done.stderr
    return made


class Pi(Program):
    """A device installed under a folder as on a card, started as systemd would start it."""

    def __init__(self, folder: Path, port: int, authority: Authority, key: Path) -> None:
        self.root, self.card, self.launcher = folder / "opt", folder / "card", folder / "launch.py"
        launched = [
            *PYTHON[:1],
            "-I",
            str(self.launcher),
            str(self.root),
            "run",
            "--settings",
            str(self.card / "edge.toml"),
        ]
        super().__init__(
            ["sh", "-c", _SUPERVISOR, "systemd", *launched],
            ready_event="broker_connected",
            env={"GPIOZERO_PIN_FACTORY": "mock", "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        )
        self.card.mkdir(parents=True)
        papers = authority.issue(DEVICE)
        (self.card / "device.toml").write_text(toml(DEVICE, 0.5), encoding="utf-8")
        (self.card / "edge.toml").write_text(
            f"""device_config = "{self.card}/device.toml"
trusts_clock = "always"
heartbeat_every_s = 1
[mqtt]
host = "127.0.0.1"
port = {port}
[mqtt.tls]
ca = "{authority.ca}"
certificate = "{papers.certificate}"
key = "{papers.key}"
[outbox]
path = "{self.card}/outbox.db"
[uplink]
repeat_after_s = 0.5
[door]
path = "{self.card}/edge.sock"
[remote]
folder = "{self.card}/remote"
[update]
folder = "{self.root}"
launcher = "{self.launcher}"
key = "{key}"
receipt_within_s = 20
[log]
format = "json"
""",
            encoding="utf-8",
        )

    def install(self, bundle: Path) -> None:
        """What the first boot of a card does."""
        manifest = signed(bundle).manifest
        settings = self.card / "edge.toml"
        load_settings(settings)
        installed = PipInstall(("check", "--settings", str(settings)), threading.Event())
        stage(bundle, manifest, self.root, install=installed)
        (
            self.root / "versions" / manifest.version / launch.COMPLETE
        ).unlink()  # a card need not know of the mark
        switch(self.root, manifest.version)
        shutil.copy(launch.__file__, self.launcher)

    def _end(self, how: signal.Signals) -> None:
        process = self._process
        if how is signal.SIGKILL and process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        super()._end(how)


@pytest.fixture
def pi(tmp_path: Path, influxdb: InfluxDB, bundles: Bundles) -> Iterator[tuple[World, Pi, FileServer]]:
    authority, port = Authority(tmp_path), free_port()
    papers = authority.issue("server", is_server=True)
    lines = (
        f"listener {port} 127.0.0.1",
        f"cafile {authority.ca}",
        f"certfile {papers.certificate}",
        f"keyfile {papers.key}",
        "require_certificate true",
        "use_identity_as_username true",
    )
    files = FileServer(b"").open(authority, papers)
    with Mosquitto(settings=lines) as broker, World(tmp_path, broker, influxdb) as world:
        world.register({DEVICE: "algeti"})
        made = Pi(tmp_path / "pi", port, authority, bundles.folder / "update.pub")
        made.install(bundles.of(OLD))
        world.holds(made)
        world.start(world.server("ingest"), made)
        yield world, made, files
    files.close()


def publish(world: World, files: FileServer, bundle: Path) -> None:
    files.content = bundle.read_bytes()
    world.tskaro("update", "publish", bundle, "--url", files.url, "--device", DEVICE, "--who", "Nino")


def standing(world: World) -> dict[str, Any]:
    (found,) = json.loads(world.tskaro("update", "status", "--json"))
    return dict(found)


def assert_nothing_is_lost(world: World, pi: Pi, epoch: str) -> None:
    pi.stop()
    now, depth = look_into(pi.card / "outbox.db")
    assert (now, depth.in_gaps, depth.records) == (epoch, 0, depth.head - depth.held + 1)
    eventually(lambda: Books(world.database).of((DEVICE, epoch)).settled.through() >= depth.held - 1)
    assert len(Books(world.database).of((DEVICE, epoch)).settled.spans) == 1


def test_a_running_device_is_updated_and_a_broken_version_is_gone_back_from(
    pi: tuple[World, Pi, FileServer], bundles: Bundles
) -> None:
    world, device, files = pi
    eventually(lambda: look_into(device.card / "outbox.db")[1].head > 3)
    epoch = look_into(device.card / "outbox.db")[0]

    publish(world, files, bundles.of(NEW))
    eventually(lambda: standing(world)["state"] not in ("pending", "under_way"), within_s=180, every_s=1)
    assert {key: standing(world)[key] for key in ("wanted", "running", "state", "reason", "who")} == {
        "wanted": NEW,
        "running": NEW,
        "state": "installed",
        "reason": "",
        "who": "Nino",
    }
    assert current_version(device.root) == NEW

    publish(world, files, bundles.of(BROKEN))
    eventually(lambda: standing(world)["state"] not in ("pending", "under_way"), within_s=180, every_s=1)
    found = standing(world)
    assert (found["wanted"], found["running"], found["state"]) == (BROKEN, NEW, "rolled_back")
    assert found["reason"].startswith("no receipt within")
    assert current_version(device.root) == NEW

    assert_nothing_is_lost(world, device, epoch)
