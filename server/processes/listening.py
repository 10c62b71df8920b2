"""The topics of the devices that a process listens to."""

from collections.abc import Callable

from server.bus.mqtt import Bus
from waterquality.topics import carried, of_device, of_shard

_SAID = ("readings/#", "status", "health")


def taken_in(each: str) -> list[str]:
    """What ingest listens to of a shard."""
    return [*said_by_all(each), carried(of_shard(each, "readings/#"))]


def said_by_all(each: str) -> list[str]:
    """What every device of a shard says."""
    return [of_shard(each, name) for name in _SAID]


def said_by_one(device: str) -> list[str]:
    """What one device says."""
    return [of_device(device, name) for name in _SAID]


def follow(
    bus: Bus, topics_of: Callable[[str], list[str]], lost: frozenset[str], gained: frozenset[str]
) -> None:
    """Listen to the shards gained, and no more to those lost."""
    bus.leave([topic for each in lost - gained for topic in topics_of(each)])
    bus.follow([topic for each in gained for topic in topics_of(each)])
