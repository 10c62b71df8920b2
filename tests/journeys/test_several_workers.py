"""Two ingests over one PostgreSQL: one hangs, the other takes over; it goes on, finds out, and comes back in."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from server.database.engine import Database
from server.database.lease_models import ShardLeaseRow
from tests.fakes.patience import eventually
from tests.fakes.programs import Program
from tests.fakes.world import CSO, World
from tests.services.influxdb import InfluxDB
from tests.services.mosquitto import Mosquitto
from waterquality.topics import shard

pytestmark = pytest.mark.integration

_NAMES = [f"kk-{number:04}" for number in range(1, 200)]
_LOW = [name for name in _NAMES if shard(name) < "8"]  # what the worker keeps that was there first
_HIGH = [name for name in _NAMES if shard(name) >= "8"]
# One water point for each of two workers, and one that devices of both serve.
STAYS = {_LOW[0]: "algeti", _HIGH[0]: "khrami", _LOW[1]: "debeda", _HIGH[1]: "debeda"}


@pytest.fixture
def world(
    tmp_path: Path, mosquitto: Mosquitto, influxdb: InfluxDB, postgresql_database: Database
) -> Iterator[World]:
    with World(tmp_path, mosquitto, influxdb, database_url=postgresql_database.url) as world:
        yield world


def held(worker: Program) -> str:
    """The shards that a worker says that it holds."""
    said = worker.said("shards_changed")
    return str(said[-1]["held"]) if said else ""


def stored(world: World) -> dict[str, int]:
    return {device: len(world.stored(device)) for device in STAYS}


def all_go_on(world: World, *, within_s: float = 60) -> None:
    """Wait until more is stored of every device."""
    before = stored(world)
    eventually(
        lambda: all(now > before[device] + 5 for device, now in stored(world).items()), within_s=within_s
    )


def doubled(world: World) -> dict[tuple[str, str], int]:
    """Texts that the gateway was asked for more than once, by telephone and reference."""
    asked = Counter(
        (request.fields["to"], request.fields["reference"])
        for request in world.gateway.requests
        if request.method == "POST"
    )
    return {text: times for text, times in asked.items() if times > 1}


def test_a_worker_that_hangs_is_replaced_and_nothing_is_lost_or_told_twice(world: World) -> None:
    world.register(STAYS)
    first, second, notify = world.server("ingest"), world.server("ingest"), world.server("notify")
    devices = {name: world.device(name) for name in STAYS}
    first.start()
    assert "0123456789abcdef" == held(first)
    world.start(second, notify, *devices.values())
    eventually(lambda: (held(first), held(second)) == ("01234567", "89abcdef"))
    all_go_on(world)

    first.hang()
    for name in (_LOW[0], _LOW[1], _HIGH[1]):
        devices[name].sees(turbidity=12.0)
    eventually(lambda: held(second) == "0123456789abcdef", within_s=30)
    all_go_on(world)
    eventually(lambda: len(world.texts_to(CSO)) == 2)  # of algeti and of debeda

    first.go_on()
    eventually(lambda: first.said("shards_changed")[-2]["lost"] == "01234567", within_s=30)
    eventually(lambda: len(held(first)) == len(held(second)) == 8, within_s=30)
    all_go_on(world)
    for device in devices.values():
        device.sees(turbidity=0.4)
    eventually(lambda: len(world.texts_to(CSO)) == 4, within_s=60)

    second.hang()
    time.sleep(1)  # shorter than a lease: nothing changes hands
    second.go_on()
    all_go_on(world)

    second.kill()
    eventually(lambda: held(first) == "0123456789abcdef", within_s=8)  # a dead one is not waited for
    all_go_on(world)
    kept = [world.assert_all_is_kept(device) for device in devices.values()]
    assert min(kept) > 20
    assert 4 == len(world.texts_to(CSO))
    assert {} == doubled(world)


def test_a_worker_that_ends_gives_back_what_it_holds(world: World) -> None:
    world.register(STAYS)
    first, second = world.server("ingest"), world.server("ingest")
    world.start(first)
    world.start(second)
    eventually(lambda: len(held(first)) == len(held(second)) == 8)

    first.stop()

    eventually(lambda: len(held(second)) == 16, within_s=8)
    second.stop()
    with world.database.reading() as connection:
        assert {""} == set(connection.scalars(select(ShardLeaseRow.worker)))
