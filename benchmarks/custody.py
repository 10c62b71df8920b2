"""Is anything lost? `python -m benchmarks.custody --agents 20 --minutes 5 --json`.

Real agents, a real Mosquitto, a real InfluxDB and one or more `tskaro ingest`. In turn an agent, the broker, an
ingest and the store are killed, the network is cut, a disk fills up, and the broker forgets everything. Then all
that was killed comes back, the agents observe no more, and what every outbox has given out is looked for.

*Appended* is what the outboxes say that they have given out, *stored* is read out of the store row by row, *noted*
and *quarantined* are rows of the database; the books are not asked. Only which numbers a device dropped is their
word, and what they name beyond the device's own count of dropped numbers counts as lost. *Lost* is what is nowhere,
and *doubled* what the store holds twice under one number. Both must be 0; the exit code is 1 where they are not.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from benchmarks.fleet import device_id
from benchmarks.valley import Agent, Disk, Network, NotHere, spread
from server.database.models import QuarantineRow, RecordRow
from server.ingest.books import Books
from tests.fakes.programs import Program
from tests.fakes.world import World
from tests.services.influxdb import InfluxDB
from tests.services.mosquitto import Mosquitto
from tests.services.postgresql import PostgreSQL
from waterquality.intervals import IntervalSet

_DRAIN_S = 240.0
_BROKER = ("max_inflight_messages 1000", "max_queued_messages 100000", "autosave_interval 2")


@dataclass
class Valley:
    """Everything that runs, and what was done to it.

    Attributes:
        world: broker, store and database.
        agents: the devices.
        ingests: the workers.
        network: what some agents live in; None where none could be made.
        disk: what one agent's card lies on; None likewise.
        chance: what is random.
        kills: how often each was killed, cut or filled.
        heads: the highest number that each epoch is known to have given out.
    """

    world: World
    agents: list[Agent]
    ingests: list[Program]
    network: Network | None
    disk: Disk | None
    chance: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    heads: dict[tuple[str, str], int] = field(default_factory=dict)

    def pause(self, shortest_s: float, longest_s: float) -> None:
        """Let it run."""
        time.sleep(self.chance.uniform(shortest_s, longest_s))

    def kill_agent(self) -> None:
        """One device loses its power."""
        agent = self.chance.choice(self.agents)
        agent.kill()
        self.note(agent)
        self.pause(0.1, 2)
        agent.spawn()

    def kill_broker(self) -> None:
        """The broker comes back with what it had saved."""
        self.world.broker.kill()
        self.pause(0.5, 3)
        self.world.broker.start()

    def forget(self) -> None:
        """The broker comes back and knows of nothing: no session, no queue, no retained receipt."""
        self.world.broker.kill()
        for file in self.world.broker.directory.glob("mosquitto.db*"):
            file.unlink()
        self.world.broker.start()

    def kill_ingest(self) -> None:
        """A worker is killed in the middle of a round."""
        ingest = self.chance.choice(self.ingests)
        ingest.kill()
        self.pause(0.1, 2)
        ingest.spawn()

    def kill_store(self) -> None:
        """The store is killed in the middle of a write."""
        self.world.influxdb.kill()
        self.pause(0.5, 4)
        self.world.influxdb.start()

    def cut(self) -> None:
        """Half of the devices are off the network, and nobody is told."""
        assert self.network is not None
        self.network.cut()
        self.pause(2, 12)
        self.network.mend()

    def fill_disk(self) -> None:
        """One device's card is full."""
        assert self.disk is not None
        until_s = time.monotonic() + self.chance.uniform(4, 12)
        while time.monotonic() < until_s:  # what the agent gives up is taken at once
            self.disk.fill()
            time.sleep(0.2)
        self.disk.clear()

    def deeds(self) -> dict[str, Callable[[], None]]:
        """What can be done to it here, in turn."""
        deeds = {
            "agent": self.kill_agent,
            "broker": self.kill_broker,
            "ingest": self.kill_ingest,
            "store": self.kill_store,
            "broker_forgot": self.forget,
        }
        deeds |= {"network_cut": self.cut} if self.network is not None else {}
        return deeds | ({"disk_full": self.fill_disk} if self.disk is not None else {})

    def note(self, agent: Agent) -> None:
        """Remember what it has given out, in case that it begins another epoch."""
        epoch, head, _, _ = agent.outbox()
        key = (agent.device, epoch)
        self.heads[key] = max(head, self.heads.get(key, 0))


def run(valley: Valley, seconds: float) -> None:
    """Do one thing after another to it, for so long."""
    until_s = time.monotonic() + seconds
    deeds = valley.deeds()
    valley.pause(3, 3)
    while time.monotonic() < until_s:
        for name, deed in deeds.items():
            if time.monotonic() >= until_s and sum(valley.kills.values()) >= len(deeds):
                return
            deed()
            valley.kills[name] += 1
            valley.pause(0.5, 3)


def settle(valley: Valley) -> None:
    """No more observations; wait until every outbox is empty, or for so long."""
    for agent in valley.agents:
        agent.rest()
    until_s = time.monotonic() + _DRAIN_S
    while time.monotonic() < until_s and any(agent.outbox()[2] for agent in valley.agents):
        time.sleep(0.5)
    time.sleep(2.0)
    for agent in valley.agents:
        agent.stop()
        valley.note(agent)


