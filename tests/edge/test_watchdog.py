"""The watchdog is petted while all loops are well, and not a moment longer."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.agent import Agent, AgentParts
from edge.clock import SystemClock
from edge.outbox import Outbox
from edge.schedule import Every
from edge.uplink import Broker
from edge.watchdog import Watchdog, Watched, Work, watchdog_of_systemd
from tests.fakes.patience import eventually
from waterquality.parameters import Parameter
from waterquality.readings import Reading

LONGEST_S = 0.3


class ProbeThatHangs:
    """A probe that answers until it is told to hang, and then only once it is let go."""

    name = "ph"
    parameters = (Parameter.PH,)

    def __init__(self) -> None:
        self.hangs, self.let_go = threading.Event(), threading.Event()

    def measure(self, _now: object) -> list[Reading]:
        if self.hangs.is_set():
            self.let_go.wait(30)
        return [Reading(Parameter.PH, 7.0)]


@pytest.fixture
def probe() -> ProbeThatHangs:
    return ProbeThatHangs()


@pytest.fixture
def pets() -> list[float]:
    return []


@pytest.fixture
def agent(tmp_path: Path, probe: ProbeThatHangs, pets: list[float]) -> Iterator[Agent]:
    agent = Agent(
        AgentParts(
            device="kk-0007",
            probes=[probe],  # type: ignore[list-item]
            outbox=Outbox(tmp_path / "o.db", device="kk-0007", serial="pi-1"),
            broker=Broker("127.0.0.1", 1),
            clock=SystemClock(trusts_always=True),
            schedule=Every(0.05),
            watchdog=Watchdog(LONGEST_S, lambda: pets.append(time.monotonic())),
        )
    )
    agent.start()
    yield agent
    probe.let_go.set()
    agent.stop()


def test_a_device_without_a_network_is_well(agent: Agent, pets: list[float]) -> None:
    eventually(lambda: len(pets) > 5)

    assert agent.is_sampling()


def test_a_probe_that_hangs_stops_the_petting_and_its_return_brings_it_back(
    agent: Agent, probe: ProbeThatHangs, pets: list[float]
) -> None:
    eventually(lambda: len(pets) > 1)

    probe.hangs.set()
    eventually(lambda: time.monotonic() - pets[-1] > 3 * LONGEST_S)
    stopped = len(pets)
    probe.hangs.clear()
    probe.let_go.set()
    eventually(lambda: len(pets) > stopped + 2)


def test_several_loops_that_hang_hold_up_a_stop_no_longer_than_one(
    agent: Agent, probe: ProbeThatHangs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.agent._STOP_WITHIN_S", 0.5)
    let_go = threading.Event()
    hung = [threading.Thread(target=let_go.wait, daemon=True) for _ in range(6)]
    for thread in hung:
        thread.start()
    agent._threads += hung

    begun_s = time.monotonic()
    is_clean = agent.stop()
    took_s = time.monotonic() - begun_s
    let_go.set()

    assert took_s < 2.0
    assert not is_clean


def test_an_agent_whose_loops_have_ended_has_stopped_cleanly(agent: Agent) -> None:
    assert agent.stop()


def test_a_loop_that_ended_is_in_trouble() -> None:
    thread = threading.Thread(target=lambda: None, name="kk-0007-uplink")
    thread.start()
    thread.join()

    assert Watched(thread, Work()).trouble(0.0, 1.0) == "kk-0007-uplink has ended"


def test_waiting_is_no_work_however_long() -> None:
    work = Work()
    with work:
        begun = time.monotonic()
        assert work.lasts_s(begun + 100) > 99
    assert work.lasts_s(begun + 100) == 0

    assert Watched(threading.current_thread(), work).trouble(begun + 100, 1.0) == ""


@pytest.mark.parametrize(
    ("variables", "period_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "180000000"}, 180.0),
        ({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": "4194305"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
    ids=["none set", "set on us", "set on another process", "no number"],
)
def test_systemd_says_how_often(monkeypatch, variables: dict[str, str], period_s: float | None) -> None:
    for name in ("WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    found = watchdog_of_systemd(lambda: None)

    assert (found.period_s if found else None) == period_s
