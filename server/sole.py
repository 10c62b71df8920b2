"""One process at a time: a lease in the database on a task that two must not do side by side, as sending texts.

**Invariants**
* One holder at most. Time is the database's, so that hosts need not agree.
* Whoever was stopped for a while finds out before it does anything more: it asks before each step, and its own
  count of time goes on while the process or the machine sleeps.
* A holder that has died on the same machine is followed at once, one that stops gives the lease back; only one
  that vanished on another machine is waited for.

The lease must last longer than the longest step: what a holder is in the middle of is not taken from it.
"""

import time
from collections.abc import Callable

from sqlalchemy import Connection, delete, select, update

from server.database.engine import Database
from server.database.lease_models import SoleRow
from server.database.statements import insert_into
from server.ingest.leases import database_ms
from server.ingest.worker_name import WorkerName, realm

LEASE_S = 120.0
_RENEWED_AFTER = 1 / 3  # of the lease


def _boottime_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Sole:
    """The lease of one process on one task.

    Args:
        database: where it is kept.
        task: which one, e.g. `notify`.
        lease_s: how long it lasts, in seconds: longer than any single step of the task.
        name: of this process.
        now_ms: tells the time; the database's own.
        seconds: of a clock that never steps and never stops.
    """

    def __init__(
        self,
        database: Database,
        task: str,
        *,
        lease_s: float = LEASE_S,
        name: WorkerName | None = None,
        now_ms: Callable[[Connection], int] = database_ms,
        seconds: Callable[[], float] = _boottime_s,
    ) -> None:
        self._database, self._task, self._lease_s = database, task, lease_s
        self.name = str(name or WorkerName.of_this_process())
        self._now_ms, self._seconds = now_ms, seconds
        self._asked_s = float("-inf")  # when it was last found to be ours

    def is_ours(self) -> bool:
        """Whether this process may take the next step; takes the lease where it is free, and renews it.

        Raises:
            DatabaseUnavailable: nobody can tell; mended by time.
        """
        asked_s = self._seconds()
        if asked_s - self._asked_s < self._lease_s * _RENEWED_AFTER:
            return True
        self._asked_s = float("-inf")
        if self._take():
            self._asked_s = asked_s  # as it was before the question: a lease never lasts longer than we think
            return True
        return False

    def release(self) -> None:
        """Give it back, so that another need not wait.

        Raises:
            DatabaseUnavailable: it runs out by itself; mended by time.
        """
        self._asked_s = float("-inf")
        with self._database.writing() as connection:
            mine = (SoleRow.task == self._task) & (SoleRow.holder == self.name)
            connection.execute(delete(SoleRow).where(mine))

    def _take(self) -> bool:
        with self._database.writing() as connection:
            now_ms = self._now_ms(connection)
            until_ms = now_ms + round(self._lease_s * 1000)
            new = insert_into(connection, SoleRow).values(
                task=self._task, holder=self.name, until_ms=until_ms
            )
            connection.execute(new.on_conflict_do_nothing())
            row = SoleRow.task == self._task
            holder, ends_ms = connection.execute(
                select(SoleRow.holder, SoleRow.until_ms).where(row).with_for_update()
            ).one()
            if not (holder == self.name or self._is_free(holder, ends_ms, now_ms)):
                return False
            connection.execute(update(SoleRow).where(row).values(holder=self.name, until_ms=until_ms))
            return True

    def _is_free(self, holder: str, ends_ms: int, now_ms: int) -> bool:
        """Whether nobody holds it any more; one that runs too long was given by a clock since put back."""
        name = WorkerName.read(holder)
        has_gone = name is not None and name.has_gone(realm())
        return has_gone or not now_ms < ends_ms <= now_ms + 2 * self._lease_s * 1000
