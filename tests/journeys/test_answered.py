"""A person answers a text by their telephone: a real gammu-smsd takes it in, and the alert is acknowledged."""

from pathlib import Path

import pytest
from sqlalchemy import select

from server.database.models import AcknowledgementRow
from tests.fakes.patience import eventually
from tests.fakes.world import CSO, World
from tests.services.gammu_smsd import GammuSmsd
from tests.services.influxdb import InfluxDB
from tests.services.mosquitto import Mosquitto

pytestmark = pytest.mark.integration


def test_who_texts_1_has_acknowledged_and_is_thanked_in_their_language(
    tmp_path: Path, mosquitto: Mosquitto, influxdb: InfluxDB, gammu_smsd: GammuSmsd
) -> None:
    with World(tmp_path, mosquitto, influxdb, answers=gammu_smsd.spool) as world:
        world.register({"kk-0001": "algeti"})
        device = world.device()
        world.start(world.server("ingest"), world.server("notify"), device)
        eventually(lambda: world.stored("kk-0001"))
        device.sees(turbidity=12.0)
        eventually(lambda: len(world.texts_to(CSO)) == 1)

        gammu_smsd.receive("+995599999999", "1")
        gammu_smsd.receive(CSO, "1")

        eventually(lambda: len(world.texts_to(CSO)) == 2)
        assert world.texts_to(CSO)[1] == "ალგეთი-1: მიღებულია, გმადლობთ."
        assert acknowledged(world) == [("algeti", "nino")]
        assert world.texts_to("+995599999999") == []
        eventually(lambda: not list((gammu_smsd.spool / "inbox").iterdir()))


def acknowledged(world: World) -> list[tuple[str, str]]:
    row = AcknowledgementRow
    with world.database.reading() as connection:
        return [tuple(each) for each in connection.execute(select(row.water_point_id, row.by))]
