"""An administrator's desk: a server's settings database, authority, and a broker that asks for certificates."""

import atexit
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from server.wheelhouse import Machine, gather
from tests.fakes.programs import ROOT, TSKARO, Program, run
from tests.fakes.world import registry
from tests.services.guarded import GuardedMosquitto
from tests.services.service import free_port

_WHEELS = Path(tempfile.gettempdir()) / "tskaro-tests-wheels"
_LONGEST_CARD_S = 180.0
_SERVER = {"TSKARO_MQTT__USERNAME": "tskaro", "TSKARO_MQTT__PASSWORD": "53rv3r"}


class AdministratorsDesk:
    """Settings, a registry with one water point, and what is typed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.settings, self.safe = folder, folder / "server.toml", folder / "authority"
        self.port, self.tls_port = free_port(), free_port()
        self.settings.write_text(
            f'database_url = "sqlite:///{folder}/tskaro.db"\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {self.port}\n'
            f'[store]\npath = "{folder}/readings.db"\n'
            f'[authority]\nfolder = "{self.safe}"\nbroker = "127.0.0.1"\nbroker_port = {self.tls_port}\n'
            '[web]\npublic_url = "https://water.example.org"\n'
        )
        (folder / "village.toml").write_text(registry({"kk-0001": "algeti", "kk-0002": "kosalari"}))
        self.tskaro("registry", "load", folder / "village.toml")

    def tskaro(self, *words: object, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        """Type a command, and expect it to end so."""
        done = run(
            TSKARO, *words, "--settings", self.settings, env={**_SERVER, **env}, within_s=_LONGEST_CARD_S
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done

    def listed(self) -> dict[str, dict[str, Any]]:
        """What `tskaro device list` says, by device."""
        rows = json.loads(self.tskaro("device", "list", "--json").stdout)
        return {row["device"]: row for row in rows}

    def broker(self) -> GuardedMosquitto:
        """The broker, not started; `tskaro authority broker` has made its certificate."""
        tls = self.folder / "tls"
        self.tskaro("broker", "configure", "--out", tls, "--folder", tls, "--listen", "127.0.0.1")
        return GuardedMosquitto(tls, self.port)

    def ingest(self) -> Program:
        """The server that takes readings in, not started."""
        words = [*TSKARO, "ingest", "--settings", str(self.settings)]
        return Program(words, ready_event="broker_connected", env=_SERVER)


@cache
def wheels() -> Path:
    """A folder with a wheel of this checkout and all that it needs on a machine like this one.

    What it needs comes from the package index once, and then out of a cache that all tests share.
    """
    folder = Path(tempfile.mkdtemp(prefix="tskaro-wheels-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    words = ("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    subprocess.run([sys.executable, "-m", "pip", *map(str, words)], check=True, stdin=subprocess.DEVNULL)
    _WHEELS.mkdir(exist_ok=True)
    with (_WHEELS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for cached in _WHEELS.glob("*.whl"):
            shutil.copy(cached, folder)
        for wheel in gather(folder, Machine(os.uname().machine), download=True).files:
            if not wheel.name.startswith("tskaro-"):
                shutil.copy(wheel, _WHEELS)
    return folder
