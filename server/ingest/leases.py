"""Leases on shards, in the database: one worker at a time takes in what a shard's devices send.

**Invariants**
* A shard has one holder at most, and its generation grows each time it is taken. What a worker remembers of a
  shard is true for one generation.
* Whoever commits asks within the same transaction whether all that it holds is still its own (`guard`), and holds
  on to the answer until the commit: a worker that was stopped for a while finds out before it changes anything.
* Time is the database's, so that hosts need not agree. A lease that runs longer than any that could have been
  given just now was given by a clock since put back; it counts for nothing.
* Nobody waits for a row that a stopped worker has locked. Whoever takes over from one that hangs ends its sessions
  first (PostgreSQL): what it had begun and not committed is undone, and its locks go.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, insert, select, text, update

from server.database.engine import Database
from server.database.lease_models import IngestWorkerRow, ShardLeaseRow
from server.ingest.sharing import FREE, Share, share_out
from server.ingest.worker_name import WorkerName, realm
from waterquality.errors import LinkError

LEASE_S = 10.0
_SQLITE_MS = "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
_POSTGRESQL_MS = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
_END_SESSIONS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = ANY(:names) AND usename = current_user AND pid <> pg_backend_pid()"
)
_FORGOTTEN_AFTER_MS = 24 * 3600 * 1000


class LeaseLost(LinkError):
    """A shard that this worker held is another's now; nothing was changed; mended by time: look what is left."""


@dataclass(frozen=True, slots=True)
class Look:
    """How shards stand.

    Attributes:
        held: the generation of each shard that this worker holds.
        elsewhere: since when the others have listened to theirs, by shard, milliseconds since 1970; None where
            a holder hears nothing now.
        quota: how many shards are this worker's due.
    """

    held: Mapping[str, int] = field(default_factory=dict)
    elsewhere: Mapping[str, int | None] = field(default_factory=dict)
    quota: int = 0


@dataclass(frozen=True, slots=True)
class _Row:
    worker: str
    generation: int
    until_ms: int
    listening_ms: int | None


def database_ms(connection: Connection) -> int:
    """The time by the database's clock, milliseconds since 1970."""
    is_sqlite = connection.dialect.name == "sqlite"
    return int(connection.exec_driver_sql(_SQLITE_MS if is_sqlite else _POSTGRESQL_MS).scalar_one())


