"""The ledger in the database: what alerts remember. Implements `alerts.ports.Ledger`."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from alerts.lifecycle import Phase, State
from alerts.ports import (
    AlertKey,
    Change,
    Fate,
    Judgement,
    Kind,
    Known,
    Lane,
    Outcome,
    Overtaken,
    Pending,
    Standing,
    is_overtaken,
)
from server.database.engine import Database
from server.database.lease_models import HeardRow
from server.database.models import (
    AlertRow,
    DetectorRow,
    JudgedRow,
    NotificationRow,
    TransitionRow,
    WaterPoint,
)
from server.database.statements import insert_into, json_of, letters, spans_of, upsert_all
from server.owing import acknowledge, key_values, owe
from waterquality.intervals import IntervalSet
from waterquality.readings import from_ms, to_ms


class SqlLedger:
    """What alerts remember, in SQLite or PostgreSQL.

    Args:
        database: where it is kept.
        guard: asked within each judgement's transaction, before its commit, whether this process may still judge.

    Attributes:
        fates: what the tries that were recorded here have brought.
    """

    def __init__(self, database: Database, guard: Callable[[Connection], None] = lambda _: None) -> None:
        self._database, self._guard = database, guard
        self.fates: Counter[Fate] = Counter()

    def standings(self) -> Sequence[Standing]:
        """Where every alert stands that was ever more than normal."""
        with self._database.reading() as connection:
            rows = connection.execute(select(AlertRow.__table__)).mappings().all()
        return [_standing(row) for row in rows]

    def judged(self, names: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], IntervalSet]:
        """Sequence numbers that were judged already, by (device, epoch)."""
        with self._database.reading() as connection:
            found = _judged_of(connection, {device for device, _ in names})
        return {name: found[name] for name in names if name in found}

    def known(self, water_points: Collection[str]) -> Mapping[str, Known]:
        """What is known now of each of these water points, whoever judged them."""
        with self._database.reading() as connection:
            return _known(connection, water_points)

    def detectors(self, sites: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], bytes]:
        """What was saved of the event detectors of these (water point, device)."""
        points = {point for point, _ in sites}
        query = select(DetectorRow.__table__).where(DetectorRow.water_point_id.in_(points))
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings().all()
        found = {(row["water_point_id"], row["device_id"]): bytes(row["saved"]) for row in rows}
        return {site: found[site] for site in sites if site in found}

    def commit(self, judgement: Judgement) -> None:
        """Record a judgement as a whole.

        Raises:
            Overtaken: what it relied on stands so no more; nothing was recorded; mended by judging again.
            DatabaseUnavailable: nothing was recorded; mended by time.
            LeaseLost: nothing was recorded; mended by time.
        """
        with self._database.writing() as connection:
            _still_stands(connection, judgement)
            standings = [key_values(each.key) | _values(each) for each in judgement.standings]
            upsert_all(connection, AlertRow, ("rule_id", "water_point_id", "lane"), standings)
            if judgement.changes:
                connection.execute(
                    insert(TransitionRow), [_transition(change) for change in judgement.changes]
                )
            owe(connection, judgement.owed)
            _add_judged(connection, judgement.judged)
            _add_heard(connection, judgement.heard)
            _save_detectors(connection, judgement.detectors)
            self._guard(connection)

    def due(self, now: datetime, at_most: int) -> Sequence[Pending]:
        """Notifications to take up now, oldest first."""
        query = (
            select(NotificationRow.__table__)
            .where(NotificationRow.due_ms <= to_ms(now))
            .order_by(NotificationRow.due_ms, NotificationRow.id)
            .limit(at_most)
        )
        with self._database.reading() as connection:
            return [_pending(row) for row in connection.execute(query).mappings()]

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Record what tries brought, as a whole.

        Raises:
            DatabaseUnavailable: nothing was recorded; mended by time.
        """
        with self._database.writing() as connection:
            for outcome in outcomes:
                connection.execute(_SETTLE, _outcome(outcome))
                if outcome.fate in (Fate.ACCEPTED, Fate.DELIVERED):
                    connection.execute(_HAND_OVER, {"row": outcome.id, "at": to_ms(outcome.at)})
        self.fates.update(outcome.fate for outcome in outcomes)

    def acknowledge(self, key: AlertKey, episode: int, by: str, at: datetime) -> bool:
        """Somebody takes an episode on; see the port.

        Raises:
            DatabaseUnavailable: nothing was recorded; mended by time.
        """
        with self._database.writing() as connection:
            return acknowledge(connection, key, episode, by, to_ms(at))


_KINDS = {str(kind): kind for kind in Kind}  # a reply to somebody is of none of them
_OPEN_FATES = [str(fate) for fate in Fate if not fate.is_final]
_SETTLE = (
    update(NotificationRow)
    .where(NotificationRow.id == bindparam("row"), NotificationRow.fate.in_(_OPEN_FATES))
    .values(
        fate=bindparam("fate_now"),
        attempts=bindparam("tries"),
        due_ms=bindparam("due"),
        settled_ms=bindparam("settled"),
        message_id=bindparam("message"),
        detail=bindparam("said"),
    )
)
_HAND_OVER = (
    update(NotificationRow)
    .where(NotificationRow.id == bindparam("row"), NotificationRow.handed_ms.is_(None))
    .values(handed_ms=bindparam("at"))
)


def _known(connection: Connection, water_points: Collection[str]) -> dict[str, Known]:
    alerts = select(AlertRow.__table__).where(AlertRow.water_point_id.in_(water_points))
    standings: defaultdict[str, set[Standing]] = defaultdict(set)
    for row in connection.execute(alerts).mappings():
        standings[row["water_point_id"]].add(_standing(row))
    columns = (HeardRow.water_point_id, HeardRow.at_ms)
    rows = connection.execute(select(*columns).where(HeardRow.water_point_id.in_(water_points)))
    heard = {point: from_ms(at_ms) for point, at_ms in rows}
    return {point: Known(frozenset(standings[point]), heard.get(point)) for point in water_points}


