"""The small messages beside the batches: receipt, status, health. JSON objects; unknown keys are ignored.

Each may come deflated; today only health does, where the data plan is tight. A receipt is harmless to
lose, to repeat and to read twice. Status and health may be wrong or missing without any reading being lost.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from waterquality.intervals import IntervalSet
from waterquality.readings import EPOCH
from waterquality.wire import deflate as deflating
from waterquality.wire.rejection import Malformed, Rejection
from waterquality.wire.senml import number


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the server holds for good, so that the device may forget it.

    Attributes:
        epoch: the epoch it speaks of.
        through: everything from 1 to this number is settled.
        ranges: what is settled above `through`.
        server_ms: the server's time, milliseconds since 1970, UTC.
    """

    epoch: str
    through: int
    ranges: IntervalSet
    server_ms: int

    @property
    def settled(self) -> IntervalSet:
        """All sequence numbers that the device may forget."""
        mark = IntervalSet(((1, self.through),)) if self.through else IntervalSet()
        return mark | self.ranges


def encode_receipt(receipt: Receipt) -> bytes:
    """The payload of a receipt."""
    ranges = {"ranges": receipt.ranges.spans} if receipt.ranges else {}
    mark: dict[str, object] = {"epoch": receipt.epoch, "through": receipt.through}
    return _dump(mark | ranges | {"time": receipt.server_ms / 1000})


def decode_receipt(payload: bytes) -> Receipt:
    """Read a receipt.

    Raises:
        Malformed: it is no receipt; mended by nobody.
    """
    message = _load(payload)
    try:
        epoch, through = message["epoch"], message["through"]
        ranges = IntervalSet.of((int(first), int(last)) for first, last in message.get("ranges", ()))
        receipt = Receipt(str(epoch), int(through), ranges, round(float(message["time"]) * 1000))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Malformed(Rejection.NOT_JSON, f"no receipt: {error}") from error
    if (
        not EPOCH.fullmatch(receipt.epoch)
        or receipt.through < 0
        or any(first < 1 for first, _ in ranges.spans)
    ):
        raise Malformed(Rejection.NOT_JSON, "no receipt: bad epoch, mark or ranges")
    return receipt


class Presence(StrEnum):
    """Whether the broker has the device on the line."""

    ONLINE = "online"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Status:
    """Retained; the last will says offline."""

    state: Presence
    version: str = ""


def encode_status(status: Status) -> bytes:
    """The payload of a status."""
    return _dump(asdict(status))


def decode_status(payload: bytes) -> Status:
    """Read a status.

    Raises:
        Malformed: it is no status; mended by nobody.
    """
    message = _load(payload)
    try:
        return Status(Presence(str(message["state"])), str(message.get("version", ""))[:40])
    except (KeyError, ValueError) as error:
        raise Malformed(Rejection.NOT_JSON, f"no status: {error}") from error


@dataclass(frozen=True, slots=True)
class Health:
    """What the device knows of itself, once a minute or so.

    Attributes:
        epoch: epoch of the outbox.
        appended: head of the outbox: every number to here was given out.
        held: the oldest sequence number still in the outbox; `appended + 1` when it is empty.
        in_outbox: sequence numbers still held.
        in_gaps: sequence numbers dropped since the epoch began.
        clock_synchronised: whether the system clock is known to be right.
        uptime_s: seconds since boot.
        counters: fates counted since the agent started: sent, repeated, receipted and so on.
        time_ms: the device's wall time, milliseconds since 1970, UTC.
        vitals: what the board knows of itself (power, heat, disk), as numbers; truth as 1 and 0.
        bytes_this_month: what its SIM has carried this month, both ways; None where the device does not count.
    """

    epoch: str
    appended: int
    held: int
    in_outbox: int
    in_gaps: int
    clock_synchronised: bool
    uptime_s: float
    time_ms: int
    counters: Mapping[str, int] = field(default_factory=dict)
    vitals: Mapping[str, float] = field(default_factory=dict)
    bytes_this_month: int | None = None


def encode_health(health: Health, *, deflate: bool = False) -> bytes:
    """The payload of a health message; what the device does not know is left out."""
    known = {key: value for key, value in asdict(health).items() if value is not None}
    if not health.vitals:
        del known["vitals"]
    plain = _dump(known)
    return deflating.deflate(plain) if deflate else plain


def decode_health(payload: bytes) -> Health:
    """Read a health message.

    Raises:
        Malformed: it is no health message; mended by nobody.
    """
    message = _load(payload)
    try:
        health = Health(
            epoch=str(message["epoch"]),
            appended=int(message["appended"]),
            held=int(message["held"]),
            in_outbox=int(message["in_outbox"]),
            in_gaps=int(message["in_gaps"]),
            clock_synchronised=bool(message["clock_synchronised"]),
            uptime_s=number(message["uptime_s"], "uptime_s"),
            time_ms=int(message["time_ms"]),
            counters={
                str(name)[:40]: int(count) for name, count in dict(message.get("counters", {})).items()
            },
            vitals={
                str(name)[:40]: number(value, str(name)[:40])
                for name, value in dict(message.get("vitals", {})).items()
            },
            bytes_this_month=_count(message.get("bytes_this_month")),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Malformed(Rejection.NOT_JSON, f"no health message: {error}") from error
    if not EPOCH.fullmatch(health.epoch):
        raise Malformed(Rejection.NOT_JSON, "no health message: bad epoch")
    return health


def encode_calibration(certificates: Mapping[str, Mapping[str, object]]) -> bytes:
    """The payload that says which calibration certificates are in force, whole, by parameter."""
    return _dump({"certificates": {name: dict(certificate) for name, certificate in certificates.items()}})


def _count(value: object) -> int | None:
    return None if value is None else int(number(value, "a count"))


_MAX_MESSAGE_BYTES = 64 * 1024


def _dump(message: dict[str, object]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()


def _load(payload: bytes) -> dict[str, Any]:  # the values are checked by each reader
    if len(payload) > _MAX_MESSAGE_BYTES:
        raise Malformed(Rejection.TOO_LARGE, f"{len(payload)} bytes")
    try:
        message = json.loads(deflating.inflate(payload, _MAX_MESSAGE_BYTES))
    except Malformed:
        raise
    except (ValueError, RecursionError) as error:
        raise Malformed(Rejection.NOT_JSON, str(error)[:200]) from error
    if not isinstance(message, dict):
        raise Malformed(Rejection.NOT_JSON, "not an object")
    return message
