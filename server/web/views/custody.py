"""What became of everything a device ever numbered, and what could not be taken in."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from server.database.models import QuarantineRow
from server.ingest.completeness import accounts

_MANY_QUARANTINED = 200


@dataclass(frozen=True, slots=True)
class Completeness:
    """The fate of every sequence number of one (device, epoch), in counts.

    Attributes:
        device: id of the device.
        epoch: eight hex digits.
        appended: numbers that the device has given out.
        stored: numbers in the store.
        quarantined: numbers set aside.
        gaps: numbers that the device had to drop, and said so.
        missing: numbers that never came and that no device holds any more.
        noted: numbers of certificates and notes, kept in the registry.
        in_outbox: numbers that the device still holds.
        unaccounted: numbers that have none of these fates and that the device does not hold.
        adds_up: whether all of these are what was appended.
        through: everything up to this number is settled.
        held: the oldest number the device still holds.
        updated_ms: when this was last written.
    """

    device: str
    epoch: str
    appended: int
    stored: int
    quarantined: int
    gaps: int
    missing: int
    noted: int
    in_outbox: int
    unaccounted: int
    adds_up: bool
    through: int
    held: int
    updated_ms: int


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Something that could not be taken in.

    Attributes:
        device: who sent it.
        epoch: eight hex digits.
        first: lowest sequence number inside.
        last: highest sequence number inside.
        reason: name of the rejection.
        detail: what exactly was wrong.
        payload_bytes: how large it is.
        received_ms: when it came last.
        times: how often it came.
    """

    device: str
    epoch: str
    first: int
    last: int
    reason: str
    detail: str
    payload_bytes: int
    received_ms: int
    times: int


def completeness(connection: Connection, devices: Sequence[str] | None = None) -> Sequence[Completeness]:
    """The ledger of some devices or of all, by device, newest epoch first."""
    return [
        Completeness(
            account.device,
            account.epoch,
            **account.fates.counts,
            adds_up=account.fates.adds_up,
            through=account.through,
            held=account.held,
            updated_ms=account.updated_ms,
        )
        for account in accounts(connection, devices)
    ]


def quarantined(connection: Connection, *, at_most: int = _MANY_QUARANTINED) -> Sequence[Quarantined]:
    """What was set aside, newest first."""
    query = select(
        QuarantineRow.device_id,
        QuarantineRow.epoch,
        QuarantineRow.first,
        QuarantineRow.last,
        QuarantineRow.reason,
        QuarantineRow.detail,
        QuarantineRow.payload_bytes,
        QuarantineRow.received_ms,
        QuarantineRow.times,
    ).order_by(QuarantineRow.received_ms.desc(), QuarantineRow.id.desc())
    return [Quarantined(*row) for row in connection.execute(query.limit(at_most))]
