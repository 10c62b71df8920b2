"""All parts of an agent go by the best time that it knows, not by the machine's clock alone."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.agent import Agent, AgentParts
from edge.budget import Budget
from edge.light import Colour, Sign
from edge.outbox import Outbox
from edge.schedule import Every
from edge.uplink import Broker
from tests.fakes.hand_wound_clock import START_MS, HandWoundClock
from tests.fakes.patience import eventually
from waterquality.parameters import Parameter
from waterquality.readings import Reading

TOLD_MS = START_MS + 40 * 86_400_000


class Dark:
    """A lamp that nobody looks at."""

    def show(self, colour: Colour | None) -> None:
        pass

    def close(self) -> None:
        pass


class PhProbe:
    """A probe that always reads 7."""

    parameters = (Parameter.PH,)

    def measure(self, _: object) -> tuple[Reading, ...]:
        return (Reading(Parameter.PH, 7.0),)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    """One whose machine does not know the time, and who was told it by a receipt."""
    budget_file = tmp_path / "budget.json"
    count = {"month": "2025-11", "used_bytes": 900, "since_ms": START_MS, "known_ms": START_MS}
    budget_file.write_text(json.dumps(count))
    clock = HandWoundClock(wall_ms=0, boottime_ms=5_000, is_synchronised=False)
    made = Agent(
        AgentParts(
            device="kk-0001",
            probes=[PhProbe()],
            outbox=Outbox(tmp_path / "o.db", device="kk-0001", serial="pi-1"),
            broker=Broker("127.0.0.1", 1),
            clock=clock,
            schedule=Every(3600),
            lamp=Dark(),
            budget=Budget(budget_file),
        )
    )
    made.clock.learn(TOLD_MS, asked_ms=4_900, heard_ms=5_000)
    yield made
    made.stop()


def test_the_budget_turns_its_month_by_the_time_that_a_receipt_told(agent: Agent) -> None:
    agent.uplink._carried(100)

    assert agent._parts.budget is not None
    assert agent._parts.budget.used_bytes == 100


def test_the_light_knows_the_time_that_a_receipt_told(agent: Agent) -> None:
    said: list[Sign] = []

    def is_said(instant) -> Sign:
        said.append(Sign.NORMAL if instant.is_synchronised else Sign.UNKNOWN)
        return said[-1]

    assert agent.light is not None
    agent.light._sign = is_said
    agent.start()

    eventually(lambda: said)
    assert said[0] is Sign.NORMAL
