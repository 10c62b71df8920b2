"""What a person types at the server, done at the tap: a configuration, a refused one, commands; nothing is lost."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from edge.knocking import ask
from edge.outbox import look_into
from server.database.models import RecordRow
from server.ingest.books import Books
from tests.fakes.agent_process import RunningAgent, toml
from tests.fakes.patience import eventually
from tests.fakes.programs import TSKARO, run
from tests.fakes.world import World

pytestmark = pytest.mark.integration
DEVICE = "kk-0001"


@pytest.fixture
def agent(world: World, mosquitto: Any, tmp_path: Path) -> RunningAgent:
    world.register({DEVICE: "algeti"})
    agent = RunningAgent(DEVICE, mosquitto.port, tmp_path / "card")
    world.holds(agent)
    world.start(world.server("ingest"), agent)
    return agent


def tskaro(world: World, *words: object) -> tuple[int, str]:
    """A command of the administrator: its exit code and what it said."""
    ran = run(TSKARO, *words, "--settings", world.settings, env=world.env)
    assert "Traceback" not in ran.stderr
    return ran.returncode, ran.stdout


def written(folder: Path, text: str) -> Path:
    path = folder / "device.toml"
    path.write_text(text, encoding="utf-8")
    return path


def shown(world: World) -> dict[str, Any]:
    return dict(json.loads(tskaro(world, "device", "config", DEVICE, "--json")[1]))


def notes(world: World) -> list[str]:
    of_kind = (RecordRow.device_id == DEVICE) & (RecordRow.kind == "config_applied")
    with world.database.reading() as connection:
        return list(connection.scalars(select(RecordRow.body).where(of_kind)))


def assert_one_unbroken_record(world: World, agent: RunningAgent, epoch: str) -> None:
    """What the device has numbered is on the server or still with it, under the epoch it began with; no gap."""
    agent.stop()
    now, depth = look_into(agent.card / "outbox.db")
    assert (now, depth.in_gaps, depth.records) == (epoch, 0, depth.head - depth.held + 1)
    eventually(lambda: Books(world.database).of((DEVICE, epoch)).settled.through() >= depth.held - 1)
    assert len(Books(world.database).of((DEVICE, epoch)).settled.spans) == 1


def test_a_configuration_is_applied_a_bad_one_refused_and_no_record_is_lost(
    world: World, agent: RunningAgent, tmp_path: Path
) -> None:
    eventually(lambda: look_into(agent.card / "outbox.db")[1].head > 5)
    epoch = look_into(agent.card / "outbox.db")[0]

    good = written(tmp_path, toml(DEVICE, 0.1, pin=22))
    assert tskaro(world, "device", "configure", DEVICE, good, "--who", "Nino") == (
        0,
        f"{DEVICE}: version 1 is desired\napplied: {DEVICE} runs version 1\n",
    )
    bad = written(tmp_path, toml(DEVICE, 0.1, pin=27))
    code, said = tskaro(world, "device", "configure", DEVICE, bad)
    assert (code, "refused: GPIO27 cannot be opened: taken" in said) == (1, True)

    found = shown(world)
    assert (found["desired"]["state"], found["running"]["version"]) == ("refused", 1)
    agent.kill()
    agent.start()
    eventually(lambda: shown(world)["running"]["version"] == 1)
    assert_one_unbroken_record(world, agent, epoch)
    assert [body.startswith("version 1 ") for body in notes(world)] == [True]


def test_a_device_that_was_away_gets_it_when_it_comes_though_the_broker_has_forgotten(
    world: World, agent: RunningAgent, tmp_path: Path, mosquitto: Any
) -> None:
    agent.stop()
    code, said = tskaro(
        world, "device", "configure", DEVICE, written(tmp_path, toml(DEVICE, 0.1)), "--wait", 1
    )
    assert (code, "has not answered yet" in said) == (75, True)

    mosquitto.stop()
    mosquitto.start()
    agent.start()

    eventually(lambda: shown(world)["desired"]["state"] == "applied")


def test_commands_are_done_and_answered(world: World, agent: RunningAgent) -> None:
    code, said = tskaro(world, "device", "command", DEVICE, "service", "--minutes", 30)
    assert (code, said) == (0, "service_left_s: 1800.0\n")
    assert ask(agent.door, "state")["service_left_s"] > 1700

    assert tskaro(world, "device", "command", DEVICE, "service", "--minutes", 0)[0] == 0
    code, said = tskaro(world, "device", "command", DEVICE, "log_tail", "--lines", 5, "--json")
    lines = json.loads(said)["result"]["lines"]
    assert any(json.loads(line)["event"] == "service_ended" for line in lines)

    code, said = tskaro(world, "device", "command", DEVICE, "burst", "--minutes", 61)
    assert (code, said) == (1, "refused: bad_arguments: minutes should be a number from 0 to 60\n")
    code, said = tskaro(world, "device", "command", DEVICE, "dance")
    assert (code, said.startswith("refused: unknown_command: there is no dance")) == (1, True)
    code, said = tskaro(world, "device", "command", DEVICE, "identify")
    assert (code, said) == (1, "refused: unsupported: this device has no light\n")


def test_a_device_that_is_not_there_is_not_waited_for_longer_than_asked(
    world: World, agent: RunningAgent
) -> None:
    agent.stop()

    code, said = tskaro(world, "device", "command", DEVICE, "burst", "--wait", 1)

    assert (code, said) == (75, f"{DEVICE} did not answer within 1 s; it will not do it any more\n")
