"""The store goes and comes: breaches still text, and afterwards everything is stored."""

import pytest

from tests.fakes.patience import eventually
from tests.fakes.world import CSO, World

pytestmark = pytest.mark.integration


def test_while_the_store_is_down_a_breach_is_told_and_afterwards_everything_is_stored(world: World) -> None:
    world.register({"kk-0001": "algeti"})
    device = world.device()
    world.start(world.server("ingest"), world.server("notify"), device)
    eventually(lambda: len(world.stored("kk-0001")) >= 5)

    world.influxdb.stop()
    device.sees(turbidity=12.0)
    eventually(lambda: len(world.texts_to(CSO)) == 1)
    device.sees(turbidity=0.4)
    eventually(lambda: len(world.texts_to(CSO)) == 2)
    assert device.depth().records > 20  # nothing is receipted that is not stored
    world.influxdb.start()

    assert world.assert_all_is_kept(device) >= 40
    assert world.handed_over() == 4


def test_a_store_that_is_down_when_the_server_starts_is_used_when_it_comes(world: World) -> None:
    world.register({"kk-0001": "algeti"})
    world.influxdb.stop()
    ingest, device = world.server("ingest"), world.device()
    world.start(ingest, device)
    eventually(lambda: device.observed() >= 20)
    world.influxdb.start()

    assert world.assert_all_is_kept(device) >= 20
