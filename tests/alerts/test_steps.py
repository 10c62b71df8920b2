"""Graded rules through the watch: one episode, a text at each step up, none at a step down."""

from datetime import timedelta

import pytest

from alerts.memory import MemoryLedger
from alerts.ports import Kind
from alerts.rules import Delays, LimitRule, Severity, Step
from alerts.watch import Sighting, Watch
from tests.builders import instant, observation
from tests.fakes.town import NINO, SILENT, Town
from waterquality.limits import Limit
from waterquality.parameters import Parameter

START = instant("2026-11-20T06:00:00Z")


def limit(high):
    return Limit(Parameter.TURBIDITY, None, high, "who-2017")


GRADED = LimitRule(
    id="graded",
    limit=limit(1.0),
    delays=Delays(confirm_s=1800, clear_s=600, steps_s=(300, 120), reopen_s=3600),
    deadband=0.2,
    severity=Severity.NOTICE,
    higher=(Step(limit(4.0), Severity.WARNING, 300), Step(limit(10.0), Severity.CRITICAL, 120)),
)


class Village:
    def __init__(self):
        self.ledger, self.minute = MemoryLedger(), 0
        self.town = Town(all_rules=(GRADED, SILENT), people=(NINO,))
        self.restart()

    def restart(self):
        self.watch = Watch(self.ledger, self.town)

    def sees(self, ntu, minutes):
        for _ in range(minutes):
            at = START + timedelta(minutes=self.minute)
            self.minute += 1
            seen = observation(seq=self.minute, at=at, turbidity=ntu)
            self.watch.judge([Sighting("algeti-3", seen, at)], at)
        return self

    def told(self):
        return [
            (each.owed.episode, each.owed.step, each.owed.kind, each.owed.text.split(" (")[0].split(": ")[1])
            for each in self.ledger.notifications
        ]


def breach(episode, step, value, bound):
    return (episode, step, Kind.TURBIDITY_HIGH, f"სიმღვრივე {value} NTU, ზღვარი {bound}")


@pytest.mark.parametrize(
    ("ntu", "minutes", "told"),
    [
        pytest.param(2.0, 30, [], id="a notice waits half an hour"),
        pytest.param(2.0, 31, [breach(1, 1, 2, 1)], id="and comes then"),
        pytest.param(6.0, 5, [], id="a warning waits five minutes"),
        pytest.param(6.0, 6, [breach(1, 1, 6, 4)], id="and does not wait for the notice"),
        pytest.param(50.0, 3, [breach(1, 1, 50, 10)], id="an alarm waits for neither"),
        pytest.param(50.0, 60, [breach(1, 1, 50, 10)], id="and the lower steps are not told after it"),
    ],
)
def test_each_step_is_confirmed_by_its_own_delay(ntu, minutes, told):
    assert Village().sees(ntu, minutes).told() == told


def test_a_text_is_owed_at_each_step_up_and_at_none_down():
    village = Village().sees(2.0, 31).sees(6.0, 10).sees(50.0, 5).sees(6.0, 30).sees(2.0, 60).sees(50.0, 30)

    assert village.told() == [breach(1, 1, 2, 1), breach(1, 2, 6, 4), breach(1, 3, 50, 10)]


def test_a_dip_starts_a_step_anew_and_not_the_episode():
    village = Village().sees(2.0, 31).sees(50.0, 2).sees(2.0, 1).sees(50.0, 2)

    assert [step for _, step, _, _ in village.told()] == [1]


def test_what_comes_back_soon_is_told_again_in_the_same_episode():
    village = Village().sees(50.0, 3).sees(0.3, 11).sees(50.0, 3)

    assert [(episode, step, kind) for episode, step, kind, _ in village.told()] == [
        (1, 1, Kind.TURBIDITY_HIGH),
        (1, 2, Kind.ALL_CLEAR),
        (1, 3, Kind.TURBIDITY_HIGH),
    ]


def test_what_comes_back_the_next_day_is_another_episode():
    village = Village().sees(50.0, 3).sees(0.3, 600).sees(50.0, 3)

    assert [(episode, step) for episode, step, _, _ in village.told()] == [(1, 1), (1, 2), (2, 1)]


def test_a_restart_between_any_two_observations_changes_nothing():
    story = [(2.0, 31), (6.0, 10), (50.0, 5), (0.3, 11), (50.0, 3), (0.3, 30)]
    calm, shaken = Village(), Village()
    for ntu, minutes in story:
        calm.sees(ntu, minutes)
        for _ in range(minutes):
            shaken.restart()
            shaken.sees(ntu, 1)

    assert shaken.told() == calm.told()
    assert shaken.ledger.changes == calm.ledger.changes


def test_the_extreme_of_an_episode_is_its_farthest_value_whatever_step_that_broke():
    village = Village().sees(9.6, 40).sees(12.4, 5).sees(9.7, 3)

    (standing,) = [each for each in village.ledger.standings() if each.key.rule == "graded"]

    assert standing.state.peak == 12.4
