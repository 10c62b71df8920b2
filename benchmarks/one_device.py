"""A device and its server for the benchmarks: the real agent over simulated probes, a real ingest on SQLite."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge.machine import machine_serial
from edge.outbox import Outbox, look_into
from tests.fakes.programs import PYTHON, TSKARO, Program, run
from tests.services.mosquitto import Mosquitto

DEVICE = "kk-0317"
QUARTER_S = 900.0
_A_YEAR_OF_MINUTES = 365 * 24 * 60
MEGABYTE = 1_000_000
_TICKS = os.sysconf("SC_CLK_TCK")

_DEVICE_TOML = f"""
schema_version = 1
device = "{DEVICE}"
observe_every_s = 60.0
sample_every_s = {{sample_s}}
converters = {{{{ adc0 = {{{{ kind = "mcp3008" }}}} }}}}
[[probes]]
parameter = "turbidity"
model = "analog-nephelometer"
input = {{{{ converter = "adc0", channel = 0 }}}}
[probes.calibration]
id = "kk-0317-turbidity-2026-11-03"
made_on = 2026-11-03
made_by = "N. Beridze"
kind = "linear"
points = [[0.0, 0.0], [3.0, 100.0]]
standards = ["simulated"]
expires_on = 2036-11-03
[[probes]]
parameter = "ph"
model = "sen0161-v2"
input = {{{{ converter = "adc0", channel = 1 }}}}
[probes.calibration]
id = "kk-0317-ph-2026-11-03"
made_on = 2026-11-03
made_by = "N. Beridze"
kind = "linear"
points = [[1.5, 7.0], [2.0, 4.0]]
standards = ["simulated"]
expires_on = 2036-11-03
[[probes]]
parameter = "flow"
model = "yf-s201"
input = {{{{ pin = 17, pulses_per_litre = 450.0 }}}}
"""

_EDGE_TOML = """
heartbeat_every_s = 900.0
device_config = "{folder}/device.toml"
trusts_clock = "always"
[mqtt]
host = "127.0.0.1"
port = {port}
authentication = "none"
[outbox]
path = "{folder}/outbox.db"
[uplink]
deflate = "{deflate}"
batch_every_s = {batch_s}
[budget]
path = "{folder}/budget.json"
[door]
path = "{folder}/edge.sock"
[remote]
folder = "{folder}/remote"
[log]
format = "json"
"""

_SERVER_TOML = """
database_url = "sqlite:///{folder}/tskaro.db"
[mqtt]
host = "127.0.0.1"
port = {port}
[store]
kind = "sqlite"
path = "{folder}/readings.db"
"""

_REGISTRY_TOML = f"""
[[municipality]]
id = "marneuli"
names = {{ ka = "მარნეული", en = "Marneuli" }}
[[water_point]]
id = "spring"
municipality = "marneuli"
names = {{ ka = "წყარო", en = "Spring" }}
sms_names = {{ ka = "ალგეთი-1", en = "Algeti-1" }}
lat = 41.4
lon = 44.8
[[device]]
id = "{DEVICE}"
water_point = "spring"
since = "2026-01-01T00:00:00Z"
probes = {{ turbidity = "analog-nephelometer", ph = "sen0161-v2", flow = "yf-s201" }}
"""


@dataclass(frozen=True, slots=True)
class Mode:
    """A way of sending."""

    name: str
    deflate: str
    batch_every_s: float


MODES = (
    Mode("plain", "never", 0.0),
    Mode("deflated", "always", 0.0),
    Mode("economy", "always", QUARTER_S),
)


def device_toml(device: str, every_s: float) -> str:
    """What is wired to a device that observes so often."""
    made = _DEVICE_TOML.format(sample_s=every_s).replace(
        "observe_every_s = 60.0", f"observe_every_s = {every_s}"
    )
    return made.replace(f'device = "{DEVICE}"', f'device = "{device}"')


class Device(Program):
    """The agent in its process.

    Args:
        folder: its card.
        port: of the broker, or of the relay before it.
        mode: how it sends.
        fast: speed and beginning of its clock; none is the machine's own.
    """

    def __init__(self, folder: Path, port: int, mode: Mode, *fast: float) -> None:
        speed = fast[0] if fast else 1.0
        folder.mkdir(exist_ok=True)
        (folder / "device.toml").write_text(_DEVICE_TOML.format(sample_s=60.0 if fast else 1.0))
        batch_s = mode.batch_every_s / speed
        (folder / "edge.toml").write_text(
            _EDGE_TOML.format(folder=folder, port=port, deflate=mode.deflate, batch_s=batch_s)
        )
        self.card = folder
        command = [*PYTHON, "-m", "benchmarks.agent_process", str(folder / "edge.toml"), *map(_whole, fast)]
        super().__init__(command, ready_event="broker_connected", env={"PYTHONPATH": str(Path.cwd())})

    def held(self) -> int:
        """Records in its outbox."""
        return look_into(self.card / "outbox.db")[1].records

    def head(self) -> int:
        """The last number it gave out."""
        return look_into(self.card / "outbox.db")[1].head

    def rss_mb(self) -> float:
        """Resident memory."""
        (line,) = (line for line in self._proc("status").splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024 / MEGABYTE

    def cpu_s(self) -> float:
        """Processor time so far, of all its threads."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def written_bytes(self) -> int:
        """Bytes that it caused to be written to the disk so far."""
        (line,) = (line for line in self._proc("io").splitlines() if line.startswith("write_bytes"))
        return int(line.split()[1])

    def carried_bytes(self) -> int:
        """What it counted itself; written when it stops."""
        return int(json.loads((self.card / "budget.json").read_text())["used_bytes"])

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self.pid}/{name}").read_text()


def aged(folder: Path) -> None:
    """Make an outbox that has given out a year's numbers: their digits travel too."""
    folder.mkdir()
    path = folder / "outbox.db"
    Outbox(path, device=DEVICE, serial=machine_serial()).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE meta SET value = ? WHERE key = 'head'", (str(_A_YEAR_OF_MINUTES),))
        database.commit()


def _whole(number: float) -> str:
    return str(int(number))


@contextmanager
def server(folder: Path, broker: Mosquitto) -> Iterator[Program]:
    """A real ingest on SQLite, with our device in its registry."""
    settings, registry = folder / "server.toml", folder / "registry.toml"
    settings.write_text(_SERVER_TOML.format(folder=folder, port=broker.port))
    registry.write_text(_REGISTRY_TOML)
    loaded = run(TSKARO, "registry", "load", registry, "--settings", settings)
    if loaded.returncode:
        raise RuntimeError(loaded.stderr)
    command = [*TSKARO, "ingest", "--settings", str(settings)]
    with Program(command, ready_event="broker_connected") as ingest:
        yield ingest