class Leases:
    """The leases of one worker.

    Args:
        database: where they are kept.
        lease_s: how long a lease lasts that nobody renews, in seconds.
        name: of this worker.
        now_ms: tells the time; the database's own.
    """

    def __init__(
        self,
        database: Database,
        *,
        lease_s: float = LEASE_S,
        name: WorkerName | None = None,
        now_ms: Callable[[Connection], int] = database_ms,
    ) -> None:
        self._database, self._now_ms = database, now_ms
        self._lease_ms = round(lease_s * 1000)
        self.name = str(name or WorkerName.of_this_process())

    def look(self, *, takes_part: bool, listening: Mapping[str, int | None]) -> Look:
        """Renew what is held, take what is free and due, give back what is not due.

        Args:
            takes_part: whether this worker hears the broker; one that does not renews nothing and takes nothing.
            listening: since when this worker has listened to each shard, milliseconds since 1970.

        Raises:
            DatabaseUnavailable: nothing was changed; mended by time.
        """
        with self._database.writing() as connection:
            now_ms = self._now_ms(connection)
            if takes_part:
                self._renew(connection, now_ms, listening)
            rows = _rows(connection)
            workers = self._workers(
                connection, now_ms
            )  # after the rows: whoever holds one takes part by then
            holders = {shard: self._holder(row, workers, now_ms) for shard, row in rows.items()}
            share = share_out(self.name, workers, holders)
            self._give(connection, share)
            self._take(connection, share, rows, now_ms)
            return self._look(connection, share, holders)

    def guard(self, connection: Connection, held: Mapping[str, int]) -> None:
        """Within the transaction that is about to be committed: is all of this still held?

        Raises:
            LeaseLost: it is not; undo everything; mended by time.
        """
        mine = select(ShardLeaseRow.shard, ShardLeaseRow.generation).where(ShardLeaseRow.worker == self.name)
        # The weakest lock that keeps others from taking a shard before the commit, and lets it be renewed.
        rows = connection.execute(mine.with_for_update(read=True, key_share=True))
        if {row.shard: row.generation for row in rows} != held:
            raise LeaseLost("a shard that was ours is another worker's now")

    def confirm(self, held: Mapping[str, int]) -> None:
        """Ask whether all of this is still held.

        Raises:
            LeaseLost: it is not; mended by time.
            DatabaseUnavailable: mended by time.
        """
        with self._database.writing() as connection:
            self.guard(connection, held)

    def release(self) -> None:
        """Give everything back, and take part no more.

        Raises:
            DatabaseUnavailable: what is held runs out by itself; mended by time.
        """
        with self._database.writing() as connection:
            connection.execute(delete(IngestWorkerRow).where(IngestWorkerRow.id == self.name))
            connection.execute(
                update(ShardLeaseRow)
                .where(ShardLeaseRow.worker == self.name)
                .values(worker=FREE, until_ms=0, listening_ms=None)
            )

    def _renew(self, connection: Connection, now_ms: int, listening: Mapping[str, int | None]) -> None:
        until_ms = now_ms + self._lease_ms
        me = IngestWorkerRow.id == self.name
        if not connection.execute(update(IngestWorkerRow).where(me).values(until_ms=until_ms)).rowcount:
            row = {
                "id": self.name,
                "session": self._database.session,
                "joined_ms": now_ms,
                "until_ms": until_ms,
            }
            connection.execute(insert(IngestWorkerRow).values(row))
            long_gone = IngestWorkerRow.until_ms < now_ms - _FORGOTTEN_AFTER_MS
            connection.execute(delete(IngestWorkerRow).where(long_gone))
        mine = ShardLeaseRow.worker == self.name
        for since_ms in set(listening.values()):
            shards = [shard for shard, since in listening.items() if since == since_ms]
            connection.execute(
                update(ShardLeaseRow)
                .where(mine, ShardLeaseRow.shard.in_(shards))
                .values(until_ms=until_ms, listening_ms=since_ms)
            )

    def _workers(self, connection: Connection, now_ms: int) -> list[str]:
        """All who take part, those who joined first in front."""
        query = select(IngestWorkerRow.id, IngestWorkerRow.until_ms).order_by(
            IngestWorkerRow.joined_ms, IngestWorkerRow.id
        )
        rows = connection.execute(query).all()
        return [name for name, until_ms in rows if self._runs(until_ms, now_ms) and not _has_gone(name)]

    def _holder(self, row: _Row, workers: list[str], now_ms: int) -> str:
        """Who holds a shard; `FREE` where nobody does any more."""
        if row.worker == self.name:
            return self.name
        is_held = row.worker in workers and self._runs(row.until_ms, now_ms)
        return row.worker if is_held else FREE

    def _runs(self, until_ms: int, now_ms: int) -> bool:
        return now_ms < until_ms <= now_ms + 2 * self._lease_ms

    def _give(self, connection: Connection, share: Share) -> None:
        if share.give:
            connection.execute(
                update(ShardLeaseRow)
                .where(ShardLeaseRow.worker == self.name, ShardLeaseRow.shard.in_(share.give))
                .values(worker=FREE, until_ms=0, listening_ms=None)
            )

    def _take(self, connection: Connection, share: Share, rows: Mapping[str, _Row], now_ms: int) -> None:
        if not share.take:
            return
        _end_sessions(connection, {rows[shard].worker for shard in share.take} - {FREE})
        columns = (ShardLeaseRow.shard, ShardLeaseRow.worker, ShardLeaseRow.until_ms)
        free = select(*columns).where(ShardLeaseRow.shard.in_(share.take)).with_for_update(skip_locked=True)
        for shard, worker, until_ms in connection.execute(free).all():
            if (worker, until_ms) == (rows[shard].worker, rows[shard].until_ms):  # nobody was faster
                connection.execute(
                    update(ShardLeaseRow)
                    .where(ShardLeaseRow.shard == shard)
                    .values(
                        worker=self.name,
                        generation=ShardLeaseRow.generation + 1,
                        until_ms=now_ms + self._lease_ms,
                        listening_ms=None,
                    )
                )

    def _look(self, connection: Connection, share: Share, holders: Mapping[str, str]) -> Look:
        rows = _rows(connection)
        return Look(
            {shard: row.generation for shard, row in rows.items() if row.worker == self.name},
            {
                shard: row.listening_ms
                for shard, row in rows.items()
                if row.worker not in (self.name, FREE) and row.worker == holders[shard]
            },
            share.quota,
        )


def _rows(connection: Connection) -> dict[str, _Row]:
    columns = (
        ShardLeaseRow.worker,
        ShardLeaseRow.generation,
        ShardLeaseRow.until_ms,
        ShardLeaseRow.listening_ms,
    )
    return {row[0]: _Row(*row[1:]) for row in connection.execute(select(ShardLeaseRow.shard, *columns))}


def _end_sessions(connection: Connection, workers: Collection[str]) -> None:
    """End what these workers have under way with the database."""
    if not workers or connection.dialect.name != "postgresql":
        return
    names = connection.scalars(select(IngestWorkerRow.session).where(IngestWorkerRow.id.in_(workers))).all()
    connection.execute(_END_SESSIONS, {"names": [name for name in names if name]})


def _has_gone(worker: str) -> bool:
    name = WorkerName.read(worker)
    return name is not None and name.has_gone(realm())
