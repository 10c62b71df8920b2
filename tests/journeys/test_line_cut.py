"""The line of one device is cut while the rest goes on, as in a village: what it took comes afterwards."""

from collections.abc import Iterator

import pytest

from alerts.ports import Lane
from tests.fakes.cable import Cable
from tests.fakes.patience import eventually
from tests.fakes.world import CSO, World

pytestmark = pytest.mark.integration
EPISODE = ["pending", "firing", "recovering", "resolved"]


@pytest.fixture
def cable(world: World) -> Iterator[Cable]:
    with Cable(world.broker.port) as cable:
        yield cable


def test_the_newest_goes_first_and_a_breach_that_is_over_is_history(world: World, cable: Cable) -> None:
    world.register({"kk-0001": "algeti"})
    device = world.device(port=cable.port)
    world.start(world.server("ingest"), world.server("notify"), device)
    eventually(lambda: len(world.stored("kk-0001")) >= 5)

    cable.pull()
    for turbidity in (12.0, 0.4):
        before = device.observed()
        device.sees(turbidity=turbidity)
        eventually(lambda was=before: device.observed() >= was + 30)
    cable.plug()
    assert world.assert_all_is_kept(device) >= 60

    assert world.changes("algeti", Lane.LATE) == EPISODE
    assert world.changes("algeti", Lane.LIVE) == []
    assert world.gateway.texts == []


def test_a_line_that_breaks_again_and_again_costs_nothing_and_tells_once(world: World, cable: Cable) -> None:
    world.register({"kk-0001": "algeti"})
    device = world.device(port=cable.port, every_s=0.02)
    world.start(world.server("ingest"), world.server("notify"), device)
    device.sees(turbidity=12.0)

    for _ in range(8):
        before = len(world.stored("kk-0001"))
        eventually(lambda was=before: len(world.stored("kk-0001")) > was)
        cable.pull()
        cable.plug()
    eventually(lambda: len(world.texts_to(CSO)) == 1)

    assert world.assert_all_is_kept(device) >= 50
    assert len(world.texts_to(CSO)) == 1
