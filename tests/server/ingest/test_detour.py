"""The detour around a flood: everybody else stays heard, at any moment."""

from collections.abc import Collection

import pytest

from server.ingest.detour import Detour
from waterquality.topics import of_device, of_shard, shard

DEVICES = frozenset(f"kk-{number:04}" for number in range(1, 200))
FLOODING = "kk-0002"
PLACE = shard(FLOODING)
OTHERS = frozenset(each for each in DEVICES if shard(each) == PLACE and each != FLOODING)
SHARDS = frozenset("0123456789abcdef")


class Broker:
    """What is subscribed to; looks after each change whether all others are still heard."""

    def __init__(self) -> None:
        self.topics = {of_shard(each, "status") for each in SHARDS}
        self.left_out = {FLOODING}

    def follow(self, topics: Collection[str]) -> None:
        self.topics |= set(topics)

    def leave(self, topics: Collection[str]) -> None:
        self.topics -= set(topics)
        assert all(self.hears(each) for each in OTHERS - self.left_out)

    def hears(self, device: str) -> bool:
        return not self.topics.isdisjoint({of_shard(shard(device), "status"), of_device(device, "status")})


class Ingest:
    def __init__(self) -> None:
        self.broker, self.now_s, self.devices, self.held = Broker(), 0.0, DEVICES, SHARDS
        self.detour = Detour(
            follow=self.broker.follow,
            leave=self.broker.leave,
            whole=lambda each: [of_shard(each, "status")],
            named=lambda each: [of_device(each, "status")],
        )

    def turn(self, *flooded: str, flooding: Collection[str] = ()) -> None:
        self.now_s += 1.0
        self.detour.turn(flooded, flooding=flooding, devices=self.devices, held=self.held, now_s=self.now_s)


@pytest.fixture
def ingest() -> Ingest:
    return Ingest()


def test_who_floods_is_not_listened_to_and_everybody_else_is(ingest: Ingest) -> None:
    assert len(OTHERS) > 5
    ingest.turn(PLACE, flooding={FLOODING})

    assert not ingest.broker.hears(FLOODING)
    assert all(ingest.broker.hears(each) for each in DEVICES - {FLOODING})
    ingest.turn()  # it has fallen silent to us: that is no reason to listen again
    assert not ingest.broker.hears(FLOODING)


def test_after_a_while_the_shard_is_listened_to_as_a_whole_again(ingest: Ingest) -> None:
    before = set(ingest.broker.topics)
    ingest.turn(PLACE, flooding={FLOODING})
    ingest.now_s += 300.0
    ingest.turn()

    assert ingest.broker.topics == before


def test_a_second_device_that_floods_is_left_out_too(ingest: Ingest) -> None:
    second = min(OTHERS)
    ingest.turn(PLACE, flooding={FLOODING})
    ingest.broker.left_out.add(second)
    ingest.turn(PLACE, flooding={second})

    assert not ingest.broker.hears(FLOODING)
    assert not ingest.broker.hears(second)


def test_a_device_that_is_registered_meanwhile_is_heard(ingest: Ingest) -> None:
    new = next(name for number in range(200, 400) if shard(name := f"kk-{number:04}") == PLACE)
    ingest.turn(PLACE, flooding={FLOODING})
    ingest.devices = DEVICES | {new}
    ingest.turn()

    assert ingest.broker.hears(new)


def test_a_shard_that_is_lost_leaves_nothing_behind(ingest: Ingest) -> None:
    ingest.turn(PLACE, flooding={FLOODING})
    ingest.held = SHARDS - {PLACE}
    ingest.broker.left_out |= OTHERS
    ingest.turn()

    assert ingest.broker.topics == {of_shard(each, "status") for each in ingest.held}
