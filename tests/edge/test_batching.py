"""When what is new may go: at once, together, or broken by an event."""

import pytest

from edge.batching import Batching
from edge.budget import Thrift
from edge.settings import Deflate


def tight() -> Thrift:
    return Thrift.TIGHT


def test_without_batches_everything_goes_at_once() -> None:
    batching = Batching()
    batching.begin(100.0)

    assert batching.is_open(100.0)


def test_a_batch_is_gathered_from_one_sending_to_the_next() -> None:
    batching = Batching(900.0)
    assert batching.is_open(100.0)  # nothing was sent yet
    batching.begin(100.0)

    assert [batching.is_open(at) for at in (100.0, 999.9, 1000.0)] == [False, False, True]
    assert batching.opens_at() == 1000.0


def test_an_event_breaks_the_batch_once() -> None:
    batching = Batching(900.0)
    batching.begin(100.0)
    batching.urge()
    assert batching.is_open(101.0)
    batching.begin(101.0)

    assert not batching.is_open(102.0)


def test_what_has_waited_goes_with_a_new_connection() -> None:
    batching = Batching(900.0)
    batching.begin(100.0)
    batching.reconnect()

    assert batching.is_open(101.0)


@pytest.mark.parametrize(
    ("deflate", "one", "many", "health"),
    [
        (Deflate.NEVER, False, False, False),
        (Deflate.BATCHES, False, True, False),
        (Deflate.ALWAYS, True, True, True),
    ],
)
def test_what_is_compressed_is_what_was_asked_for(
    deflate: Deflate, one: bool, many: bool, health: bool
) -> None:
    batching = Batching(deflate=deflate)

    assert (batching.deflates(1), batching.deflates(2), batching.deflates_health()) == (one, many, health)


def test_a_tight_budget_batches_and_compresses_everything() -> None:
    batching = Batching(0.0, Deflate.NEVER, thrift=tight)

    assert (batching.every_s, Batching(1800.0, thrift=tight).every_s) == (900.0, 1800.0)
    assert (batching.deflates(1), batching.deflates_health()) == (True, True)
    assert (batching.health_every_s(900.0), batching.health_every_s(7200.0)) == (3600.0, 7200.0)


def test_a_batch_is_its_own_sign_of_life() -> None:
    assert Batching().keepalive_s(240) == 240
    assert Batching(900.0).keepalive_s(240) == 960
    assert Batching(900.0).keepalive_s(1200) == 1200
    assert Batching(thrift=tight).keepalive_s(240) == 960
