"""The book of advisories: what is done to one is decided, recorded and published in one transaction.

**Invariants**
* An advisory, its history and its CAP message change together or not at all.
* At a water point at most one advisory is open; whatever happens there meanwhile becomes evidence of that one.
* An episode of an alert is evidence once, for ever: who looks again, after a crash or beside another, adds nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from alerts.advisories.life import Circumstances, Policy, Refusal, Step, boil_is_doubted, step
from alerts.advisories.record import (
    Act,
    Advisory,
    Authority,
    Cause,
    Change,
    Confirm,
    Evidence,
    Issue,
    Lift,
    Withdraw,
)
from server.advisories.people import must_be_water_point
from server.advisories.publishing import Publication, publish
from server.advisories.rows import (
    all_advisories,
    authority_json,
    columns_of,
    evidence_json,
    one_advisory,
    order_json,
)
from server.advisories.surroundings import circumstances
from server.database.advisory_models import AdvisoryActRow, AdvisoryRow, EvidenceRow
from server.database.engine import Database
from server.database.models import WaterPoint
from server.database.statements import insert_into
from waterquality.errors import ConfigError
from waterquality.readings import from_ms, to_ms

_STRICT, _UNTOLD = Policy(), Publication()


class AdvisoryRefused(ConfigError):
    """What a person wants done to an advisory is not done; says what to do; mended by the operator."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history of an advisory; `who` is None for the system itself."""

    at: datetime
    act: str
    who: Authority | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Added:
    """What became of evidence.

    Attributes:
        number: of the advisory it is evidence of.
        advisory: as it stands now.
        is_new: whether the system proposed this advisory just now.
        doubt: why the "boil" that is in force should not be; "" where it may be.
    """

    number: int
    advisory: Advisory
    is_new: bool
    doubt: str


class AdvisoryBook:
    """Advisories in the database.

    Args:
        database: where they are.
        policy: what the operators demand.
        out: how they are told to programs.
    """

    def __init__(self, database: Database, policy: Policy = _STRICT, out: Publication = _UNTOLD) -> None:
        self._database, self._policy, self._out = database, policy, out

    def propose(self, water_point: str, cause: Cause, by: str, reason: str, now: datetime) -> int:
        """A person proposes an advisory; returns its number.

        Raises:
            ConfigError: there is no such water point; mended by the operator.
            AdvisoryRefused: one is open there already; mended by the operator.
        """
        new = Advisory(water_point=water_point, cause=cause, proposed_at=now, proposer=by, reason=reason)
        with self._database.writing() as connection:
            must_be_water_point(connection, water_point)
            _take_turns(connection, water_point)
            for number, there in all_advisories(connection, open_only=True, water_point=water_point).items():
                raise AdvisoryRefused(
                    f"advisory {number} is {there.phase_at(now).replace('_', ' ')} there: "
                    "act on that one (tskaro advisory show)"
                )
            return _begin(connection, new, {"reason": reason, "by": by}, now)

    def add_evidence(self, water_point: str, evidence: Evidence, now: datetime) -> Added | None:
        """The system found reason for an advisory: it is proposed, or becomes evidence of the one that is open.

        Returns:
            What became of it; None where it is known already.

        Raises:
            DatabaseUnavailable: nothing was recorded; mended by time.
        """
        with self._database.writing() as connection:
            _take_turns(connection, water_point)
            if is_known(connection, water_point, evidence.rule, evidence.episode):
                return None
            there = all_advisories(connection, open_only=True, water_point=water_point)
            number = next(iter(there), 0)
            is_new = not number
            if is_new:
                new = Advisory(
                    water_point=water_point, cause=evidence.cause, proposed_at=now, reason=evidence.reason
                )
                number = _begin(connection, new, {"reason": evidence.reason}, now)
            _add(connection, number, water_point, evidence, now)
            if not is_new:
                _write_down(connection, number, Entry(now, "evidence", None, {"reason": evidence.reason}))
            advisory = _found(connection, number)
            around = circumstances(connection, advisory, now, self._policy)
            return Added(number, advisory, is_new, boil_is_doubted(advisory, around))

    def act(self, number: int, act: Act, now: datetime) -> Step:
        """A person does something to an advisory.

        Raises:
            AdvisoryRefused: it cannot be done; says why and what to do; mended by the operator.
            DatabaseUnavailable: nothing was done; mended by time.
        """
        with self._database.writing() as connection:
            _take_turns(connection, _found(connection, number).water_point)
            advisory = _found(connection, number)
            around = circumstances(connection, advisory, now, self._policy)
            taken = step(advisory, act, around)
            if isinstance(taken, Refusal):
                raise AdvisoryRefused(f"advisory {number}: {taken.why}")
            connection.execute(
                update(AdvisoryRow).where(AdvisoryRow.id == number).values(**columns_of(taken.advisory))
            )
            identifier = publish(connection, number, taken, self._out, now)
            said = _detail(act, taken) | ({"cap": identifier} if identifier else {})
            _write_down(connection, number, Entry(now, type(act).__name__.lower(), act.by, said))
            return taken

    def one(self, number: int, now: datetime) -> tuple[Advisory, Circumstances, Sequence[Entry]]:
        """An advisory with all that is known about it.

        Raises:
            AdvisoryRefused: there is none of this number; mended by the operator.
        """
        with self._database.reading() as connection:
            advisory = _found(connection, number)
            history = _history(connection, number)
            return advisory, circumstances(connection, advisory, now, self._policy), history

    def all(self, *, open_only: bool = False, water_point: str = "") -> Mapping[int, Advisory]:
        """Advisories by number, newest first."""
        with self._database.reading() as connection:
            return all_advisories(connection, open_only=open_only, water_point=water_point)


