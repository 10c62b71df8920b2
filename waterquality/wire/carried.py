"""What travels on a stick: batches exactly as they would have gone over the line, and the receipt that comes back.

A line is the SHA-256 of its text, a space, and the text: a JSON object. The first line says whose it is, the last
one how many batches there are; so a file cut short is known as such, and a damaged line harms no other.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from waterquality.readings import DEVICE_ID, EPOCH
from waterquality.topics import Envelope, parse_readings
from waterquality.wire.messages import Receipt, decode_receipt, encode_receipt
from waterquality.wire.rejection import Malformed, Rejection

FOLDER = "tskaro"  # on the stick
_BATCHES = "tskaro-batches/1"
_RECEIPT = "tskaro-receipt/1"
_DIGEST_LETTERS = 64


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose records a file holds."""

    device: str
    epoch: str

    @property
    def batches_name(self) -> str:
        """The name of its file of batches."""
        return f"{self.device}-{self.epoch}.batches"

    @property
    def receipt_name(self) -> str:
        """The name of the file that the receipt comes back in."""
        return f"{self.device}-{self.epoch}.receipt"


@dataclass(frozen=True, slots=True)
class CarriedBatch:
    """One batch as it would have been published."""

    topic: str
    payload: bytes
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Carried:
    """What a file of batches holds.

    Attributes:
        owner: whose it is.
        batches: those that are sound, in the order written.
        damaged: lines that are not.
        is_whole: whether the file ends as it should.
    """

    owner: Owner
    batches: tuple[CarriedBatch, ...]
    damaged: int
    is_whole: bool


def opening_line(owner: Owner) -> bytes:
    """The first line of a file of batches."""
    return _line({"format": _BATCHES, **asdict(owner)})


def batch_line(topic: str, payload: bytes) -> bytes:
    """One batch."""
    return _line({"topic": topic, "payload": base64.b64encode(payload).decode()})


def closing_line(batches: int) -> bytes:
    """The last line of a file of batches."""
    return _line({"batches": batches})


def read_carried(lines: Iterable[bytes]) -> Carried:
    """Read a file of batches.

    Args:
        lines: of the file, in order.

    Raises:
        Malformed: it does not say whose it is; mended by nobody.
    """
    rows = iter(lines)
    opening = _text_of(next(rows, b""))
    owner = _owner(opening, _BATCHES)
    batches: list[CarriedBatch] = []
    damaged, announced = 0, -1
    for row in rows:
        text = _text_of(row)
        batch = _batch(text, owner)
        if batch is not None:
            batches.append(batch)
        elif text is not None and isinstance(text.get("batches"), int):
            announced = text["batches"]
        else:
            damaged += 1
    return Carried(owner, tuple(batches), damaged, is_whole=announced == len(batches) + damaged)


def receipt_file(owner: Owner, receipt: Receipt) -> bytes:
    """The file that goes back to the device."""
    return _line({"format": _RECEIPT, **asdict(owner), "receipt": json.loads(encode_receipt(receipt))})


def read_receipt_file(content: bytes) -> tuple[Owner, Receipt]:
    """Read what came back from the server.

    Raises:
        Malformed: it is damaged, or no receipt; mended by carrying the batches to the server again.
    """
    told = _text_of(content)
    owner = _owner(told, _RECEIPT)
    assert told is not None
    receipt = decode_receipt(json.dumps(told.get("receipt")).encode())
    if receipt.epoch != owner.epoch:
        raise Malformed(Rejection.WRONG_EPOCH, "the receipt speaks of another epoch than its file")
    return owner, receipt


def _owner(told: dict[str, Any] | None, wanted: str) -> Owner:
    if told is None:
        raise Malformed(Rejection.NOT_JSON, "the first line is damaged or missing")
    if told.get("format") != wanted:
        raise Malformed(Rejection.NOT_SENML, f"{str(told.get('format'))[:40]!r} is not {wanted}")
    device, epoch = str(told.get("device")), str(told.get("epoch"))
    if not DEVICE_ID.fullmatch(device) or not EPOCH.fullmatch(epoch):
        raise Malformed(Rejection.WRONG_DEVICE, "the first line names no device and epoch")
    return Owner(device, epoch)


def _batch(told: dict[str, Any] | None, owner: Owner) -> CarriedBatch | None:
    """A batch of the owner's; None where a line is none."""
    if told is None or "topic" not in told:
        return None
    envelope = parse_readings(str(told["topic"]))
    if envelope is None or (envelope.device, envelope.epoch) != (owner.device, owner.epoch):
        return None
    try:
        payload = base64.b64decode(str(told.get("payload")), validate=True)
    except (ValueError, binascii.Error):
        return None
    return CarriedBatch(str(told["topic"]), payload, envelope)


def _line(told: dict[str, object]) -> bytes:
    text = json.dumps(told, separators=(",", ":")).encode()
    return hashlib.sha256(text).hexdigest().encode() + b" " + text + b"\n"


def _text_of(line: bytes) -> dict[str, Any] | None:
    """The object in a line; None where the line is damaged."""
    digest, text = line[:_DIGEST_LETTERS], line[_DIGEST_LETTERS + 1 :].rstrip(b"\r\n")
    if hashlib.sha256(text).hexdigest().encode() != digest:
        return None
    try:
        told = json.loads(text)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None
