"""Commands over MQTT: done once, in time, and answered as often as they are asked."""

import json
import threading
from pathlib import Path

import pytest

from edge.clock import Instant
from edge.commands import Commands
from edge.orders import Orders
from edge.outbox import Outbox
from edge.remote import Remote, RemoteParts
from tests.fakes.hand_wound_clock import START_MS, HandWoundClock
from waterquality.wire.commands import (
    MAX_REPLY_BYTES,
    Command,
    RefusedWhy,
    decode_reply,
    encode_command,
)

NOW = Instant(START_MS, 60_000, "boot-1", is_synchronised=True)


class Counting:
    """A command that counts how often it was done."""

    def __init__(self) -> None:
        self.done = 0
        self.commands = Commands({"count": self._count, "long": lambda *_: {"x": "y" * MAX_REPLY_BYTES}})

    def _count(self, *_: object) -> dict[str, object]:
        self.done += 1
        return {"done": self.done}


def asked(id_: str = "c-1", name: str = "count", *, expires_ms: int = START_MS + 60_000) -> bytes:
    return encode_command(Command(id_, name, expires_ms))


def test_a_repeated_id_is_answered_again_and_not_done_again() -> None:
    counting = Counting()
    orders = Orders(counting.commands, None)

    first, again = orders.answer(asked(), NOW), orders.answer(asked(), NOW)
    other = orders.answer(asked("c-2"), NOW)

    assert first == again
    assert (decode_reply(first).id, decode_reply(first).result) == ("c-1", {"done": 1})
    assert decode_reply(other).result == {"done": 2}


def test_a_repeated_id_is_answered_again_even_after_a_restart(tmp_path: Path) -> None:
    counting = Counting()
    first = Orders(counting.commands, tmp_path / "answered.json").answer(asked(), NOW)

    again = Orders(counting.commands, tmp_path / "answered.json").answer(asked(), NOW)

    assert (again, counting.done) == (first, 1)


def test_what_has_expired_is_refused_and_not_done() -> None:
    counting = Counting()
    reply = decode_reply(Orders(counting.commands, None).answer(asked(expires_ms=START_MS - 90_000), NOW))

    assert (reply.id, reply.refused, counting.done) == ("c-1", RefusedWhy.EXPIRED, 0)
    assert reply.detail == "it came 90 s too late by this device's clock"


def test_an_answer_is_given_again_after_its_expiry() -> None:
    counting = Counting()
    orders = Orders(counting.commands, None)
    first = orders.answer(asked(), NOW)

    late = Instant(START_MS + 120_000, 180_000, "boot-1", is_synchronised=True)
    assert orders.answer(asked(), late) == first


def test_an_unknown_command_is_answered_so() -> None:
    reply = decode_reply(Orders(Counting().commands, None).answer(asked(name="dance"), NOW))

    assert reply.refused is RefusedWhy.UNKNOWN_COMMAND


@pytest.mark.parametrize("payload", [b"", b"{}", b"[" * 5000, b"\xff", b" " * 5000])
def test_what_is_no_command_is_counted_and_not_answered(payload: bytes) -> None:
    orders = Orders(Counting().commands, None)

    assert orders.answer(payload, NOW) is None
    assert orders.counters["commands_malformed"] == 1


def test_an_answer_too_long_to_travel_is_said_to_be_so() -> None:
    reply = decode_reply(Orders(Counting().commands, None).answer(asked(name="long"), NOW))

    assert (reply.refused, reply.detail) == (RefusedWhy.FAILED, "the answer is too long")


def test_only_so_many_answers_are_remembered(tmp_path: Path) -> None:
    counting = Counting()
    orders = Orders(counting.commands, tmp_path / "answered.json")
    for number in range(100):
        orders.answer(asked(f"c-{number}"), NOW)
    orders.answer(asked("c-99"), NOW)
    assert counting.done == 100
    orders.answer(asked("c-0"), NOW)

    assert counting.done == 101
    assert len(json.loads((tmp_path / "answered.json").read_bytes())) == 32


@pytest.mark.parametrize("content", ["", "[]", "7", '{"c-1": '])
def test_a_spoilt_memory_does_the_command_and_goes_on(tmp_path: Path, content: str) -> None:
    (tmp_path / "answered.json").write_text(content)
    counting = Counting()
    orders = Orders(counting.commands, tmp_path / "answered.json")

    assert decode_reply(orders.answer(asked(), NOW)).result == {"done": 1}


def test_a_card_that_takes_nothing_lets_the_answer_out_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    orders = Orders(Counting().commands, tmp_path / "file" / "answered.json")

    assert decode_reply(orders.answer(asked(), NOW)).result == {"done": 1}


@pytest.fixture
def remote(tmp_path: Path):
    outbox = Outbox(tmp_path / "outbox.db", device="kk-0001", serial="pi-1")
    said: list[tuple[str, bytes]] = []
    made = Remote(
        RemoteParts(),
        device="kk-0001",
        outbox=outbox,
        clock=HandWoundClock(),
        publish=lambda channel, payload: said.append((channel, payload)),
    )
    made.said = said
    yield made
    outbox.close()


def test_a_command_that_the_broker_kept_is_history_and_is_not_done(remote: Remote) -> None:
    remote.hear("command", asked(name="service"), is_retained=True)
    remote.turn(NOW)
    assert (remote.said, remote.counters["retained_ignored"]) == ([], 1)

    remote.hear("command", asked(name="state"), is_retained=False)
    remote.turn(NOW)
    ((channel, payload),) = remote.said
    assert (channel, decode_reply(payload).refused) == ("reply", None)


def test_a_flood_of_commands_costs_no_memory_and_holds_nobody_up(remote: Remote) -> None:
    for number in range(10_000):
        remote.hear("command", asked(f"c-{number}", "state"), is_retained=False)
    remote.turn(NOW)

    assert len(remote.said) == 64
    assert remote.counters["orders_dropped"] == 10_000 - 64


def test_a_device_that_takes_no_configuration_from_afar_ignores_it(remote: Remote) -> None:
    remote.hear("config", b"x" * 1000, is_retained=True)
    remote.turn(NOW)

    assert remote.said == []


def test_the_loop_outlives_what_a_turn_trips_over(remote: Remote) -> None:
    stop = threading.Event()

    def trip(_: Instant) -> None:
        stop.set()
        raise ZeroDivisionError

    remote.turn = trip
    remote.nudge()
    remote.loops(stop)["remote"]()

    assert stop.is_set()
