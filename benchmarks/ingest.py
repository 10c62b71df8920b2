"""How much the whole intake takes in: `python -m benchmarks.ingest --observations 50000 --json`.

A real Mosquitto, a real InfluxDB and one `tskaro ingest` on this machine; a fleet of devices sends at QoS 1 and
waits for receipts, so an observation counts when it is decoded, screened, watched, in the store and booked.
Everything shares the machine, the fleet too; the CPU of each is told apart.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.fleet import device_id
from tests.fakes.world import World
from tests.services.influxdb import InfluxDB
from tests.services.mosquitto import Mosquitto

# What a broker of this design needs: receipts and readings are never queued for long, and nobody waits for 20 acks.
BROKER = ("max_inflight_messages 1000", "max_queued_messages 100000", "log_type error")
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def measure(*, devices: int, observations: int, per_message: int, rate: float) -> dict[str, float]:
    """One run."""
    each = max(1, observations // devices)
    with (
        tempfile.TemporaryDirectory() as folder,
        Mosquitto(settings=BROKER) as broker,
        InfluxDB() as influxdb,
        World(Path(folder), broker, influxdb) as world,
    ):
        world.register({device_id(n): f"point-{n // 2}" for n in range(devices)})
        ingest = world.server("ingest")
        world.start(ingest)
        fleet = _fleet(broker.port, devices, each, per_message, rate)
        parts = {"ingest": ingest.pid, "mosquitto": broker.pid, "influxdb": influxdb.pid}
        before = {name: cpu_s(pid) for name, pid in parts.items() if pid}
        told, _ = fleet.communicate("go\n")
        spent = {name: cpu_s(pid) - before[name] for name, pid in parts.items() if pid}
        result = json.loads(told)
        stored = _count(influxdb, world.influx_database)
    total = each * devices
    return {
        "devices": devices,
        "observations": total,
        "per_message": per_message,
        "observations_per_s": round(stored / result["seconds"]),
        "cpu_us_per_observation": round(spent["ingest"] / total * 1e6, 1),
        "cpu_us_per_observation_mosquitto": round(spent["mosquitto"] / total * 1e6, 1),
        "cpu_us_per_observation_influxdb": round(spent["influxdb"] / total * 1e6, 1),
        "cpu_us_per_observation_load": round(result["cpu_s"] / total * 1e6, 1),
        "p50_latency_s": round(result["p50_latency_s"], 3),
        "p99_latency_s": round(result["p99_latency_s"], 3),
        "repeated": result["repeated"],
        "lost": total - stored,
    }


def _fleet(port: int, devices: int, each: int, per_message: int, rate: float) -> subprocess.Popen[str]:
    arguments = {"port": port, "devices": devices, "each": each, "per-message": per_message, "rate": rate}
    command = [sys.executable, "-m", "benchmarks.fleet"]
    for name, value in arguments.items():
        command += [f"--{name}", str(value)]
    fleet = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert fleet.stdout is not None
    fleet.stdout.readline()
    return fleet


def _count(influxdb: InfluxDB, database: str) -> int:
    series = influxdb.query("SELECT count(seq) FROM observation", database)
    return sum(each["values"][0][1] for each in series)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--observations", type=int, default=50_000)
    parser.add_argument("--devices", type=int, default=500)
    parser.add_argument("--each-size", action="store_true", help="with 10, 100, 1,000 and 10,000 devices")
    parser.add_argument("--batch", type=int, default=5, help="observations in one message")
    parser.add_argument("--per-message", action="store_true", help="one observation in each message")
    parser.add_argument("--rate", type=float, default=0.0, help="messages a second; 0 is as fast as it goes")
    parser.add_argument("--json", action="store_true", help="JSON, one line for each run")
    options = parser.parse_args()
    for devices in (10, 100, 1_000, 10_000) if options.each_size else (options.devices,):
        figures = measure(
            devices=devices,
            observations=options.observations,
            per_message=1 if options.per_message else options.batch,
            rate=options.rate,
        )
        if options.json:
            print(json.dumps(figures), flush=True)
            continue
        for name, value in figures.items():
            print(f"{name:>36}  {value}")


if __name__ == "__main__":
    main()
