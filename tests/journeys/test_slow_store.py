"""A store that takes four seconds for every request to write: everything comes in, and a breach does not wait."""

from pathlib import Path

import pytest

from tests.fakes.patience import eventually
from tests.fakes.slow_front import SlowFront
from tests.fakes.world import CSO, World
from tests.services.influxdb import InfluxDB
from tests.services.mosquitto import Mosquitto

pytestmark = pytest.mark.integration


def test_a_slow_store_takes_everything_in_and_keeps_no_breach_waiting(
    tmp_path: Path, mosquitto: Mosquitto, influxdb: InfluxDB
) -> None:
    with (
        SlowFront(influxdb.url, write_s=4.0) as front,
        World(tmp_path, mosquitto, influxdb, store_url=front.url) as world,
    ):
        stays = {"kk-0001": "algeti", "kk-0002": "bolnisi", "kk-0003": "kosalari"}
        world.register(stays)
        devices = [world.device(device) for device in stays]
        world.start(world.server("ingest"), world.server("notify"), *devices)
        eventually(lambda: all(world.stored(device) for device in stays), within_s=60)

        devices[0].sees(turbidity=12.0)
        eventually(lambda: len(world.texts_to(CSO)) == 1)

        for device in devices:
            assert world.assert_all_is_kept(device) > 0
