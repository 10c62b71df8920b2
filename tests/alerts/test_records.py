"""A record that does not add up: told to the technician once, and over when it adds up again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from alerts.lifecycle import Phase
from alerts.memory import MemoryLedger
from alerts.ports import Kind
from alerts.rules import CustodyRule, Flaw, Imbalance, Severity
from alerts.watch import Sighting, Watch
from tests.builders import instant, observation
from tests.fakes.town import GIORGI, SILENT, SOUR, Town

NOW = instant("2026-11-20T06:00:00Z")
RULE = CustodyRule(id="record", after_s=3600, severity=Severity.WARNING)
HOUR = timedelta(hours=1)


class Office:
    """A watch over a town that has a rule about its record."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.watch = Watch(self.ledger, Town(all_rules=(SOUR, SILENT, RULE)))

    def finds(self, *flaws: Flaw, after: timedelta = timedelta(0)) -> list[str]:
        found = [Imbalance(flaw, NOW, f"kk-0001 epoch 9f1c2a7e: {flaw}") for flaw in flaws]
        return self.judges(found, after)

    def judges(self, found: Sequence[Imbalance], after: timedelta) -> list[str]:
        changes = self.watch.judge_records({"algeti": found}, NOW + after)
        return [str(change.transition.after) for change in changes]

    def told(self) -> list[tuple[str, Kind]]:
        return [(each.owed.recipient.person, each.owed.kind) for each in self.ledger.notifications]


def test_a_number_that_waits_for_more_than_an_hour_is_told_once_and_ends_when_it_came() -> None:
    office = Office()

    assert office.finds(Flaw.AWAITED, after=HOUR) == []
    assert office.finds(Flaw.AWAITED, after=1.1 * HOUR) == ["firing"]
    assert office.finds(Flaw.AWAITED, after=2 * HOUR) == []
    assert office.told() == [(GIORGI.person, Kind.RECORD_OPEN)]
    assert office.finds(after=3 * HOUR) == ["resolved"]
    assert office.finds(after=4 * HOUR) == []
    assert len(office.told()) == 1  # no text of its end

    assert office.finds(Flaw.CONFLICT, after=5 * HOUR) == ["firing"]  # another episode
    assert len(office.told()) == 2


def test_what_is_lost_or_came_twice_is_told_at_once_with_its_reason() -> None:
    office = Office()

    assert office.finds(Flaw.MISSING, Flaw.CONFLICT) == ["firing"]

    (change,) = office.ledger.changes
    reasons = change.transition.reason.split("; ")
    assert reasons == [f"{flaw}: kk-0001 epoch 9f1c2a7e: {flaw}" for flaw in ("missing", "conflict")]


def test_while_a_device_is_silent_its_record_is_no_second_text() -> None:
    office = Office()
    office.watch.judge_silence({"algeti": NOW}, NOW + 2 * HOUR)

    assert office.finds(Flaw.AWAITED, after=2 * HOUR) == []
    assert [kind for _, kind in office.told()] == [Kind.DEVICE_SILENT]


def test_a_hole_in_the_record_keeps_no_all_clear_back() -> None:
    office = Office()
    office.finds(Flaw.MISSING)
    taken = [(0, 5.0), (1, 7.4), (12, 7.4), (13, 7.4)]
    for seq, (minute, ph) in enumerate(taken, start=1):
        seen = observation(seq=seq, at=NOW + timedelta(minutes=minute), ph=ph)
        office.watch.judge([Sighting("algeti", seen, seen.taken_at)], seen.taken_at)

    assert Kind.ALL_CLEAR in [kind for _, kind in office.told()]
    assert office.finds(Flaw.MISSING, after=HOUR) == []
    assert {each.key.rule: each.state.phase for each in office.ledger.standings()}["record"] is Phase.FIRING


def test_a_restart_in_an_episode_tells_nobody_again() -> None:
    office = Office()
    office.finds(Flaw.MISSING)
    office.watch = Watch(office.ledger, Town(all_rules=(RULE,)))

    assert office.finds(Flaw.MISSING, after=HOUR) == []
    assert len(office.told()) == 1
    assert replace(RULE, after_s=1).delays.confirm_s == 0
