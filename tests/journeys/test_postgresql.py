"""The same way with registry, ledger and custody in PostgreSQL."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.patience import eventually
from tests.fakes.world import CSO, World
from tests.services.influxdb import InfluxDB
from tests.services.mosquitto import Mosquitto

pytestmark = pytest.mark.integration


@pytest.fixture
def world(tmp_path: Path, mosquitto: Mosquitto, influxdb: InfluxDB, postgres_url: str) -> Iterator[World]:
    with World(tmp_path, mosquitto, influxdb, database_url=postgres_url) as world:
        yield world


def test_an_observation_goes_all_the_way_and_a_breach_is_told(world: World) -> None:
    world.register({"kk-0001": "algeti"})
    ingest, notify, device = world.server("ingest"), world.server("notify"), world.device()
    world.start(ingest, notify, device)
    eventually(lambda: len(world.stored("kk-0001")) >= 5)

    device.sees(turbidity=12.0)
    eventually(lambda: len(world.gateway.texts) >= 2)
    device.sees(turbidity=0.4)
    eventually(lambda: len(world.gateway.texts) >= 4)

    assert 2 == len(world.texts_to(CSO))
    assert world.assert_all_is_kept(device) > 10
    assert json.loads(world.tskaro("quarantine", "--json")) == []


def test_an_ingest_that_is_killed_goes_on_where_it_was(world: World) -> None:
    world.register({"kk-0001": "algeti"})
    ingest, device = world.server("ingest"), world.device()
    world.start(ingest, device)
    eventually(lambda: len(world.stored("kk-0001")) >= 10)

    ingest.kill()
    before = len(world.stored("kk-0001"))
    ingest.start()

    eventually(lambda: len(world.stored("kk-0001")) >= before + 10)
    assert world.assert_all_is_kept(device) > 20
