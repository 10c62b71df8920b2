"""Two notifiers over one PostgreSQL: each text is sent once, and when one is killed the other goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from alerts.ports import Fate
from server.database.engine import Database
from server.database.models import NotificationRow
from tests.fakes.patience import eventually
from tests.fakes.world import CSO, MUNICIPALITY, World
from tests.services.influxdb import InfluxDB
from tests.services.mosquitto import Mosquitto

pytestmark = pytest.mark.integration


@pytest.fixture
def world(
    tmp_path: Path, mosquitto: Mosquitto, influxdb: InfluxDB, postgresql_database: Database
) -> Iterator[World]:
    with World(tmp_path, mosquitto, influxdb, database_url=postgresql_database.url) as world:
        yield world


def test_two_notifiers_double_nothing_and_one_goes_on_for_the_other(world: World) -> None:
    world.register({"kk-0001": "algeti"})
    device, first, second = world.device(), world.server("notify"), world.server("notify")
    world.start(world.server("ingest"), first, second, device)
    eventually(lambda: world.stored("kk-0001"))

    device.sees(turbidity=12.0)
    eventually(lambda: told_and_recorded(world) == (1, 1))
    first.kill()
    device.sees(turbidity=0.4)
    eventually(lambda: told_and_recorded(world) == (2, 2))
    first.start()
    second.kill()
    device.sees(turbidity=12.0)
    eventually(lambda: told_and_recorded(world) == (3, 3))

    assert world.handed_over() == 6


def told_and_recorded(world: World) -> tuple[int, int] | None:
    """How many texts each of two people has; None while the outcome of one is not recorded."""
    with world.database.reading() as connection:
        row = NotificationRow
        waiting = connection.scalar(select(func.count()).where(row.fate == str(Fate.QUEUED)))
    return None if waiting else (len(world.texts_to(CSO)), len(world.texts_to(MUNICIPALITY)))
