"""Debts in the database: texts that become owed, what they make of those before, and who takes an episode on."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, select, update

from alerts.debts import Debt, Settlement, settle
from alerts.ports import AlertKey, Fate, Kind, Lane, Owed
from server.database.models import AcknowledgementRow, AlertRow, NotificationRow, TransitionRow
from server.database.statements import insert_into
from server.registry.consent import told_among
from waterquality.readings import from_ms, to_ms

_Alerts = type[AlertRow] | type[NotificationRow] | type[AcknowledgementRow] | type[TransitionRow]

_KINDS = [str(kind) for kind in Kind]  # texts about alerts, and no replies
_LOOK_BACK = 50  # texts to one person about one water point that a new one is looked at beside


def owe(connection: Connection, owed: Sequence[Owed]) -> None:
    """Owe each text once: the same text of the same episode to the same person is no second debt.

    Who is to be told was read a while ago. Nothing is owed to whoever has opted out meanwhile.
    """
    if not owed:
        return
    told = told_among(connection, {each.recipient.person for each in owed})
    for each in owed:
        if each.recipient.person in told:
            _owe(connection, each)


def acknowledge(connection: Connection, key: AlertKey, episode: int, by: str, at_ms: int) -> bool:
    """Somebody takes an episode on; see `alerts.ports.Ledger.acknowledge`."""
    level = connection.scalar(
        select(AlertRow.level).where(is_of(AlertRow, key), AlertRow.episode == episode).with_for_update()
    )
    if level is None:
        return False
    values = key_values(key) | {"episode": episode, "level": level, "by": by, "at_ms": at_ms}
    new = insert_into(connection, AcknowledgementRow).values(**values)
    columns = ("rule_id", "water_point_id", "lane", "episode")
    worse = AcknowledgementRow.level < new.excluded.level
    replaced = {name: new.excluded[name] for name in ("level", "by", "at_ms")}
    taken = connection.execute(
        new.on_conflict_do_update(index_elements=columns, set_=replaced, where=worse).returning(
            AcknowledgementRow.level
        )
    ).scalar()
    if taken is None:
        return False
    waits = and_(
        is_of(NotificationRow, key),
        NotificationRow.episode == episode,
        NotificationRow.ends_with_acknowledgement,
        NotificationRow.fate == str(Fate.QUEUED),
        NotificationRow.attempts == 0,
        NotificationRow.due_ms > at_ms,
    )
    _drop(connection, waits, at_ms, f"acknowledged by {by}")
    return True


def key_values(key: AlertKey) -> dict[str, Any]:
    """The columns that an alert is known by."""
    return {"rule_id": key.rule, "water_point_id": key.water_point, "lane": str(key.lane)}


def _owe(connection: Connection, owed: Owed) -> None:
    settlement = settle(owed, _before(connection, owed))
    if settlement.drops:
        why = "over before it was due" if owed.ends else "something worse is told instead"
        _drop(connection, NotificationRow.id.in_(settlement.drops), to_ms(owed.owed_at), why)
    if settlement.is_owed:
        debt = insert_into(connection, NotificationRow).values(**_debt(owed, settlement))
        connection.execute(debt.on_conflict_do_nothing())


def _before(connection: Connection, owed: Owed) -> list[Debt]:
    """What the person is or was owed about the water point lately, and of the same episode; oldest first."""
    row = NotificationRow
    is_theirs = and_(
        row.water_point_id == owed.key.water_point,
        row.lane == str(owed.key.lane),
        row.person_id == owed.recipient.person,
        row.kind.in_(_KINDS),
    )
    newest = select(row.__table__).where(is_theirs).order_by(row.id.desc()).limit(_LOOK_BACK)
    same = select(row.__table__).where(is_theirs, row.rule_id == owed.key.rule, row.episode == owed.episode)
    found = {each["id"]: each for query in (newest, same) for each in connection.execute(query).mappings()}
    return [_debt_of(found[number]) for number in sorted(found)]


def _debt_of(row: RowMapping) -> Debt:
    due_ms = row["due_ms"]
    return Debt(
        row["id"],
        AlertKey(row["rule_id"], row["water_point_id"], Lane(row["lane"])),
        row["episode"],
        Kind(row["kind"]),
        from_ms(row["owed_ms"]),
        row["is_urgent"],
        row["step"],
        Fate(row["fate"]),
        row["attempts"],
        None if due_ms is None else from_ms(due_ms),
    )


def _drop(connection: Connection, which: ColumnElement[bool], at_ms: int, why: str) -> None:
    dropped = {"fate": str(Fate.DROPPED), "due_ms": None, "settled_ms": at_ms, "detail": why[:200]}
    connection.execute(update(NotificationRow).where(which).values(**dropped))


def _debt(owed: Owed, settlement: Settlement) -> dict[str, object]:
    due, due_at, is_said = owed.due, settlement.due_at, settlement.due_at is None
    return key_values(owed.key) | {
        "episode": owed.episode,
        "step": owed.number,
        "kind": str(owed.kind),
        "person_id": owed.recipient.person,
        "address": owed.recipient.address,
        "language": str(owed.recipient.language),
        "text": owed.text,
        "breached_ms": to_ms(owed.breached_at),
        "owed_ms": to_ms(owed.owed_at),
        "fate": str(Fate.GATHERED if is_said else Fate.QUEUED),
        "attempts": 0,
        "due_ms": None if due_at is None else to_ms(due_at),
        "settled_ms": to_ms(owed.owed_at) if is_said else None,
        "held": (settlement.why or ("" if due is None else due.why))[:120],
        "ends_with_acknowledgement": due is not None and due.ends_with_acknowledgement,
        "message_id": "",
        "detail": settlement.why if is_said else "",
        "is_urgent": owed.is_urgent,
    }


def is_same_episode(table: _Alerts, other: _Alerts) -> ColumnElement[bool]:
    """Whether rows of two tables are about one episode of one alert."""
    return and_(
        table.rule_id == other.rule_id,
        table.water_point_id == other.water_point_id,
        table.lane == other.lane,
        table.episode == other.episode,
    )


def is_of(table: _Alerts, key: AlertKey) -> ColumnElement[bool]:
    """Whether a row is about an alert."""
    return and_(
        table.rule_id == key.rule, table.water_point_id == key.water_point, table.lane == str(key.lane)
    )
