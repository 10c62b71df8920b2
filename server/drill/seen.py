"""What the ledger shows of a drill, and what is taken back of one that was given up."""

from dataclasses import dataclass

from sqlalchemy import func, select, update

from alerts.lifecycle import Phase
from alerts.ports import Fate
from server.database.engine import Database
from server.database.models import AlertRow, NotificationRow, TransitionRow
from server.registry.reserved import DRILL_POINT

_OPEN = [str(phase) for phase in Phase if phase.is_open]
_ACCEPTED = (str(Fate.ACCEPTED), str(Fate.DELIVERED))


@dataclass(frozen=True, slots=True)
class Told:
    """The text of the drill: how often it was tried, whether the gateway accepted it, and what it said."""

    attempts: int
    is_accepted: bool
    detail: str


class Seen:
    """Looks into the ledger, at the reserved water point alone.

    Args:
        database: where the ledger is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def episode_since(self, instant_ms: int) -> int | None:
        """The episode that began to fire at this instant of event time or later; None if none did."""
        row = TransitionRow
        fired = (row.water_point_id == DRILL_POINT) & (row.after == str(Phase.FIRING))
        query = select(row.episode).where(fired, row.at_ms >= instant_ms).order_by(row.id.desc()).limit(1)
        with self._database.reading() as connection:
            return connection.scalar(query)

    def told(self, episode: int) -> Told | None:
        """The first text of an episode; None while none is owed."""
        row = NotificationRow
        query = (
            select(row.attempts, row.fate, row.handed_ms, row.detail)
            .where(row.water_point_id == DRILL_POINT, row.episode == episode, row.step == 1)
            .order_by(row.id)
            .limit(1)
        )
        with self._database.reading() as connection:
            found = connection.execute(query).one_or_none()
        if found is None:
            return None
        is_accepted = found.fate in _ACCEPTED or found.handed_ms is not None
        return Told(found.attempts, is_accepted, found.detail)

    def is_open(self) -> bool:
        """Whether an alert of the drill is open, of this one or of one before."""
        query = select(AlertRow.id).where(AlertRow.water_point_id == DRILL_POINT, AlertRow.phase.in_(_OPEN))
        with self._database.reading() as connection:
            return connection.scalar(query.limit(1)) is not None

    def judged_ms(self) -> int:
        """The newest instant that was judged at the drill's water point, milliseconds since 1970; 0 before any."""
        query = select(func.max(AlertRow.judged_ms)).where(AlertRow.water_point_id == DRILL_POINT)
        with self._database.reading() as connection:
            return connection.scalar(query) or 0

    def take_back(self, now_ms: int) -> None:
        """What the drill owes and nobody has sent is owed no more."""
        row = NotificationRow
        unsent = (row.water_point_id == DRILL_POINT) & (row.fate == str(Fate.QUEUED))
        given_up = {"fate": str(Fate.FAILED), "due_ms": None, "settled_ms": now_ms, "detail": "given up"}
        with self._database.writing() as connection:
            connection.execute(update(row).where(unsent).values(**given_up))
