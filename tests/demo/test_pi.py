"""The devices of the demo doubt what they should, and nothing else."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo.clocks import ScaledClock
from demo.events import demo_events
from demo.pi import SimulatedPi
from demo.villages import Village, villages
from demo.water import Water
from edge.outbox import Outbox
from edge.uplink import Broker
from waterquality.flags import Flag, Why
from waterquality.parameters import Parameter
from waterquality.readings import Observation
from waterquality.topics import Envelope
from waterquality.wire.decode import decode
from waterquality.wire.encode import encode

START = datetime(2026, 11, 24, 9, tzinfo=UTC)  # one in the afternoon at the water points
VILLAGES = {village.water_point: village for village in villages()}
Remembered = Callable[..., list[Observation]]


@pytest.fixture
def remembered(tmp_path: Path) -> Remembered:
    def remember(village: Village, hours: float, *, every_s: float = 60.0) -> list[Observation]:
        """What the device of a village records from the start of the demo on."""
        pi = SimulatedPi(
            village,
            Water(village, seed=7, events=demo_events(START)),
            ScaledClock(START, 1.0),
            folder=tmp_path,
            broker=Broker("127.0.0.1", 1),
            observe_every_s=every_s,
        )
        pi.remember(START, START + timedelta(hours=hours), timedelta(seconds=every_s))
        outbox = Outbox(
            tmp_path / f"{village.device}-outbox.db", device=village.device, serial=village.device
        )
        recorded: list[Observation] = []
        while packed := outbox.after(len(recorded), 200):
            payload = encode(village.device, outbox.epoch, 1, packed)
            envelope = Envelope(village.device, outbox.epoch, packed[0].first, packed[-1].last)
            recorded += decode(payload, envelope).records
        outbox.close()
        return recorded

    return remember


def whys(observations: list[Observation], parameter: Parameter) -> list[Why]:
    return [one.readings[parameter].screened.why for one in observations]


def test_the_stuck_probe_of_the_script_is_flagged_and_believed_again_when_it_moves(
    remembered: Remembered,
) -> None:
    manglisi = remembered(VILLAGES["tetritsqaro-manglisi-reservoir"], 2)
    stuck = [
        minute for minute, why in enumerate(whys(manglisi, Parameter.TURBIDITY)) if why is Why.PROBE_STUCK
    ]

    assert stuck == list(range(14, 83))
    assert {manglisi[minute].readings[Parameter.TURBIDITY].flag for minute in stuck} == {Flag.FAIL}
    assert Why.PROBE_STUCK not in whys(manglisi, Parameter.PH)


@pytest.mark.parametrize("every_s", [60.0, 900.0])
def test_a_day_at_a_sound_spring_that_runs_all_day_is_doubted_nowhere(
    remembered: Remembered, every_s: float
) -> None:
    day = remembered(VILLAGES["marneuli-sadakhlo-spring"], 24, every_s=every_s)
    found = Counter(reading.screened.why for one in day[2:] for reading in one.readings.values())

    assert set(found) == {Why.NONE}


def test_where_water_comes_some_hours_a_day_it_is_stagnant_then_flushed_then_sound(
    remembered: Remembered,
) -> None:
    found = whys(remembered(VILLAGES["dmanisi-zemo-orozmani-spring"], 6), Parameter.TURBIDITY)
    story = [why for at, why in enumerate(found) if at == 0 or why is not found[at - 1]]

    assert story == [
        *(Why.PROBE_NOT_SETTLED, Why.NONE),
        *(Why.STAGNANT_SAMPLE, Why.FIRST_FLUSH, Why.NONE),
    ]
    assert 4 <= found.count(Why.FIRST_FLUSH) <= 6
