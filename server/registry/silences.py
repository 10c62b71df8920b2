"""Silences: no new texts about something for a while. Made, listed and ended; what they do is `alerts.holding`.

Ending one early releases what it held: what is still needed goes out at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from alerts.holding import Silence
from alerts.ports import Fate
from server.database.models import Municipality, NotificationRow, RuleRow, SilenceRow, WaterPoint
from waterquality.errors import ConfigError
from waterquality.readings import from_ms, to_ms

LONGEST = timedelta(days=30)
_NEWEST = 1000  # of those that end last


@dataclass(frozen=True, slots=True)
class Kept:
    """A silence with its number.

    Attributes:
        id: its number.
        silence: the silence.
    """

    id: int
    silence: Silence


def add_silence(connection: Connection, silence: Silence) -> int:
    """Silence something.

    Returns:
        The number of the silence.

    Raises:
        ConfigError: it has no reason or nobody's name, it lasts too long, or what it names is not there; mended by
            the operator.
    """
    if not (silence.reason.strip() and silence.by.strip()):
        raise ConfigError("a silence needs a reason and the name of who asked for it")
    if not timedelta() < silence.until - silence.since <= LONGEST:
        raise ConfigError(f"a silence lasts at most {LONGEST.days} days, and ends after it begins")
    for name, column in (
        (silence.water_point, WaterPoint.id),
        (silence.municipality, Municipality.id),
        (silence.rule, RuleRow.id),
    ):
        if name and connection.scalar(select(column).where(column == name)) is None:
            raise ConfigError(f"there is no {column.class_.__tablename__.replace('_', ' ')} {name!r}")
    row = insert(SilenceRow).values(
        water_point_id=silence.water_point,
        municipality_id=silence.municipality,
        rule_id=silence.rule,
        since_ms=to_ms(silence.since),
        until_ms=to_ms(silence.until),
        by=silence.by,
        reason=silence.reason,
    )
    return int(connection.execute(row.returning(SilenceRow.id)).scalar_one())


def end_silence(connection: Connection, number: int, now: datetime) -> bool:
    """End a silence now, and release what it holds.

    Returns:
        Whether it was in force.
    """
    row = select(SilenceRow.__table__).where(SilenceRow.id == number, SilenceRow.until_ms > to_ms(now))
    found = connection.execute(row).mappings().one_or_none()
    if found is None:
        return False
    connection.execute(update(SilenceRow).where(SilenceRow.id == number).values(until_ms=to_ms(now)))
    held = (
        (NotificationRow.held == held_by(found["by"], found["reason"]))
        & (NotificationRow.fate == str(Fate.QUEUED))
        & (NotificationRow.due_ms == found["until_ms"])
    )
    connection.execute(update(NotificationRow).where(held).values(due_ms=to_ms(now)))
    return True


def held_by(by: str, reason: str) -> str:
    """What the record of a text says that a silence holds."""
    return f"silenced by {by}: {reason}"[:120]


def silences_from(connection: Connection) -> Sequence[Silence]:
    """The newest; whoever asks knows what time it is."""
    return [kept.silence for kept in kept_silences(connection)]


def kept_silences(connection: Connection) -> Sequence[Kept]:
    """The newest, with their numbers, the newest first."""
    query = select(SilenceRow.__table__).order_by(SilenceRow.until_ms.desc()).limit(_NEWEST)
    return [
        Kept(
            row["id"],
            Silence(
                from_ms(row["since_ms"]),
                from_ms(row["until_ms"]),
                row["by"],
                row["reason"],
                row["water_point_id"],
                row["municipality_id"],
                row["rule_id"],
            ),
        )
        for row in connection.execute(query).mappings()
    ]
