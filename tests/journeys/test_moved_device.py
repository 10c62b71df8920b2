"""A device that is carried to another village with a backlog: each observation stays where it was taken."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from server.database.models import Deployment
from tests.fakes.patience import eventually
from tests.fakes.world import World, registry

pytestmark = pytest.mark.integration


def test_a_backlog_is_stored_where_the_device_stood_when_it_was_taken(world: World) -> None:
    world.register({"kk-0001": "algeti"})
    ingest, device = world.server("ingest"), world.device()
    world.start(ingest, device)
    eventually(lambda: len(world.stored("kk-0001")) >= 3)

    world.broker.stop()
    eventually(lambda before=device.observed(): device.observed() >= before + 20)
    file = world.folder / "moved.toml"
    file.write_text(registry({"kk-0001": "kosalari"}))
    world.tskaro("registry", "load", file)
    eventually(lambda before=device.observed(): device.observed() >= before + 20)
    ingest.stop()  # or it would believe the registry it read last for some seconds more
    ingest.spawn()
    world.broker.start()
    eventually(lambda held=device.depth().held: device.depth().held > held)
    taken = world.assert_all_is_kept(device)

    moved_ms = moved_at_ms(world)
    before = [each.taken_ms for each in device.witnessed() if each.kind == "observation"]
    there = stored_at(world, "algeti"), stored_at(world, "kosalari")
    assert there == (
        [ms for ms in before if ms < moved_ms],
        [ms for ms in before if ms >= moved_ms],
    )
    assert min(map(len, there)) >= 20
    assert sum(map(len, there)) == taken


def moved_at_ms(world: World) -> int:
    with world.database.reading() as connection:
        (since_ms,) = connection.scalars(
            select(Deployment.since_ms).where(Deployment.water_point_id == "kosalari")
        )
    assert since_ms < datetime.now(UTC).timestamp() * 1000
    return since_ms


def stored_at(world: World, water_point: str) -> list[int]:
    """When what is stored of a water point was taken, in order."""
    query = f"SELECT seq FROM observation WHERE water_point = '{water_point}'"
    series = world.influxdb.query(query, world.influx_database)
    return [at_ms for each in series for at_ms, _ in each["values"]]
