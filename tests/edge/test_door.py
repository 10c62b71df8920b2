"""The door: whoever knocks is answered, nobody who knocks is waited for, and only the group may knock."""

import json
import os
import socket
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from edge.agent import Agent, AgentParts
from edge.board import Board
from edge.clock import Instant, SystemClock
from edge.commands import Commands, only
from edge.door import Door
from edge.knocking import NobodyAnswers, NotLetIn, ask, live
from edge.outbox import Outbox
from edge.remote import RemoteParts
from edge.schedule import Every
from edge.uplink import Broker
from edge.visitor import MAX_LINE_BYTES, TooMuch, Visitor
from tests.edge.test_sampler import ScriptedProbe
from tests.fakes.patience import eventually
from waterquality.flags import Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.readings import Reading
from waterquality.wire.commands import CommandRefused, RefusedWhy

_NOBODY = 65534
NOW = Instant(1_763_900_040_000, 60_000, "boot-1", is_synchronised=True)
TURBID = Reading(Parameter.TURBIDITY, 5.25, 1.5, "V", Screened(Flag.SUSPECT, Why.PROBE_NOISY), "t-1", 0.5)


class House:
    """A door that somebody stands at, with a board behind it."""

    def __init__(self, path: Path) -> None:
        self.path, self.board, self._stop = path, Board(), threading.Event()
        self.done: list[str] = []
        commands = Commands({"state": self._state, "long": lambda *_: {"text": "x" * 30_000}})
        self.door = Door(path, commands=commands, board=self.board, clock=SystemClock())
        self._thread = threading.Thread(target=self.door.run, args=(self._stop,), daemon=True)

    def _state(self, arguments: object, _: Instant) -> dict[str, object]:
        only(arguments)  # type: ignore[arg-type]
        self.done.append("state")
        return {"device": "kk-0001"}

    def open(self) -> "House":
        self._thread.start()
        eventually(self.path.exists)
        return self

    def close(self) -> None:
        self._stop.set()
        self.door.nudge()
        self._thread.join(5)
        assert not self._thread.is_alive()

    def knock(self) -> socket.socket:
        knocking = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        knocking.settimeout(10)
        knocking.connect(str(self.path))
        return knocking


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path / "d" / "edge.sock").open()
    yield opened
    opened.close()


def told(knocking: socket.socket, line: bytes) -> dict[str, object]:
    knocking.sendall(line + b"\n")
    return dict(json.loads(knocking.makefile("rb").readline()))


def test_a_question_is_answered(house: House) -> None:
    assert ask(house.path, "state") == {"device": "kk-0001"}


def test_an_unknown_command_is_answered_so_and_the_known_ones_are_named(house: House) -> None:
    with pytest.raises(CommandRefused, match="there is no stat; there are long, state") as refused:
        ask(house.path, "stat")
    assert refused.value.why is RefusedWhy.UNKNOWN_COMMAND


def test_an_argument_that_nobody_would_read_is_refused(house: House) -> None:
    with pytest.raises(CommandRefused, match="unknown argument minutes; it takes none"):
        ask(house.path, "state", minutes=3)


def test_the_socket_is_for_its_group_and_for_nobody_else(house: House) -> None:
    mode = house.path.stat().st_mode

    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o660
    assert [path.name for path in house.path.parent.iterdir()] == ["edge.sock"]


def test_live_begins_with_the_newest_tick_and_follows_every_one(house: House) -> None:
    house.board.show(NOW, [TURBID])
    ticks = live(house.path, patience_s=10)

    first = next(ticks)
    house.board.show(Instant(NOW.wall_ms + 1000, 61_000, "boot-1", is_synchronised=False), [TURBID])
    second = next(ticks)

    assert first == {
        "time_ms": NOW.wall_ms,
        "synchronised": True,
        "readings": [
            {
                "parameter": "turbidity",
                "value": 5.25,
                "unit": "NTU",
                "flag": 3,
                "why": "probe_noisy",
                "raw": 1.5,
                "raw_unit": "V",
                "spread": 0.5,
                "certificate": "t-1",
            }
        ],
    }
    assert (second["time_ms"], second["synchronised"]) == (NOW.wall_ms + 1000, False)