def _still_stands(connection: Connection, judgement: Judgement) -> None:
    """Let no other judge near the shared water points until the commit, and see that nothing has changed there."""
    points = sorted(judgement.relied_on)
    if not points:
        return
    connection.execute(  # in one order everywhere, or two judges could wait for each other
        select(WaterPoint.id)
        .where(WaterPoint.id.in_(points))
        .order_by(WaterPoint.id)
        .with_for_update(key_share=True)
    ).all()
    for point, known in _known(connection, points).items():
        if is_overtaken(judgement.relied_on[point], known, of_silence=judgement.is_of_silence):
            raise Overtaken(f"another judge has judged {point} meanwhile")


def _add_heard(connection: Connection, heard: Mapping[str, datetime]) -> None:
    if heard:
        statement = insert_into(connection, HeardRow)
        later = statement.on_conflict_do_update(
            index_elements=("water_point_id",),
            set_={"at_ms": statement.excluded.at_ms},
            where=statement.excluded.at_ms > HeardRow.at_ms,
        )
        connection.execute(
            later, [{"water_point_id": point, "at_ms": to_ms(heard[point])} for point in sorted(heard)]
        )


def _save_detectors(connection: Connection, detectors: Mapping[tuple[str, str], bytes]) -> None:
    rows = [
        {"water_point_id": point, "device_id": device, "saved": saved}
        for (point, device), saved in detectors.items()
    ]
    upsert_all(connection, DetectorRow, ("water_point_id", "device_id"), rows)


def _add_judged(connection: Connection, judged: Mapping[tuple[str, str], IntervalSet]) -> None:
    before = _judged_of(connection, {device for device, _ in judged})
    rows = [
        {"device_id": name[0], "epoch": name[1], "judged": json_of(numbers | before.get(name, IntervalSet()))}
        for name, numbers in judged.items()
    ]
    upsert_all(connection, JudgedRow, ("device_id", "epoch"), rows)


def _judged_of(connection: Connection, devices: Collection[str]) -> dict[tuple[str, str], IntervalSet]:
    columns = (JudgedRow.device_id, JudgedRow.epoch, JudgedRow.judged)
    rows = connection.execute(select(*columns).where(JudgedRow.device_id.in_(devices)))
    return {(device, epoch): spans_of(judged) for device, epoch, judged in rows}


def _outcome(outcome: Outcome) -> dict[str, object]:
    return {
        "row": outcome.id,
        "fate_now": str(outcome.fate),
        "tries": outcome.attempts,
        "due": _ms(outcome.due_at),
        "settled": to_ms(outcome.at) if outcome.fate.is_final else None,
        "message": letters(outcome.message_id[:200]),
        "said": letters(outcome.detail[:200]),
    }


def _ms(instant: datetime | None) -> int | None:
    return None if instant is None else to_ms(instant)


def _instant(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else from_ms(milliseconds)


def _values(standing: Standing) -> dict[str, Any]:
    state = standing.state
    return {
        "phase": str(state.phase),
        "since_ms": to_ms(state.since),
        "judged_ms": to_ms(state.judged_at),
        "breached_ms": _ms(state.breached_at),
        "peak": state.peak,
        "last_breach_ms": _ms(state.last_breach_at),
        "beyond": state.beyond,
        "level": state.level,
        "rising": [to_ms(each) for each in state.rising],
        "ended_ms": _ms(state.ended_at),
        "reopened": state.reopened,
        "blinded_ms": _ms(state.blinded_at),
        "step": standing.step,
        "episode": standing.episode,
        "told": standing.told,
    }


def _standing(row: RowMapping) -> Standing:
    state = State(
        Phase(row["phase"]),
        since=from_ms(row["since_ms"]),
        judged_at=from_ms(row["judged_ms"]),
        breached_at=_instant(row["breached_ms"]),
        peak=row["peak"],
        last_breach_at=_instant(row["last_breach_ms"]),
        beyond=row["beyond"],
        level=row["level"],
        rising=tuple(map(from_ms, row["rising"] or _rising_before(row))),
        ended_at=_instant(row["ended_ms"]),
        reopened=row["reopened"],
        blinded_at=_instant(row["blinded_ms"]),
    )
    key = AlertKey(row["rule_id"], row["water_point_id"], Lane(row["lane"]))
    return Standing(key, state, row["episode"], row["told"], row["step"])


def _rising_before(row: RowMapping) -> list[int]:
    """Since when a breach lasts that was pending before steps were kept."""
    return [row["since_ms"]] if row["rising"] is None and row["phase"] == Phase.PENDING else []


def _transition(change: Change) -> dict[str, Any]:
    transition = change.transition
    return key_values(change.key) | {
        "episode": change.episode,
        "before": str(transition.before),
        "after": str(transition.after),
        "at_ms": to_ms(transition.at),
        "value": change.value,
        "reason": transition.reason[:200],
        "turn": str(transition.turn),
        "level": transition.level,
    }


def _pending(row: RowMapping) -> Pending:
    return Pending(
        id=row["id"],
        address=row["address"],
        text=row["text"],
        fate=Fate(row["fate"]),
        attempts=row["attempts"],
        owed_at=from_ms(row["owed_ms"]),
        handed_at=_instant(row["handed_ms"]),
        message_id=row["message_id"],
        is_urgent=row["is_urgent"],
        person=row["person_id"],
        water_point=row["water_point_id"],
        kind=_KINDS.get(row["kind"]),
    )
