"""The MQTT topics of wire version 1: built and read in one place, so that both ends agree.

`tskaro/1/<shard>/<device>/<channel>[/...]`. The shard is one hex digit of the CRC-32 of the device id, so
that one ingest worker sees all that a device says, in order. `CHANNELS` says who may speak on each of them; the
broker's access lists are made from it, and no topic is built for a channel that is not in it.
"""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

ROOT = "tskaro/1"
LIVE_ROOT = "tskaro/live"
CARRIED_ROOT = f"{LIVE_ROOT}/carried"  # between the server's own processes: no device may write there
_READINGS = re.compile(
    r"tskaro/1/([0-9a-f])/([a-z]{2}-[0-9]{4,12})/readings/([0-9a-f]{8})/([1-9][0-9]{0,17})(?:-([1-9][0-9]{0,17}))?"
)
_ANY = re.compile(r"tskaro/1/[^/]*/([^/]*)/")
SHARDS = tuple("0123456789abcdef")
_DIGITS = 18  # of a sequence number, at most
MAX_ENVELOPE = 1_000_000_000  # a gap may be wide; wider than any outbox is a forgery or a fault


class Direction(StrEnum):
    """Who speaks on a channel; the other one listens."""

    UP = "up"
    DOWN = "down"


CHANNELS: Mapping[str, Direction] = MappingProxyType(
    {
        "readings": Direction.UP,
        "status": Direction.UP,
        "health": Direction.UP,
        "calibration": Direction.UP,
        "reply": Direction.UP,
        "config/applied": Direction.UP,
        "update/applied": Direction.UP,
        "receipt": Direction.DOWN,
        "config": Direction.DOWN,
        "command": Direction.DOWN,
        "update": Direction.DOWN,
    }
)
_BELOW = MappingProxyType({"readings": "/+/+"})  # a batch says more in its topic: epoch and numbers


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a readings topic says of its payload, so that even an undecodable payload can be booked.

    Attributes:
        device: id of the device.
        epoch: eight hex digits.
        first: lowest sequence number inside.
        last: highest sequence number inside; every number between is inside too.
    """

    device: str
    epoch: str
    first: int
    last: int


def shard(device: str) -> str:
    """One hex digit that never changes for a device."""
    return f"{zlib.crc32(device.encode()) & 0xF:x}"


def of_device(device: str, channel: str) -> str:
    """The topic of one of a device's channels: `receipt`, `status`, `health`, `config` and so on.

    Raises:
        ValueError: `CHANNELS` does not have it; mended by whoever adds a channel.
    """
    _check(channel)
    return f"{ROOT}/{shard(device)}/{device}/{channel}"


def readings(envelope: Envelope) -> str:
    """The topic a batch is published on; a single number stands alone."""
    last = f"-{envelope.last}" if envelope.last != envelope.first else ""
    return f"{of_device(envelope.device, 'readings')}/{envelope.epoch}/{envelope.first}{last}"


def parse_readings(topic: str) -> Envelope | None:
    """The envelope in a readings topic; None when the topic is not one of ours."""
    match = _READINGS.fullmatch(topic)
    if match is None:
        return None
    device, epoch, first, last = match[2], match[3], int(match[4]), int(match[5] or match[4])
    in_order = first <= last and last - first < MAX_ENVELOPE
    return Envelope(device, epoch, first, last) if in_order and match[1] == shard(device) else None


def numbers_in(topic: str) -> int:
    """How many sequence numbers a readings topic names, cheaply and for any topic; 1 where it does not say."""
    first, dash, last = topic[topic.rfind("/") + 1 :].partition("-")
    if not (dash and len(last) <= _DIGITS and first.isdecimal() and last.isdecimal()):
        return 1
    return max(1, int(last) - int(first) + 1) if len(first) <= len(last) else 1


def carried(topic: str) -> str:
    """The topic on which a batch that came on a stick is handed to ingest."""
    return f"{CARRIED_ROOT}/{topic}"


def uncarried(topic: str) -> str:
    """The topic that a batch from a stick would have come on."""
    return topic.removeprefix(f"{CARRIED_ROOT}/")


def all_of(channel: str) -> str:
    """A subscription to one channel of every device.

    Raises:
        ValueError: `CHANNELS` does not have it; mended by whoever adds a channel.
    """
    _check(channel.removesuffix("/#"))
    return f"{ROOT}/+/+/{channel}"


def of_shard(shard: str, channel: str) -> str:
    """A subscription to one channel of every device of a shard.

    Raises:
        ValueError: `CHANNELS` does not have it; mended by whoever adds a channel.
    """
    _check(channel.removesuffix("/#"))
    return f"{ROOT}/{shard}/+/{channel}"


def whole(channel: str) -> str:
    """A channel with all that may follow it in a topic, as a filter."""
    return channel + _BELOW.get(channel, "")


def _check(channel: str) -> None:
    if channel not in CHANNELS:
        raise ValueError(f"{channel}: no channel of a device; say in topics.CHANNELS who speaks on it")


def shard_of(topic: str) -> str:
    """The shard that a topic under the root names; "" when it names none."""
    named = topic[len(ROOT) + 1 : len(ROOT) + 2]
    return named if topic.startswith(f"{ROOT}/{named}/") else ""


def device_of(topic: str) -> str:
    """The device id in any topic under the root; "" when there is none."""
    match = _ANY.match(topic)
    return match[1] if match else ""
