"""The step in which the system proposes advisories: it looks at what fires and writes proposals. It issues nothing.

**Invariants**
* Of an episode there is one proposal at most, through any restart and beside any other process (`book`).
* A store that is away costs the readings of the evidence, never the proposal.
* The herald is told after the proposal is on disk; a crash between the two leaves a proposal that nobody was told
  of, and it stands in `tskaro advisory list`.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select

from alerts.advisories.ports import Herald, NobodyTold
from alerts.advisories.proposing import weigh
from alerts.advisories.record import Evidence, Seen
from alerts.lifecycle import Phase
from alerts.ports import Lane
from alerts.rules import Rule
from server.advisories.book import AdvisoryBook, is_known
from server.clock import Clock
from server.database.engine import Database
from server.database.models import AlertRow
from server.ledger import SqlLedger
from server.registry.reserved import is_real
from server.registry.snapshot import Registry
from server.store.port import ReadingStore, StoreUnavailable
from waterquality.errors import LinkError
from waterquality.readings import to_ms

_log = structlog.get_logger()
_LOOK_EVERY_S = 15.0
_MOST_READINGS = 6
_MILLISECOND = timedelta(milliseconds=1)


class Proposer:
    """Proposes advisories for what is critical and confirmed.

    Args:
        database: where alerts and advisories are.
        store: the readings, for the evidence.
        book: where proposals are written.
        registry: tells which devices serve a water point.
        rules_at: tells the rules in force at a water point, with the steps that its probes can evidence.
        clock: the server's clock.
        herald: is told of proposals.
        is_ours: whether it is this process that proposes; where several do, they only repeat each other.
    """

    def __init__(
        self,
        database: Database,
        store: ReadingStore,
        book: AdvisoryBook,
        clock: Clock,
        *,
        registry: Callable[[], Registry],
        rules_at: Callable[[str], Sequence[Rule]],
        herald: Herald | None = None,
        is_ours: Callable[[], bool] = lambda: True,
    ) -> None:
        self._database, self._store, self._book = database, store, book
        self._registry, self._rules_at = registry, rules_at
        self._clock, self._herald, self._is_ours = clock, herald or NobodyTold(), is_ours

    def run(self, stop: threading.Event) -> None:
        """Look at what fires until `stop` is set."""
        while not stop.is_set():
            self._clock.pause(_LOOK_EVERY_S, stop)
            try:
                if self._is_ours():
                    self.turn(self._clock.now())
            except LinkError as trouble:
                _log.warning("proposer_waits", detail=str(trouble))
            except Exception:  # noqa: BLE001 - the one broad catch of this loop
                _log.exception("proposer_failed")

    def turn(self, now: datetime) -> None:
        """Propose what is to be proposed now.

        Raises:
            DatabaseUnavailable: the rest is proposed later; mended by time.
        """
        for water_point, evidence in self._found():
            added = self._book.add_evidence(water_point, self._with_readings(water_point, evidence, now), now)
            if added is None:
                continue
            _log.info("advisory_proposed", advisory=added.number, water_point=water_point, rule=evidence.rule)
            if added.is_new:
                self._herald.proposed(added.number, added.advisory)
            if added.doubt:
                _log.warning("boil_doubted", advisory=added.number, detail=added.doubt)
                self._herald.boil_is_doubted(added.number, added.advisory, added.doubt)

    def _found(self) -> Sequence[tuple[str, Evidence]]:
        """What is reason for an advisory and is no evidence of one yet."""
        with self._database.reading() as connection:
            firing = select(AlertRow.water_point_id).where(
                AlertRow.phase == str(Phase.FIRING),
                AlertRow.lane == str(Lane.LIVE),
                is_real(AlertRow.water_point_id),
            )
            points = sorted(set(connection.scalars(firing)))
        known = SqlLedger(self._database).known(points) if points else {}
        standings = sorted(
            (each for point in points for each in known[point].standings), key=lambda each: each.key
        )
        rules = {point: {rule.id: rule for rule in self._rules_at(point)} for point in points}
        found = [
            (each.key.water_point, weigh(each, rules[each.key.water_point].get(each.key.rule)).evidence)
            for each in standings
        ]
        with self._database.reading() as connection:
            return [
                (point, evidence)
                for point, evidence in found
                if evidence is not None and not is_known(connection, point, evidence.rule, evidence.episode)
            ]

    def _with_readings(self, water_point: str, evidence: Evidence, now: datetime) -> Evidence:
        try:
            return replace(evidence, readings=self._readings(water_point, evidence, now))
        except StoreUnavailable:
            return evidence

    def _readings(self, water_point: str, evidence: Evidence, now: datetime) -> tuple[Seen, ...]:
        if evidence.parameter is None:
            return ()
        rows = [
            row
            for device in self._registry().devices_by_water_point().get(water_point, ())
            for row in self._store.neighbours(
                water_point,
                device,
                since_ms=to_ms(evidence.breached_at),
                until_ms=to_ms(now + _MILLISECOND),
                at_most=_MOST_READINGS,
                newest=True,
            )
        ]
        seen = [
            Seen(row.observation.taken_at, reading.value, reading.flag, reading.screened.why)
            for row in rows
            if (reading := row.observation.readings.get(evidence.parameter)) is not None
        ]
        return tuple(sorted(seen, key=lambda each: each.taken_at)[-_MOST_READINGS:])
