"""A store that hangs, which is worse than one that is down: breaches are told, and afterwards all is stored."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.fakes.patience import eventually
from tests.fakes.world import CSO, World
from tests.services.service import Service

pytestmark = pytest.mark.integration
ANSWER_S = 30.0  # after which the store's own client would give up


@contextmanager
def frozen(service: Service) -> Iterator[None]:
    """The service keeps its connections and says nothing."""
    pid = service.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_while_the_store_hangs_breaches_are_told_and_afterwards_everything_is_stored(world: World) -> None:
    world.register({"kk-0001": "algeti"})
    device = world.device()
    world.start(world.server("ingest"), world.server("notify"), device)
    eventually(lambda: len(world.stored("kk-0001")) >= 5)

    began = time.monotonic()
    with frozen(world.influxdb):
        for told, turbidity in enumerate((12.0, 0.4, 12.0), start=1):
            device.sees(turbidity=turbidity)
            eventually(lambda told=told: len(world.texts_to(CSO)) == told)
        assert time.monotonic() - began < ANSWER_S
        assert device.depth().records >= 20  # nothing is receipted that is not stored

    assert world.assert_all_is_kept(device) >= 40