def test_whoever_watches_may_ask_meanwhile(house: House) -> None:
    with house.knock() as watching:
        watching.sendall(b'{"command":"live"}\n{"command":"state"}\n')
        assert json.loads(watching.makefile("rb").readline()) == {"ok": True, "result": {"device": "kk-0001"}}


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"command":7}',
        b'{"command":"state","arguments":[]}',
        b'{"command":"state","arguments":{"a":{"b":{}}}}',
        b'{"command":"state","arguments":{"a":NaN}}',
        b'{"command":"state","arguments":{"a":1e999}}',
        b'{"command":"../state"}',
        b"[" * 4000,
    ],
)
def test_a_line_that_is_no_question_is_refused_and_the_next_one_is_answered(
    house: House, line: bytes
) -> None:
    with house.knock() as knocking:
        refused = told(knocking, line)
        answered = told(knocking, b'{"command":"state"}')

    assert (refused["ok"], refused["why"]) == (False, "bad_arguments")
    assert answered["ok"] is True


def test_a_line_without_an_end_shows_its_visitor_out(house: House) -> None:
    with house.knock() as knocking:
        knocking.sendall(b"x" * (MAX_LINE_BYTES + 1))
        assert knocking.recv(1) == b""

    assert ask(house.path, "state")


def test_who_asks_and_does_not_fetch_is_shown_out_and_the_others_are_answered(house: House) -> None:
    with house.knock() as greedy:
        for _ in range(200):
            try:
                greedy.sendall(b'{"command":"long"}\n')
            except OSError:
                break
            ask(house.path, "state")
        else:
            pytest.fail("it was never shown out")


def test_no_more_than_so_many_are_let_in_and_one_who_leaves_makes_room(house: House) -> None:
    inside = [house.knock() for _ in range(16)]
    for each in inside:
        assert told(each, b'{"command":"state"}')["ok"] is True
    with pytest.raises(CommandRefused, match="too many"):
        ask(house.path, "state")

    inside[0].close()

    eventually(lambda: _is_answered(house.path))
    for each in inside:
        each.close()


def _is_answered(path: Path) -> bool:
    try:
        return bool(ask(path, "state"))
    except (CommandRefused, NobodyAnswers):
        return False


def test_the_sampler_never_waits_for_a_watcher_who_does_not_read(house: House) -> None:
    with house.knock() as sleeper:
        sleeper.sendall(b'{"command":"live"}\n')
        eventually(lambda: ask(house.path, "state"))
        began = time.monotonic()
        for _ in range(20_000):  # some 6 MB of ticks, far beyond every buffer
            house.board.show(NOW, [TURBID])
        shown_s = time.monotonic() - began

    assert shown_s < 5
    assert ask(house.path, "state")


def test_a_socket_left_by_an_agent_that_was_killed_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "edge.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(path))
    house = House(path).open()

    eventually(lambda: _is_answered(path))
    house.close()
    assert not path.exists()


def test_the_door_of_a_running_agent_is_not_taken_away(house: House) -> None:
    other = House(house.path).open()
    other.close()

    assert ask(house.path, "state")


def test_a_group_that_is_not_there_opens_no_door(tmp_path: Path) -> None:
    stop = threading.Event()
    door = Door(
        tmp_path / "edge.sock",
        commands=Commands({}),
        board=Board(),
        clock=SystemClock(),
        group="no-such-group",
    )
    thread = threading.Thread(target=door.run, args=(stop,), daemon=True)
    with capture_logs() as said:
        thread.start()
        eventually(lambda: said)
    stop.set()
    thread.join(5)

    assert not thread.is_alive()
    assert [(each["event"], each["detail"]) for each in said] == [
        ("door_not_opened", "there is no group no-such-group")
    ]
    assert list(tmp_path.iterdir()) == []