def is_known(connection: Connection, water_point: str, rule: str, episode: int) -> bool:
    """Whether an episode is evidence of an advisory already."""
    query = select(EvidenceRow.advisory_id).where(
        EvidenceRow.water_point_id == water_point,
        EvidenceRow.rule_id == rule,
        EvidenceRow.episode == episode,
    )
    return connection.scalar(query) is not None


def _take_turns(connection: Connection, water_point: str) -> None:
    """Let nobody else act at this water point until the commit (PostgreSQL; SQLite has one writer anyway)."""
    connection.execute(
        select(WaterPoint.id).where(WaterPoint.id == water_point).with_for_update(key_share=True)
    )


def _begin(connection: Connection, new: Advisory, detail: Mapping[str, Any], now: datetime) -> int:
    done = connection.execute(insert(AdvisoryRow).values(**columns_of(new)).returning(AdvisoryRow.id))
    number = int(done.scalar_one())
    _write_down(connection, number, Entry(now, "propose", None, detail))
    return number


def _add(connection: Connection, number: int, water_point: str, evidence: Evidence, now: datetime) -> None:
    connection.execute(
        insert_into(connection, EvidenceRow)
        .values(
            rule_id=evidence.rule,
            water_point_id=water_point,
            episode=evidence.episode,
            advisory_id=number,
            added_ms=to_ms(now),
            body=evidence_json(evidence),
        )
        .on_conflict_do_nothing()
    )


def _found(connection: Connection, number: int) -> Advisory:
    advisory = one_advisory(connection, number)
    if advisory is None:
        raise AdvisoryRefused(
            f"advisory {number}: there is none; `tskaro advisory list --all` has their numbers"
        )
    return advisory


def _write_down(connection: Connection, number: int, entry: Entry) -> None:
    connection.execute(
        insert(AdvisoryActRow).values(
            advisory_id=number,
            at_ms=to_ms(entry.at),
            act=entry.act,
            who=entry.who and authority_json(entry.who),
            detail=dict(entry.detail),
        )
    )


def _history(connection: Connection, number: int) -> Sequence[Entry]:
    query = (
        select(AdvisoryActRow.__table__)
        .where(AdvisoryActRow.advisory_id == number)
        .order_by(AdvisoryActRow.id)
    )
    return [
        Entry(from_ms(row.at_ms), row.act, row.who and Authority(**row.who), row.detail)
        for row in connection.execute(query)
    ]


def _detail(act: Act, taken: Step) -> dict[str, Any]:
    """What the history says of an act, beside who and when."""
    said: dict[str, Any] = {"in_effect": taken.done is not None}
    if isinstance(act, Issue | Change):
        said["order"] = order_json(act.order)
    if isinstance(act, Change | Withdraw):
        said["reason"] = act.reason
    if isinstance(act, Lift) and act.override:
        said["override"] = act.override
    if isinstance(act, Confirm) and taken.done is not None:
        said["confirms"] = type(taken.done).__name__.lower()
    if taken.clearance is not None:
        said["samples"] = [each.taken_at.isoformat() for each in taken.clearance.counted]
    return said