def count(valley: Valley) -> dict[str, int]:
    """What became of every number."""
    totals: Counter[str] = Counter()
    for agent in valley.agents:
        epoch, _, held, in_gaps = agent.outbox()
        rows = valley.world.stored(agent.device)
        totals["doubled"] += len(rows) - len({(of, seq) for of, seq, _ in rows})
        for (device, of), head in valley.heads.items():
            if device == agent.device:
                stored = IntervalSet.of_numbers({seq for each, seq, _ in rows if each == of})
                box = (head, held if of == epoch else IntervalSet(), in_gaps)
                totals.update(_count_epoch(valley.world, (device, of), stored, box))
    return {name: totals[name] for name in _COUNTED}


_COUNTED = ("appended", "stored", "noted", "quarantined", "gaps", "in_outbox", "doubled", "lost")


def _count_epoch(
    world: World, key: tuple[str, str], stored: IntervalSet, box: tuple[int, IntervalSet, int]
) -> dict[str, int]:
    """One epoch: `box` is its head, what the outbox holds, and how many numbers it has dropped."""
    head, held, in_gaps = box
    noted = IntervalSet.of_numbers(_noted(world, key)) - stored
    quarantined = IntervalSet.of(_quarantined(world, key)) - stored - noted
    left = IntervalSet(((1, head),)) - stored - noted - quarantined if head else IntervalSet()
    in_outbox, left = left - (left - held), left - held
    gaps = min(in_gaps, len(left - (left - Books(world.database).of(key).gaps)))
    return {
        "appended": head,
        "stored": len(stored),
        "noted": len(noted),
        "quarantined": len(quarantined),
        "in_outbox": len(in_outbox),
        "gaps": gaps,
        "lost": len(left) - gaps,
    }


def _noted(world: World, key: tuple[str, str]) -> list[int]:
    same = (RecordRow.device_id == key[0]) & (RecordRow.epoch == key[1])
    with world.database.reading() as connection:
        return list(connection.scalars(select(RecordRow.seq).where(same)))


def _quarantined(world: World, key: tuple[str, str]) -> list[tuple[int, int]]:
    row = QuarantineRow
    same = (row.device_id == key[0]) & (row.epoch == key[1])
    with world.database.reading() as connection:
        return [(first, last) for first, last in connection.execute(select(row.first, row.last).where(same))]


def measure(*, agents: int, minutes: float, seed: int, workers: int, every_s: float) -> dict[str, object]:
    """One run."""
    began_s = time.monotonic()
    with ExitStack() as open_now:
        folder = Path(open_now.enter_context(tempfile.TemporaryDirectory(prefix="tskaro-custody-")))
        cannot: dict[str, str] = {}
        network = _made(Network, "network_cut", cannot)
        if network is not None:
            open_now.callback(network.close)
        names = [device_id(number) for number in range(agents)]
        disk = _made(lambda: Disk(folder / "cards" / names[0]), "disk_full", cannot)
        if disk is not None:
            open_now.callback(disk.close)
        world = open_now.enter_context(_world(folder / "world", network, workers, open_now))
        world.register({name: f"point-{number}" for number, name in enumerate(names)})
        fleet = spread(names, folder / "cards", world.broker.port, every_s, network)
        ingests = [world.server("ingest") for _ in range(workers)]
        world.start(*ingests)
        valley = Valley(world, fleet, ingests, network, disk, random.Random(seed))
        for agent in fleet:
            world.holds(agent)
            agent.spawn()
        _await_all(fleet)
        run(valley, minutes * 60)
        settle(valley)
        counted = count(valley)
    seconds = round(time.monotonic() - began_s, 1)
    kills = {"kills": sum(valley.kills.values()), "kills_of": dict(valley.kills), "cannot": cannot}
    return {**counted, **kills, "agents": agents, "workers": workers, "seed": seed, "seconds": seconds}


def _made(make: Callable[[], object], name: str, cannot: dict[str, str]) -> object:
    try:
        return make()
    except NotHere as error:
        cannot[name] = str(error)
        return None


def _world(folder: Path, network: Network | None, workers: int, open_now: ExitStack) -> World:
    """Broker, store and, for several workers, PostgreSQL."""
    broker = Mosquitto(persistence=True, settings=_BROKER)
    if network is not None:
        broker.settings += (f"listener {broker.port} {network.host}",)
    open_now.enter_context(broker)
    influxdb = open_now.enter_context(InfluxDB())
    url = open_now.enter_context(PostgreSQL()).new_database() if workers > 1 else ""
    folder.mkdir()
    return World(folder, broker, influxdb, database_url=url)


def _await_all(fleet: list[Agent]) -> None:
    """Every agent has an outbox."""
    until_s = time.monotonic() + 120
    while not all((agent.card / "outbox.db").exists() for agent in fleet):
        if time.monotonic() > until_s:
            raise RuntimeError("an agent does not begin")
        time.sleep(0.2)


def _lines(result: dict[str, object]) -> Iterator[str]:
    return (f"{name:>12}  {value}" for name, value in result.items())


def main() -> int:
    """Print what became of everything."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agents", type=int, default=20, help="devices (20)")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long things are broken (5)")
    parser.add_argument("--seed", type=int, default=1, help="of what is random (1)")
    parser.add_argument("--workers", type=int, default=1, help="ingests; more than one over PostgreSQL (1)")
    parser.add_argument("--every-s", type=float, default=0.5, help="seconds between observations (0.5)")
    parser.add_argument("--json", action="store_true", help="for a script")
    given = parser.parse_args()
    result = measure(
        agents=given.agents,
        minutes=given.minutes,
        seed=given.seed,
        workers=given.workers,
        every_s=given.every_s,
    )
    print(json.dumps(result) if given.json else "\n".join(_lines(result)))
    return 1 if result["lost"] or result["doubled"] else 0


if __name__ == "__main__":
    sys.exit(main())