def test_nobody_at_home_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(NobodyAnswers, match="no agent answers; is it running"):
        ask(tmp_path / "edge.sock", "state")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may look into."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_who_is_not_in_the_group_is_told_so(open_folder: Path) -> None:
    house = House(open_folder / "edge.sock").open()
    if os.geteuid() != 0:
        house.path.chmod(0)
    child = os.fork()
    if child == 0:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
        try:
            ask(house.path, "state")
        except NotLetIn:
            os._exit(7)
        os._exit(0)
    told = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    house.close()

    assert told == 7


def test_an_agent_that_stops_ends_the_watching(tmp_path: Path) -> None:
    house = House(tmp_path / "edge.sock").open()
    house.board.show(NOW, [TURBID])
    ticks = live(house.path, patience_s=10)
    next(ticks)

    house.close()

    with pytest.raises(NobodyAnswers):
        next(ticks)


def test_a_watcher_that_falls_behind_gets_whole_lines_and_misses_some() -> None:
    visitor = Visitor(0.0)
    for number in range(10_000):
        visitor.tell_live(b'{"n":%d,"x":"%s"}' % (number, b"x" * 80))

    lines = visitor.unread(10**9).split(b"\n")[:-1]

    assert 100 < len(lines) < 1000
    assert [json.loads(line)["n"] for line in lines] == list(range(len(lines)))


def test_a_visitor_who_asks_too_much_is_told_apart() -> None:
    visitor = Visitor(0.0)
    for _ in range(4):
        visitor.tell(b"x" * 30_000)

    with pytest.raises(TooMuch):
        visitor.tell(b"x" * 30_000)


def test_a_visitor_who_says_nothing_is_stuck_and_one_who_watches_is_not() -> None:
    silent, watching = Visitor(0.0), Visitor(0.0)
    watching.watches = True

    assert silent.is_stuck(61, longest_s=60)
    assert not watching.is_stuck(61, longest_s=60)
    watching.tell_live(b"{}")
    assert watching.is_stuck(61, longest_s=60)


def test_a_running_agent_is_asked_through_its_door(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db", device="kk-0001", serial="pi-1")
    agent = Agent(
        AgentParts(
            device="kk-0001",
            probes=[ScriptedProbe(Parameter.PH, 7.4)],
            outbox=outbox,
            broker=Broker("127.0.0.1", 1),
            clock=SystemClock(trusts_always=True),
            schedule=Every(0.05),
            remote=RemoteParts(folder=tmp_path, door=tmp_path / "edge.sock"),
        )
    )
    agent.start()
    eventually((tmp_path / "edge.sock").exists)

    tick = next(live(tmp_path / "edge.sock", patience_s=10))
    state = ask(tmp_path / "edge.sock", "state")
    agent.stop()

    assert tick["readings"][0]["value"] == 7.4
    assert (state["device"], state["connected"], state["synchronised"]) == ("kk-0001", False, True)
    assert state["appended"] >= 1
    assert state["service_left_s"] == 0


def test_a_burst_does_not_wait_for_the_next_tick(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db", device="kk-0001", serial="pi-1")
    agent = Agent(
        AgentParts(
            device="kk-0001",
            probes=[ScriptedProbe(Parameter.PH, 7.4)],
            outbox=outbox,
            broker=Broker("127.0.0.1", 1),
            clock=SystemClock(trusts_always=True),
            schedule=Every(86_400),
            remote=RemoteParts(door=tmp_path / "edge.sock"),
        )
    )
    agent.start()
    eventually((tmp_path / "edge.sock").exists)

    assert ask(tmp_path / "edge.sock", "burst", minutes=1)["burst_left_s"] > 50
    ticks = live(tmp_path / "edge.sock", patience_s=10)
    first, second = next(ticks), next(ticks)
    ask(tmp_path / "edge.sock", "burst", minutes=0)
    agent.stop()

    assert second["time_ms"] - first["time_ms"] < 10_000
