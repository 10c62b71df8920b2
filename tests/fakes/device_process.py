"""The process of a device of the tests: the production agent over simulated volts, with a witness of its own.

`python -m tests.fakes.device_process FOLDER` reads `FOLDER/device.json`. What the probes see stands in
`FOLDER/water.json` and may be replaced at any time. Every record that `append` has returned is written down in
`FOLDER/witness`, so that a test can tell what must never be lost.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from edge.agent import Agent, AgentParts
from edge.clock import SystemClock
from edge.hardware.simulated import SimulatedHardware
from edge.lanes import SendingPolicy
from edge.outbox import Outbox, open_outbox
from edge.probes.build import build_probes
from edge.probes.port import Probe
from edge.schedule import Every
from edge.uplink import Broker
from firmware_config.device import DeviceConfig
from firmware_config.logs import set_up_logs
from waterquality.wire.encode import Packed

_WARMED_UP = timedelta(minutes=1)
_PULSES_PER_S = 75.0  # 10 L/min through a meter of 450 pulses a litre


def main(folder: Path) -> None:
    """Run until SIGTERM."""
    given = json.loads((folder / "device.json").read_text())
    set_up_logs(level="info", as_json=True)
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    outbox, aside = open_outbox(folder / "outbox.db", device=given["device"], serial=given["serial"])
    agent = Agent(
        AgentParts(
            device=given["device"],
            probes=probes(given["device"], folder),
            outbox=witnessed(outbox, folder / "witness"),
            broker=Broker("127.0.0.1", given["port"], keepalive_s=5),
            clock=SystemClock(trusts_always=True),
            schedule=UntilRest(given["every_s"], folder),
            policy=SendingPolicy(batch_records=20, window_batches=4, repeat_after_s=given["repeat_after_s"]),
            heartbeat_every_s=1.0,
        )
    )
    agent.start()
    structlog.get_logger().info("device_started", epoch=outbox.epoch, set_aside=str(aside or ""))
    told.wait()
    agent.stop()


class UntilRest:
    """A tick at every multiple of a period, until there is a file `rest` on the card; `resting` says it ended."""

    def __init__(self, every_s: float, folder: Path) -> None:
        self._every, self._rest, self._resting = Every(every_s), folder / "rest", folder / "resting"

    def next_after(self, instant: datetime) -> datetime | None:
        """The first tick after an instant; None at rest."""
        if self._rest.exists():
            self._resting.touch()
            return None
        return self._every.next_after(instant)


def probes(device: str, folder: Path) -> tuple[Probe, ...]:
    """The production probes of an ordinary device, warmed up, over the water in `water.json`."""
    hardware = SimulatedHardware(
        voltages={
            ("adc0", 0): lambda: seen(folder)["turbidity"] * 3.0 / 100.0,
            ("adc0", 1): lambda: 1.5 - (seen(folder)["ph"] - 7.0) * (2.0 - 1.5) / 3.0,
        },
        pulses={17: lambda: int(time.monotonic() * _PULSES_PER_S)},
    )
    built = build_probes(DeviceConfig.model_validate(config(device)), hardware)
    for probe in built:
        probe.measure(SystemClock().read().wall - _WARMED_UP)
    return built


def seen(folder: Path) -> dict[str, float]:
    """What the probes see now."""
    return dict(json.loads((folder / "water.json").read_text()))


def config(device: str) -> dict[str, Any]:
    """What a technician would have written."""
    today = SystemClock().read().wall.date()
    return {
        "schema_version": 1,
        "device": device,
        "observe_every_s": 60.0,
        "samples_per_reading": 3,
        "converters": {"adc0": {"kind": "mcp3008"}},
        "probes": [
            _analogue("turbidity", "analog-nephelometer", 0, [[0.0, 0.0], [3.0, 100.0]], today),
            _analogue("ph", "sen0161-v2", 1, [[1.5, 7.0], [2.0, 4.0]], today),
            {"parameter": "flow", "model": "yf-s201", "input": {"pin": 17, "pulses_per_litre": 450.0}},
        ],
    }


def _analogue(
    parameter: str, model: str, channel: int, points: list[list[float]], today: date
) -> dict[str, Any]:
    return {
        "parameter": parameter,
        "model": model,
        "input": {"converter": "adc0", "channel": channel},
        "calibration": {
            "id": f"{parameter}-1",
            "made_on": today.isoformat(),
            "made_by": "A. Tester",
            "kind": "linear",
            "points": points,
            "standards": ["simulated"],
            "expires_on": (today + timedelta(days=90)).isoformat(),
            "temperature_c": 12.0,
        },
    } | ({"temperature": {"celsius": 12.0, "within": 0.5}} if parameter == "ph" else {})


def witnessed(outbox: Outbox, path: Path) -> Outbox:
    """The outbox, with a line written for every record that was appended: epoch, number, instant, kind."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def watched(append: Callable[..., Packed], kind: str) -> Callable[..., Packed]:
        def appended(*given: Any) -> Packed:
            packed = append(*given)
            os.write(file, f"{outbox.epoch} {packed.first} {packed.taken_ms} {kind}\n".encode())
            return packed

        return appended

    outbox.append = watched(outbox.append, "observation")  # type: ignore[method-assign]
    outbox.append_note = watched(outbox.append_note, "note")  # type: ignore[method-assign]
    return outbox


if __name__ == "__main__":
    main(Path(sys.argv[1]))
