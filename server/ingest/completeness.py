"""The completeness ledger: what became of every number, by (device, epoch) and by day.

Counted in sets: *appended* is 1 to the highest number that we have or that the device says it has given out.
Whatever of it has no fate is *in the outbox* where the device says that it still holds it, else *unaccounted*. So
the sets add up to what was appended unless two of them overlap, which `adds_up` would show.

Cut by day with the instants of `days`: exact where observations came, estimated where none did.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date

from sqlalchemy import Connection, RowMapping, func, select

from server.database.models import CustodyDayRow, CustodyRow, Device
from server.database.statements import spans_of
from server.ingest.days import Extent, date_of, day_on, day_spans
from server.registry.reserved import is_real
from waterquality.intervals import IntervalSet


@dataclass(frozen=True, slots=True)
class Fates:
    """Numbers by their fate.

    Attributes:
        appended: given out by the device.
        stored: in the store.
        noted: certificates and notes, in the database.
        quarantined: set aside with their bytes.
        gaps: dropped by the device, which said so.
        missing: never came, and the device holds them no more.
        in_outbox: have not come, and the device still holds them.
        unaccounted: none of these.
    """

    appended: IntervalSet
    stored: IntervalSet
    noted: IntervalSet
    quarantined: IntervalSet
    gaps: IntervalSet
    missing: IntervalSet
    in_outbox: IntervalSet
    unaccounted: IntervalSet

    @property
    def counts(self) -> dict[str, int]:
        """How many of each."""
        return {each.name: len(getattr(self, each.name)) for each in fields(self)}

    @property
    def adds_up(self) -> bool:
        """Whether every number has exactly one place, and none is unaccounted for."""
        counts = self.counts
        return counts["appended"] == sum(counts.values()) - counts["appended"] and not self.unaccounted

    def within(self, first: int, last: int) -> "Fates":
        """Those of the numbers from first to last."""
        return Fates(*(getattr(self, each.name).within(first, last) for each in fields(self)))


@dataclass(frozen=True, slots=True)
class Account:
    """The account of one (device, epoch).

    Attributes:
        device: id of the device.
        epoch: eight hex digits.
        fates: what became of every number.
        through: everything from 1 to this number is settled.
        held: the oldest number the device still holds.
        updated_ms: when the books were last written, milliseconds since 1970, UTC.
        told: how far the device said that it had come in this epoch, and when by its own clock; None where it
            said nothing of this one.
    """

    device: str
    epoch: str
    fates: Fates
    through: int
    held: int
    updated_ms: int
    told: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class DayAccount:
    """The account of one (device, epoch) on one day in Tbilisi; None where no instant of the epoch is known."""

    device: str
    epoch: str
    on: date | None
    fates: Fates


def accounts(connection: Connection, devices: Sequence[str] | None = None) -> Sequence[Account]:
    """The accounts of some devices or of all, by device, newest epoch first."""
    row = CustodyRow
    query = (
        select(row.__table__, Device.health, Device.health_ms)
        .outerjoin(Device, Device.id == row.device_id)
        .where(is_real(row.device_id))
        .order_by(row.device_id, row.updated_ms.desc(), row.epoch)
    )
    if devices is not None:
        query = query.where(row.device_id.in_(devices))
    return [_account(found) for found in connection.execute(query).mappings()]


def days_of(
    connection: Connection, all_of: Sequence[Account], since: date | None = None
) -> Iterator[DayAccount]:
    """The accounts, cut at every midnight in Tbilisi.

    Args:
        connection: where the days are.
        all_of: the accounts.
        since: days before it are left out; what has no day is always told.
    """
    for account in all_of:
        head = len(account.fates.appended)
        for span in day_spans(_extents(connection, account, since), head, account.told):
            on = None if span.day is None else date_of(span.day)
            if since is None or on is None or on >= since:
                fates = account.fates.within(span.first, span.last)
                yield DayAccount(account.device, account.epoch, on, fates)


def _extents(connection: Connection, account: Account, since: date | None) -> list[Extent]:
    row = CustodyDayRow
    same = (row.device_id == account.device) & (row.epoch == account.epoch)
    query = select(row.first_seq, row.first_ms, row.last_seq, row.last_ms).where(same).order_by(row.day)
    if since is not None:  # and the day before it that is known: what lies between them is cut by both
        before = select(func.max(row.day)).where(same, row.day < day_on(since)).scalar_subquery()
        query = query.where(row.day >= func.coalesce(before, day_on(since)))
    return [Extent(*found) for found in connection.execute(query)]


def _account(row: RowMapping) -> Account:
    health = row["health"] or {}
    is_told = health.get("epoch") == row["epoch"]
    has_left = bool(health) and not is_told
    told = (int(health["appended"]), int(health["time_ms"])) if is_told else None
    held = max(row["held"], int(health["held"]) if is_told else 0)
    sets = {name: spans_of(row[name]) for name in ("stored", "noted", "quarantined", "gaps", "missing")}
    settled = IntervalSet.of(span for each in sets.values() for span in each.spans)
    head = max(settled.spans[-1][1] if settled else 0, told[0] if told else 0)
    appended = IntervalSet(((1, head),)) if head else IntervalSet()
    open_still = appended - settled
    in_outbox = IntervalSet() if has_left else open_still.within(held, max(held, head))
    fates = Fates(appended, **sets, in_outbox=in_outbox, unaccounted=open_still - in_outbox)
    return Account(row["device_id"], row["epoch"], fates, row["through"], held, row["updated_ms"], told)
