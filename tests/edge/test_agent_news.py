"""What the sampler finds is worth breaking a batch for reaches the uplink."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from edge.agent import Agent, AgentParts
from edge.batching import Batching
from edge.outbox import Outbox
from edge.reporting import Rates, Reporting, Sense
from edge.schedule import Every
from edge.uplink import Broker
from tests.fakes.hand_wound_clock import HandWoundClock
from waterquality.flags import NOT_SCREENED, Flag, Screened, Why
from waterquality.limits import Limit
from waterquality.parameters import Parameter
from waterquality.readings import Reading

SICK = Screened(Flag.FAIL, Why.PROBE_FAULT)
SENSE = Sense(deadband=0.1, limits=(Limit(Parameter.PH, 6.0, 9.0, "who"),))


class PhProbe:
    """A probe that reads what it is told to, one after the other."""

    parameters = (Parameter.PH,)

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._readings = iter(readings)

    def measure(self, _: object) -> tuple[Reading, ...]:
        return (next(self._readings),)


@pytest.mark.parametrize(
    ("then", "breaks_it"),
    [
        (Reading(Parameter.PH, 7.0), False),  # on schedule
        (Reading(Parameter.PH, 8.0), False),  # a change
        (Reading(Parameter.PH, 9.4), True),  # an exceedance
        (Reading(Parameter.PH, 7.0, screened=SICK), True),  # newly in doubt
    ],
)
def test_an_exceedance_and_a_new_doubt_break_the_batch_and_nothing_else_does(
    tmp_path: Path, then: Reading, breaks_it: bool
) -> None:
    clock, batching = HandWoundClock(), Batching(every_s=900.0)
    first = Reading(Parameter.PH, 7.0, screened=NOT_SCREENED)
    agent = Agent(
        AgentParts(
            device="kk-0001",
            probes=[PhProbe([first, then])],
            outbox=Outbox(tmp_path / "o.db", device="kk-0001", serial="pi-1"),
            broker=Broker("127.0.0.1", 1),
            clock=clock,
            schedule=Every(60),
            batching=batching,
            reporting=lambda _: Reporting(Rates(observe_every_s=60.0), {Parameter.PH: SENSE}),
        )
    )
    agent.sampler.observe(clock.read())
    batching.begin(0.0)  # the first observation is gathered; the next batch opens in a quarter of an hour

    clock.run(60.0)
    agent.sampler.observe(clock.read())

    assert agent.sampler.counters["appended"] == 2
    assert batching.is_open(60.0) == breaks_it
    agent.stop()
