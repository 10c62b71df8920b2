"""How much the whole intake takes in: `python -m benchmarks.ingest --observations 50000 --json`.

A real Mosquitto, a real InfluxDB and one `tskaro ingest` on this machine; a fleet of devices sends at QoS 1 and
waits for receipts, so an observation counts when it is decoded, screened, watched, in the store and booked.
Everything shares the machine, the fleet too; the CPU of each is told apart.

`--workers N` runs several `tskaro ingest` that lease shards, `--database postgresql` a real PostgreSQL under them.
By default two devices serve each water point, so that with several workers many water points are judged by two of
them; `--per-point 1` gives each device its own.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fleet import device_id
from tests.fakes.patience import eventually
from tests.fakes.programs import Program
from tests.fakes.world import World
from tests.services.influxdb import InfluxDB
from tests.services.mosquitto import Mosquitto
from tests.services.postgresql import PostgreSQL
from waterquality.topics import SHARDS

# What a broker of this design needs: receipts and readings are never queued for long, and nobody waits for 20 acks.
BROKER = ("max_inflight_messages 1000", "max_queued_messages 100000", "log_type error")
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _cpu_s_with_children(pid: int) -> float:
    """CPU seconds of a process and of those that it has begun and that still run."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return cpu_s(pid) + sum(cpu_s(int(child)) for child in children)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is sent, and who takes it in."""

    devices: int
    observations: int
    per_message: int
    rate: float
    workers: int
    is_postgresql: bool
    per_point: int
    events: bool = True


def measure(load: Load) -> dict[str, float | str]:
    """One run."""
    devices, each = load.devices, max(1, load.observations // load.devices)
    with (
        tempfile.TemporaryDirectory() as folder,
        Mosquitto(settings=BROKER) as broker,
        InfluxDB() as influxdb,
        PostgreSQL(fsync=True) if load.is_postgresql else nullcontext() as postgresql,
        World(
            Path(folder), broker, influxdb, database_url=postgresql.new_database() if postgresql else ""
        ) as world,
    ):
        stays = {device_id(n): f"point-{n // load.per_point}" for n in range(devices)}
        world.register(stays, events=load.events)
        workers = [world.server("ingest") for _ in range(load.workers)]
        world.start(*workers)
        _share(workers)
        fleet = _fleet(broker.port, devices, each, load.per_message, load.rate)
        parts = [("ingest", worker.pid) for worker in workers]
        parts += [("mosquitto", broker.pid), ("influxdb", influxdb.pid)]
        parts += [("postgresql", postgresql.pid)] if postgresql else []
        before = _spent(parts)
        told, _ = fleet.communicate("go\n")
        spent = {name: used - before[name] for name, used in _spent(parts).items()}
        result = json.loads(told)
        stored = _count(influxdb, world.influx_database)
    total = each * devices
    cpu_of_database = (
        {"cpu_us_per_observation_postgresql": round(spent["postgresql"] / total * 1e6, 1)}
        if load.is_postgresql
        else {}
    )
    return {
        "workers": load.workers,
        "database": "postgresql" if load.is_postgresql else "sqlite",
        "per_point": load.per_point,
        "devices": devices,
        "observations": total,
        "per_message": load.per_message,
        "observations_per_s": round(stored / result["seconds"]),
        "cpu_us_per_observation": round(spent["ingest"] / total * 1e6, 1),
        "cpu_us_per_observation_mosquitto": round(spent["mosquitto"] / total * 1e6, 1),
        "cpu_us_per_observation_influxdb": round(spent["influxdb"] / total * 1e6, 1),
        **cpu_of_database,
        "cpu_us_per_observation_load": round(result["cpu_s"] / total * 1e6, 1),
        "p50_latency_s": round(result["p50_latency_s"], 3),
        "p99_latency_s": round(result["p99_latency_s"], 3),
        "repeated": result["repeated"],
        "lost": total - stored,
    }


def _share(workers: Sequence[Program]) -> None:
    """Wait until every worker holds its share of the shards."""
    least = len(SHARDS) // len(workers)

    def held(worker: Program) -> int:
        said = worker.said("shards_changed")
        return len(said[-1]["held"]) if said else 0

    eventually(lambda: sum(map(held, workers)) == len(SHARDS) and min(map(held, workers)) >= least)


def _spent(parts: Sequence[tuple[str, int | None]]) -> dict[str, float]:
    spent: dict[str, float] = {}
    for name, pid in parts:
        spent[name] = spent.get(name, 0.0) + (_cpu_s_with_children(pid) if pid else 0.0)
    return spent


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
    parser.add_argument("--workers", type=int, default=1, help="how many `tskaro ingest` share the devices")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--per-point", type=int, default=2, help="devices at each water point")
    parser.add_argument("--no-events", action="store_true", help="without the rule about events")
    parser.add_argument("--json", action="store_true", help="JSON, one line for each run")
    options = parser.parse_args()
    for devices in (10, 100, 1_000, 10_000) if options.each_size else (options.devices,):
        figures = measure(
            Load(
                devices=devices,
                observations=options.observations,
                per_message=1 if options.per_message else options.batch,
                rate=options.rate,
                workers=options.workers,
                is_postgresql=options.database == "postgresql",
                per_point=options.per_point,
                events=not options.no_events,
            )
        )
        if options.json:
            print(json.dumps(figures), flush=True)
            continue
        for name, value in figures.items():
            print(f"{name:>36}  {value}")


if __name__ == "__main__":
    main()
