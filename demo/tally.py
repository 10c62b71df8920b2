"""What a run came to, counted from what the parts themselves have recorded."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import func, select

from alerts.lifecycle import Phase
from alerts.ports import Fate, Kind, Lane
from edge.outbox import Depth
from server.database.engine import Database
from server.database.models import NotificationRow, TransitionRow
from server.ingest.books import Books
from server.store.port import ReadingStore

_MS_PER_S = 1000


@dataclass(frozen=True, slots=True)
class Tally:
    """The last line of a run.

    Attributes:
        observations_appended: sequence numbers that devices gave out, notes included.
        observations_stored: those the server holds for good: stored, or noted.
        notes_among_them: those of them that carry no readings (a start, a gap), and so are no rows in the store.
        observations_in_outbox: those devices still hold.
        gaps: those that devices had to drop, and said so.
        quarantined: those set aside with their bytes.
        lost: those that are nowhere. The promise is 0.
        rows_in_store: observations found when the store is asked.
        alerts_fired: episodes about now that fired.
        late_episodes: episodes found in data that arrived late; nobody was woken.
        sms_delivered: texts that reached a phone.
        p99_tap_to_store_s: real seconds from an observation to the store, 99th percentile; None without any.
        p99_breach_to_sms_s: real seconds from a confirmed breach to the phone, 99th percentile; None without any.
    """

    observations_appended: int
    observations_stored: int
    notes_among_them: int
    observations_in_outbox: int
    gaps: int
    quarantined: int
    lost: int
    rows_in_store: int
    alerts_fired: int
    late_episodes: int
    sms_delivered: int
    p99_tap_to_store_s: float | None
    p99_breach_to_sms_s: float | None

    def as_json(self) -> dict[str, object]:
        """For the last line."""
        return asdict(self)


def take_tally(
    *,
    depths: Iterable[Depth],
    database: Database,
    store: ReadingStore,
    since: datetime,
    until: datetime,
    latencies_s: Sequence[float],
    time_factor: float | None,
) -> Tally:
    """Count.

    Args:
        depths: how each device's outbox stands.
        database: custody and ledger.
        store: the readings.
        since: start of the readings to count.
        until: their end.
        latencies_s: tap to store, in seconds of the run's clock.
        time_factor: how much faster that clock ran than real time; None where it was driven, and its seconds
            say nothing of ours.
    """
    outboxes = list(depths)
    books = list(Books(database).all().values())
    appended = sum(depth.head for depth in outboxes)
    held = sum(depth.records for depth in outboxes)
    stored = sum(len(book.stored) + len(book.noted) for book in books)
    quarantined = sum(len(book.quarantined) for book in books)
    gaps = sum(depth.in_gaps for depth in outboxes)
    # What is both settled and still held (its receipt is on the way) counts once, as stored.
    unsettled = max(0, appended - stored - quarantined - gaps)
    return Tally(
        observations_appended=appended,
        observations_stored=stored,
        notes_among_them=sum(len(book.noted) for book in books),
        observations_in_outbox=min(held, unsettled),
        gaps=gaps,
        quarantined=quarantined,
        lost=unsettled - min(held, unsettled),
        rows_in_store=store.count(since=since, until=until),
        alerts_fired=_episodes(database, Lane.LIVE),
        late_episodes=_episodes(database, Lane.LATE),
        sms_delivered=_delivered(database),
        p99_tap_to_store_s=_p99(latencies_s, time_factor),
        p99_breach_to_sms_s=_p99(_breach_to_sms_s(database), time_factor),
    )


def _episodes(database: Database, lane: Lane) -> int:
    begun = (
        select(TransitionRow.rule_id, TransitionRow.water_point_id, TransitionRow.episode)
        .where(TransitionRow.lane == str(lane), TransitionRow.after == str(Phase.FIRING))
        .distinct()
    )
    with database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(begun.subquery())) or 0


def _delivered(database: Database) -> int:
    query = select(func.count()).select_from(NotificationRow)
    with database.reading() as connection:
        return connection.scalar(query.where(NotificationRow.fate == str(Fate.DELIVERED))) or 0


def _breach_to_sms_s(database: Database) -> list[float]:
    breaches = (Kind.TURBIDITY_HIGH, Kind.PH_OUT, Kind.LIMIT_BROKEN, Kind.DEVICE_SILENT)
    columns = (NotificationRow.breached_ms, NotificationRow.handed_ms)
    query = select(*columns).where(
        NotificationRow.handed_ms.is_not(None), NotificationRow.kind.in_(map(str, breaches))
    )
    with database.reading() as connection:
        return [(row.handed_ms - row.breached_ms) / _MS_PER_S for row in connection.execute(query)]


def _p99(values_s: Sequence[float], time_factor: float | None) -> float | None:
    if not values_s or time_factor is None:
        return None
    ordered = sorted(values_s)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] / time_factor, 3)
