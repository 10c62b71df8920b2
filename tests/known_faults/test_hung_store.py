"""A store that hangs, which is worse than one that is down: breaches are told, and afterwards all is stored."""

import os
import signal
import time

import pytest

from tests.fakes.patience import eventually
from tests.fakes.world import CSO, World

pytestmark = pytest.mark.integration


def test_while_the_store_hangs_a_breach_is_told(world: World) -> None:
    world.register({"kk-0001": "algeti"})
    device = world.device()
    world.start(world.server("ingest"), world.server("notify"), device)
    eventually(lambda: len(world.stored("kk-0001")) >= 5)
    pid = world.influxdb.pid
    assert pid is not None

    os.kill(pid, signal.SIGSTOP)
    try:
        eventually(lambda before=device.observed(): device.observed() >= before + 20)  # it has begun to hang
        began = time.monotonic()
        device.sees(turbidity=12.0)
        eventually(lambda: len(world.texts_to(CSO)) == 1, within_s=60)
        print("TOOK", time.monotonic() - began)
        began = time.monotonic()
        device.sees(turbidity=0.4)
        eventually(lambda: len(world.texts_to(CSO)) == 2, within_s=60)
        print("TOOK", time.monotonic() - began)
    finally:
        os.kill(pid, signal.SIGCONT)

    assert world.assert_all_is_kept(device) >= 20
