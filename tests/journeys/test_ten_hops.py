"""One observation, ten hops: from volts at a probe to a text in somebody's own language, all parts real."""

import json
import re

import pytest

from tests.fakes.patience import eventually
from tests.fakes.world import CSO, MUNICIPALITY, TECHNICIAN, World

pytestmark = pytest.mark.integration


def test_an_observation_goes_all_the_way_and_a_breach_is_told(world: World) -> None:
    world.register({"kk-0001": "algeti"})
    ingest, notify, device = world.server("ingest"), world.server("notify"), world.device()
    world.start(ingest, notify, device)

    eventually(lambda: len(world.stored("kk-0001")) >= 5)
    assert world.gateway.texts == []
    device.sees(turbidity=12.0)
    eventually(lambda: len(world.gateway.texts) >= 2)
    device.sees(turbidity=0.4)
    eventually(lambda: len(world.gateway.texts) >= 4)

    (told, cleared) = world.texts_to(CSO)
    assert re.fullmatch(r"ალგეთი-1: სიმღვრივე 12 NTU, ზღვარი 4 \(\d\d:\d\d\)\. შეამოწმეთ წყალი\.", told)
    assert re.fullmatch(r"ალგეთი-1: .* ზღვარს აღარ სცდება.*", cleared)
    assert world.texts_to(MUNICIPALITY)[0].startswith("Алгети-1: ")
    assert world.texts_to(TECHNICIAN) == []  # the water is sick, not the sensor
    taken = world.assert_all_is_kept(device)
    assert taken > 20

    (row,) = json.loads(world.tskaro("completeness", "--json"))
    assert (row["device"], row["noted"]) == ("kk-0001", 1)
    assert row["stored"] >= taken  # the device goes on
    assert json.loads(world.tskaro("quarantine", "--json")) == []
    for program in (device, notify, ingest):
        program.stop()
        assert program.exit_code == 0
    assert world.handed_over() == 4
