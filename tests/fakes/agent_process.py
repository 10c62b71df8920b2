"""`python -m tests.fakes.agent_process SETTINGS`: the agent as `tskaro-edge run` runs it, over simulated pins.

GPIO27 cannot be opened; every other pin gives 75 pulses a second. `FOLDER/edge.toml` says where it runs.
"""

import sys
import time
from pathlib import Path
from typing import Any

from edge.hardware.simulated import SimulatedHardware
from edge.probes.hardware import HardwareUnavailable
from edge.probes.inputs import PulseInput
from edge.running import run
from edge.settings import load_settings
from firmware_config.device import DeviceConfig
from tests.fakes.programs import PYTHON, Program

_TAKEN = 27


class Pins(SimulatedHardware):
    """Pins of which one is taken."""

    def pulses(self, *, pin: int, **given: Any) -> PulseInput:
        if pin == _TAKEN:
            raise HardwareUnavailable(f"GPIO{pin} cannot be opened: taken")
        return super().pulses(pin=pin, **given)


def pins(_: DeviceConfig) -> Pins:
    return Pins(voltages={}, pulses=dict.fromkeys(range(2, 28), lambda: int(time.monotonic() * 75)))


class RunningAgent(Program):
    """A device whose agent runs with its own settings file, in a folder that is its card."""

    def __init__(self, device: str, port: int, card: Path, *, every_s: float = 0.2) -> None:
        super().__init__(
            [*PYTHON, "-m", "tests.fakes.agent_process", str(card / "edge.toml")],
            ready_event="broker_connected",
        )
        self.device, self.card = device, card
        card.mkdir(parents=True, exist_ok=True)
        (card / "device.toml").write_text(toml(device, every_s), encoding="utf-8")
        (card / "edge.toml").write_text(
            f"""device_config = "{card}/device.toml"
trusts_clock = "always"
heartbeat_every_s = 1
[mqtt]
host = "127.0.0.1"
port = {port}
authentication = "none"
keepalive_s = 5
[outbox]
path = "{card}/outbox.db"
[uplink]
repeat_after_s = 0.5
[budget]
path = "{card}/budget.json"
[door]
path = "{card}/edge.sock"
[remote]
folder = "{card}/remote"
[log]
format = "json"
""",
            encoding="utf-8",
        )

    @property
    def door(self) -> Path:
        """Where it can be asked."""
        return self.card / "edge.sock"


def toml(device: str, every_s: float = 0.2, *, pin: int = 17, more: str = "") -> str:
    """A device with a flow meter."""
    return f"""schema_version = 1
device = "{device}"
observe_every_s = {every_s}
{more}
[[probes]]
parameter = "flow"
model = "yf-s201"
[probes.input]
pin = {pin}
pulses_per_litre = 450.0
"""


if __name__ == "__main__":
    path = Path(sys.argv[1])
    sys.exit(run(load_settings(path), path, hardware_of=pins))
