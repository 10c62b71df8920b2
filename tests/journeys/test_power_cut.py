"""Processes end as in a power cut, in the middle of their work: nothing is lost, nothing doubled."""

import random

import pytest

from tests.fakes.patience import eventually
from tests.fakes.receiver import Receiver
from tests.fakes.world import CSO, World

pytestmark = pytest.mark.integration


def test_an_ingest_that_is_killed_in_mid_stream_loses_nothing_and_doubles_no_text(world: World) -> None:
    world.register({"kk-0001": "algeti", "kk-0002": "kosalari"})
    ingest, notify = world.server("ingest"), world.server("notify")
    devices = [world.device("kk-0001", every_s=0.02), world.device("kk-0002", every_s=0.02)]
    world.start(ingest, notify, *devices)

    for told, turbidity in enumerate((12.0, 0.4, 12.0), start=1):
        before = len(world.stored("kk-0001"))
        devices[0].sees(turbidity=turbidity)
        eventually(lambda was=before: len(world.stored("kk-0001")) > was + random.randint(1, 30))
        ingest.kill()
        ingest.start()
        eventually(lambda told=told: len(world.texts_to(CSO)) == told)

    assert sum(world.assert_all_is_kept(each) for each in devices) >= 300
    assert ["12 NTU" in text for text in world.texts_to(CSO)] == [True, False, True]
    assert world.handed_over() == 6  # two people


def test_an_agent_that_is_killed_in_mid_append_and_mid_send_keeps_all_it_ever_took(world: World) -> None:
    world.register({"kk-0001": "algeti"})
    device = world.device(every_s=0.01, repeat_after_s=0.2)
    world.start(world.server("ingest"), device)
    cuts = 5

    with Receiver(world.broker.port, "tskaro/1/+/+/status") as listening:
        for _ in range(cuts):
            before = device.observed()
            eventually(lambda was=before: device.observed() >= was + random.randint(20, 60), every_s=0.001)
            device.kill()
            device.start()
        eventually(lambda: listening.states("kk-0001")[-1:] == ["online"])
        assert listening.states("kk-0001").count("offline") == cuts  # the last will

    assert world.assert_all_is_kept(device, killed=cuts) >= 100
    assert world.book(device).noted
    assert {each.epoch for each in device.witnessed()} == {device.epoch}


def test_after_a_power_cut_in_the_whole_valley_all_is_there(world: World) -> None:
    world.register({"kk-0001": "algeti", "kk-0002": "kosalari"})
    ingest = world.server("ingest")
    devices = [world.device("kk-0001", every_s=0.02), world.device("kk-0002", every_s=0.02)]
    world.start(ingest, *devices)
    eventually(lambda: all(len(world.stored(each.device)) > 20 for each in devices))

    for each in (devices[0], ingest, world.broker, world.influxdb, devices[1]):
        each.kill()
    for program in (*devices, ingest):
        program.spawn()
    eventually(lambda: all(each.observed() > 60 for each in devices))
    world.broker.start()  # the services come back last
    world.influxdb.start()

    assert sum(world.assert_all_is_kept(each, killed=1) for each in devices) >= 120
