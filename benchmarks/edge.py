"""What a device costs: memory, processor, card, SIM. `python -m benchmarks.edge [--quick] [--json]`.

The real agent in a process of its own (only the probes are simulated), a real Mosquitto, a real ingest for the
receipts. Three probes and the meter; an observation a minute, a sample a second.

* `rss_mb`, `cpu_seconds_per_day`: on the machine's own clock, over a few minutes after a warm-up; a day is that
  many times the window. `startup_s`: from the start of the process until it tells systemd that it is ready.
* `wire_bytes_per_reading_*`: every byte that a relay between device and broker passed on, both ways: MQTT with its
  headers, acknowledgements, receipts, health and signs of life. Measured in steady state, with the numbers of a
  device that is a year old, over whole quarters of an hour on a clock 120 times as fast (each observation still has
  its half second, and gets its own receipt), batches and keep-alive shortened alike. `line_bytes_per_reading_*` is
  the same with the headers of TCP and IP, as the device itself counts it; without TLS.
* `disk_bytes_per_day`: what the kernel was given to write, in the longest of those runs; a day is that many times
  it.
* `outbox_mb_per_30_days`: the file after 43,200 observations, nothing left out.
* `drain_observations_per_s`: that outbox on its way to the server, from the first record that goes.
"""

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.one_device import DEVICE, MEGABYTE, MODES, QUARTER_S, Device, Mode, aged, server
from edge.clock import Instant
from edge.economy import Economy
from edge.machine import machine_serial
from edge.outbox import Outbox
from tests.fakes.cable import Cable
from tests.fakes.patience import eventually
from tests.services.mosquitto import Mosquitto
from waterquality.parameters import Parameter
from waterquality.readings import Reading

_READINGS = 3  # of an observation: turbidity, pH, flow; the volume travels along
_SPEED = 120.0
_DAY_S = 86_400.0
_MONTH_MINUTES = 30 * 24 * 60


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long to look.

    Attributes:
        idle_s: at rss and processor, in seconds of ours.
        quarters: at the wire, in quarters of an hour of the device; the plain run takes four times as many.
        drain_s: at the draining, in seconds of ours.
    """

    idle_s: float = 180.0
    quarters: int = 4
    drain_s: float = 20.0


def on_the_wire(folder: Path, broker: Mosquitto, mode: Mode, quarters: int) -> dict[str, float]:
    """Bytes of a reading in steady state, and what was written meanwhile."""
    wait_s = QUARTER_S / _SPEED
    begin_ms = int((time.time() - (quarters + 3) * QUARTER_S) * 1000)
    aged(folder)
    with Cable(broker.port) as cable, Device(folder, cable.port, mode, _SPEED, begin_ms) as device:
        time.sleep(1.5 * wait_s)  # what is said only once is over, and a batch lies half way
        before = cable.carried.total(), device.head(), device.written_bytes()
        time.sleep(quarters * wait_s)
        after = cable.carried.total(), device.head(), device.written_bytes()
        device.stop()
        overhead = device.carried_bytes() / cable.carried.total()
    carried, observed, written = (now - then for then, now in zip(before, after, strict=True))
    a_reading = carried / observed / _READINGS
    return {
        f"wire_bytes_per_reading_{mode.name}": round(a_reading, 1),
        f"line_bytes_per_reading_{mode.name}": round(a_reading * overhead, 1),
        "disk_bytes_per_day": round(written * _DAY_S / (quarters * QUARTER_S)),
    }


def at_rest(folder: Path, broker: Mosquitto, seconds: float) -> dict[str, float]:
    """Memory and processor of a device that does its daily work."""
    with Device(folder, broker.port, MODES[0]) as device:
        time.sleep(15)
        before_s, began_s = device.cpu_s(), time.monotonic()
        time.sleep(seconds)
        share = (device.cpu_s() - before_s) / (time.monotonic() - began_s)
        return {"rss_mb": round(device.rss_mb(), 1), "cpu_seconds_per_day": round(share * _DAY_S)}


def startup(folder: Path, broker: Mosquitto) -> float:
    """Seconds from the start of the process until it tells systemd that it is ready; the best of three."""
    spent = []
    for _ in range(3):
        device = Device(folder, broker.port, MODES[0])
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            address = f"{folder}/notify"
            listener.bind(address)
            listener.settimeout(60)
            began_s = time.monotonic()
            process = subprocess.Popen(
                device.command(),
                env={"PYTHONPATH": str(Path.cwd()), "NOTIFY_SOCKET": address},
                stderr=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
            while b"READY=1" not in listener.recv(1000):
                pass
            spent.append(time.monotonic() - began_s)
            process.terminate()
            process.wait()
        Path(address).unlink()
    return round(min(spent), 2)


def month(folder: Path) -> float:
    """Fill an outbox with thirty days; returns its megabytes."""
    folder.mkdir()
    path = folder / "outbox.db"
    outbox = Outbox(path, device=DEVICE, serial=machine_serial())
    economy = Economy({Parameter.TURBIDITY: 0.11, Parameter.PH: 0.02, Parameter.FLOW: 0.003})
    begin_ms = int(time.time() * 1000) - (_MONTH_MINUTES + 10) * 60_000
    for minute in range(_MONTH_MINUTES):
        readings = [
            Reading(Parameter.TURBIDITY, 0.6 + minute % 31 / 100, certificate="kk-0317-turbidity-2026-11-03"),
            Reading(Parameter.PH, 7.4 + minute % 17 / 100, certificate="kk-0317-ph-2026-11-03"),
            Reading(Parameter.FLOW, 10.98 + minute % 13 / 10),
            Reading(Parameter.VOLUME, 182.331 + minute * 0.011),
        ]
        at_ms = minute * 60_000
        instant = Instant(begin_ms + at_ms + 3, at_ms, "bench", is_synchronised=True)
        outbox.append(instant, economy.of(readings))
    size = sum(file.stat().st_size for file in folder.iterdir())
    outbox.close()
    return round(size / MEGABYTE, 1)


def draining(folder: Path, broker: Mosquitto, seconds: float) -> float:
    """Observations a second from a full outbox to the receipt."""
    with Device(folder, broker.port, MODES[0]) as device:
        full = eventually(lambda: device.held() < _MONTH_MINUTES and device.held(), every_s=0.005)
        began_s = time.monotonic()
        while (left := device.held()) > 1 and time.monotonic() - began_s < seconds:
            time.sleep(0.1)
        return round((full - left) / (time.monotonic() - began_s))


def measure(folder: Path, lengths: Lengths) -> dict[str, float]:
    """Every figure."""
    figures: dict[str, float] = {}
    with Mosquitto() as broker, server(folder, broker):
        for mode in reversed(MODES):
            quarters = lengths.quarters * (4 if mode.name == "plain" else 1)
            figures |= on_the_wire(folder / mode.name, broker, mode, quarters)
        figures |= at_rest(folder / "rest", broker, lengths.idle_s)
        figures["startup_s"] = startup(folder / "start", broker)
        figures["outbox_mb_per_30_days"] = month(folder / "month")
        figures["drain_observations_per_s"] = draining(folder / "month", broker, lengths.drain_s)
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="shorter runs, rougher figures")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    options = parser.parse_args()
    lengths = Lengths(idle_s=60.0, quarters=2, drain_s=10.0) if options.quick else Lengths()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), lengths)
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
        return
    for name, value in figures.items():
        print(f"{name:>34}  {value}")


if __name__ == "__main__":
    main()
