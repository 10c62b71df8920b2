"""What came before its device was deployed lies in quarantine, and is taken in on command once it is."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import update

from server.database.models import Deployment, QuarantineRow
from tests.fakes.patience import eventually
from tests.fakes.programs import TSKARO, run
from tests.fakes.world import World

pytestmark = pytest.mark.integration


def test_a_backlog_from_before_the_deployment_leaves_quarantine_by_command(world: World) -> None:
    world.register({"kk-0001": "algeti"})
    begin(world, timedelta(hours=2))  # an hour from now
    ingest, device = world.server("ingest"), world.device()
    world.start(ingest, device)
    eventually(lambda: len(world.book(device).quarantined) >= 10)
    device.rest()
    eventually(lambda: device.depth().records == 0)
    assert world.stored("kk-0001") == []
    (first, *_) = json.loads(world.tskaro("quarantine", "--json"))
    assert first["reason"] == "no_deployment"
    cannot = truncate(world, first["id"])

    begin(world, -timedelta(hours=3))
    ingest.stop()  # or it would believe the registry it read last for some seconds more
    ingest.start()
    command = [*TSKARO, "quarantine", "replay", "--reason", "no_deployment", "--json"]
    done = run(command, "--settings", world.settings, env=world.env)

    said = json.loads(done.stdout)
    assert (said["still"], said["waiting"]) == ([], [])
    assert said["cannot"] == {str(cannot): "only the first 64 KiB of it are kept"}
    assert done.returncode == 1  # something stays
    assert len(world.stored("kk-0001")) == device.observed() - 1
    (row,) = json.loads(world.tskaro("completeness", "--json"))
    assert (row["stored"], row["quarantined"], row["adds_up"]) == (device.observed() - 1, 1, True)
    assert len(json.loads(world.tskaro("quarantine", "--json"))) == 1


def begin(world: World, before: timedelta) -> None:
    """Let the deployment begin so much later than it does."""
    later_ms = round(before.total_seconds() * 1000)
    with world.database.writing() as connection:
        connection.execute(update(Deployment).values(since_ms=Deployment.since_ms + later_ms))


def truncate(world: World, entry: int) -> int:
    """As if the payload had been larger than what is kept."""
    with world.database.writing() as connection:
        same = QuarantineRow.id == entry
        connection.execute(update(QuarantineRow).where(same).values(payload_bytes=70_000))
    return entry
