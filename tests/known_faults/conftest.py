"""What a fault befalls: a broker, a store and a folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.world import World
from tests.services.influxdb import InfluxDB
from tests.services.mosquitto import Mosquitto


@pytest.fixture
def world(tmp_path: Path, mosquitto: Mosquitto, influxdb: InfluxDB) -> Iterator[World]:
    with World(tmp_path, mosquitto, influxdb) as world:
        yield world
