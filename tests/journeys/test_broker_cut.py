"""The broker goes and comes, with or without its memory: nothing is lost or doubled, the breach is told once."""

import pytest

from tests.fakes.patience import eventually
from tests.fakes.world import CSO, World

pytestmark = pytest.mark.integration


def test_what_was_taken_while_the_broker_was_down_arrives_and_a_breach_in_it_is_told_once(
    world: World,
) -> None:
    world.register({"kk-0001": "algeti", "kk-0002": "kosalari"})
    ingest, notify = world.server("ingest"), world.server("notify")
    devices = [world.device("kk-0001"), world.device("kk-0002", every_s=0.1)]
    world.start(ingest, notify, *devices)
    eventually(lambda: all(len(world.stored(each.device)) >= 5 for each in devices))

    world.broker.stop()
    before = [each.observed() for each in devices]
    devices[0].sees(turbidity=12.0)
    eventually(lambda: all(each.observed() >= was + 25 for each, was in zip(devices, before, strict=True)))
    assert world.gateway.texts == []
    world.broker.start()
    eventually(lambda: len(world.gateway.texts) == 2)

    for each in devices:
        assert world.assert_all_is_kept(each) >= 30
    assert len(world.texts_to(CSO)) == 1
    assert world.handed_over() == 2


def test_a_broker_that_is_killed_and_forgets_everything_again_and_again_costs_nothing(world: World) -> None:
    world.register({"kk-0001": "algeti", "kk-0002": "kosalari", "kk-0003": "shulaveri"})
    devices = [world.device(f"kk-000{n}") for n in (1, 2, 3)]
    world.start(world.server("ingest"), *devices)

    for _ in range(3):
        before = [len(world.stored(each.device)) for each in devices]
        eventually(
            lambda was=before: all(len(world.stored(d.device)) > n for d, n in zip(devices, was, strict=True))
        )
        world.broker.kill()  # it keeps nothing: no retained receipt, no session
        world.broker.start()

    assert sum(world.assert_all_is_kept(each) for each in devices) >= 100
