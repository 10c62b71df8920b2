"""The quarantine: what arrived and could not be taken in, kept with its bytes in a bounded table.

An entry stands for the numbers `first` to `last` of a batch whose bytes it keeps whole, up to 64 KiB. It leaves
by being taken in again on command, or by being the oldest of too many.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from server.database.models import QuarantineRow
from server.database.statements import letters
from server.ingest.subscriber import Replayed
from waterquality.wire.rejection import Rejection

_KEPT_PAYLOAD_BYTES = 64 * 1024
_MAX_QUARANTINED = 10_000
_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Something to set aside with its bytes.

    Attributes:
        device: who sent it.
        epoch: eight hex digits.
        first: lowest sequence number that it stands for.
        last: highest one.
        topic: what it came on.
        reason: why it cannot be taken in.
        detail: what exactly is wrong.
        payload: the bytes of the whole batch.
        received_ms: when it came, milliseconds since 1970, UTC.
        entry: its number in quarantine, where it lay there already and was let go in this transaction.
    """

    device: str
    epoch: str
    first: int
    last: int
    topic: str
    reason: Rejection
    detail: str
    payload: bytes
    received_ms: int
    entry: int | None = None


def set_aside(connection: Connection, what: Quarantined) -> None:
    """Keep it; what lies there already for the same reason is counted."""
    same = (
        (QuarantineRow.device_id == what.device)
        & (QuarantineRow.epoch == what.epoch)
        & (QuarantineRow.reason == str(what.reason))
    )
    if (
        what.reason is not Rejection.UNKNOWN_DEVICE
    ):  # which keeps what it sends; one row tells all there is to tell
        same &= (QuarantineRow.first == what.first) & (QuarantineRow.last == what.last)
    again = connection.execute(
        update(QuarantineRow)
        .where(same)
        .values(times=QuarantineRow.times + 1, received_ms=what.received_ms, last=what.last)
    )
    if again.rowcount:
        return
    same_entry = select(QuarantineRow.id).where(QuarantineRow.id == what.entry)
    is_free = what.entry is not None and connection.scalar(same_entry) is None
    connection.execute(
        insert(QuarantineRow).values(
            **({"id": what.entry} if is_free else {}),
            device_id=what.device,
            epoch=what.epoch,
            first=what.first,
            last=what.last,
            topic=letters(what.topic[:200]),
            reason=str(what.reason),
            detail=letters(what.detail[:300]),
            payload=what.payload[:_KEPT_PAYLOAD_BYTES],
            payload_bytes=len(what.payload),
            received_ms=what.received_ms,
            times=1,
        )
    )


def bound(connection: Connection) -> None:
    """Drop the oldest entries beyond the most that are kept."""
    newest = connection.execute(select(func.max(QuarantineRow.id))).scalar() or 0
    connection.execute(delete(QuarantineRow).where(QuarantineRow.id <= newest - _MAX_QUARANTINED))


def let_go(connection: Connection, entries: Sequence[int]) -> None:
    """Take these entries out."""
    if entries:
        connection.execute(delete(QuarantineRow).where(QuarantineRow.id.in_(entries)))


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry, without its bytes.

    Attributes:
        id: its number.
        device: who sent it.
        epoch: eight hex digits.
        first: lowest sequence number that it stands for.
        last: highest one.
        reason: name of the rejection.
        detail: what exactly was wrong.
        received_ms: when it came last, milliseconds since 1970, UTC.
        times: how often it came.
        is_whole: whether all its bytes are kept.
        is_asked: whether it is to be taken in again.
    """

    id: int
    device: str
    epoch: str
    first: int
    last: int
    reason: str
    detail: str
    received_ms: int
    times: int
    is_whole: bool
    is_asked: bool

    @property
    def why_not(self) -> str:
        """Why it cannot be taken in again; "" where that may be tried."""
        if self.reason == Rejection.WRONG_TOPIC:
            return "its topic names no numbers"
        return "" if self.is_whole else "only the first 64 KiB of it are kept"


def entries(connection: Connection, *where: ColumnElement[bool]) -> Sequence[Entry]:
    """The entries of which all this is true, newest first."""
    row = QuarantineRow
    columns = (row.id, row.device_id, row.epoch, row.first, row.last, row.reason, row.detail)
    more = (row.received_ms, row.times, row.payload_bytes <= _KEPT_PAYLOAD_BYTES, row.replay_ms.is_not(None))
    query = select(*columns, *more).where(*where).order_by(row.id.desc())
    return [Entry(*found) for found in connection.execute(query)]


def ask_replay(connection: Connection, entries: Sequence[int], at_ms: int) -> None:
    """These are to be taken in again by the ingest that holds their device."""
    connection.execute(update(QuarantineRow).where(QuarantineRow.id.in_(entries)).values(replay_ms=at_ms))


def give_up_replay(connection: Connection, entry: int) -> None:
    """It stays where it is."""
    connection.execute(update(QuarantineRow).where(QuarantineRow.id == entry).values(replay_ms=None))


def asked(connection: Connection) -> Sequence[tuple[str, Replayed]]:
    """What is to be taken in again, by device; those first that were asked for first, some at a time."""
    row = QuarantineRow
    query = (
        select(row.device_id, row.topic, row.payload, row.received_ms, row.id, row.first, row.last)
        .where(row.replay_ms.is_not(None))
        .order_by(row.replay_ms, row.id)
        .limit(_AT_ONCE)
    )
    return [(device, Replayed(*kept)) for device, *kept in connection.execute(query)]  # type: ignore[arg-type]
