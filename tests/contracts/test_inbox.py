"""What every inbox promises, wherever its texts come from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from alerts.transports.gammu import GammuInbox
from alerts.transports.gammu_spool import Spool
from alerts.transports.inbox import Inbox, InboxInMemory

NIKA, LALI = "+995555000123", "+995555000124"


@dataclass
class World:
    """An inbox, and how texts come into it; a second look is that of a process begun anew, where it can be."""

    inbox: Inbox
    send: Callable[..., None]
    look_again: Callable[[], Inbox]


@pytest.fixture
def memory() -> World:
    inbox, at = InboxInMemory(), iter(range(1000))

    def send(*texts):
        for sender, body in texts:
            inbox.receive(sender, body, datetime.now(UTC) + timedelta(seconds=next(at)))

    return World(inbox, send, lambda: inbox)


@pytest.fixture
def gammu(gammu_smsd) -> Iterator[World]:
    def send(*texts):
        for count, (sender, body) in enumerate(texts, start=1):
            gammu_smsd.receive(sender, body)
            gammu_smsd.wait_for_arrivals(count)

    spool = Spool(gammu_smsd.spool)
    yield World(GammuInbox(spool), send, lambda: GammuInbox(spool))
    gammu_smsd.empty()


@pytest.fixture(params=["memory", "gammu"])
def world(request: pytest.FixtureRequest) -> World:
    return request.getfixturevalue(request.param)


def seen(inbox):
    return [(text.sender, text.body) for text in inbox.incoming()]


def test_an_empty_inbox_has_nothing(world):
    assert list(world.inbox.incoming()) == []


@pytest.mark.parametrize("body", ["1", "১", "მივიღე", "stop ;[x]=", 'он сказал "1"', "ə💧", "line\nline"])
def test_a_text_arrives_letter_for_letter_with_its_sender_and_time(world, body):
    began = datetime.now(UTC) - timedelta(seconds=5)
    world.send((NIKA, body))

    (text,) = world.inbox.incoming()

    assert (NIKA, body) == (text.sender, text.body)
    assert began < text.at < datetime.now(UTC) + timedelta(seconds=5)


def test_texts_come_oldest_first(world):
    world.send((NIKA, "1"), (LALI, "0"))

    assert [(NIKA, "1"), (LALI, "0")] == seen(world.inbox)


def test_a_text_stays_under_its_id_until_it_is_done(world):
    world.send((NIKA, "1"), (LALI, "0"))
    first, second = world.inbox.incoming()

    again = world.look_again()
    assert [first, second] == list(again.incoming())
    again.done(first.id)

    assert [second] == list(world.inbox.incoming())


def test_a_text_that_is_done_twice_or_was_never_there_changes_nothing(world):
    world.send((NIKA, "1"))
    (text,) = world.inbox.incoming()
    world.inbox.done(text.id)
    world.inbox.done(text.id)
    world.inbox.done("no-such-text")
    world.inbox.done("../outbox/x")

    assert [] == seen(world.inbox)


def test_the_same_words_from_the_same_number_are_two_texts(world):
    world.send((NIKA, "1"), (NIKA, "1"))

    assert 2 == len({text.id for text in world.inbox.incoming()})


def test_a_long_text_arrives_whole(world):
    body = "წყალი მღვრიეა " * 10
    world.send((NIKA, body))

    assert [(NIKA, body)] == seen(world.inbox)


def test_a_name_instead_of_a_number_is_a_sender(world):
    world.send(("Magti", "1"))

    assert [("Magti", "1")] == seen(world.inbox)
