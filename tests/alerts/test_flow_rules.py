"""When water is due, and what is found when it does not come, or never stops."""

from datetime import timedelta

import pytest

from alerts.memory import MemoryLedger
from alerts.ports import Kind
from alerts.rules import Delays, Finding, NightFlowRule, NoFlowRule, RateRule, Severity
from alerts.supply import Supply
from alerts.watch import Sighting, Watch
from tests.builders import instant, missing, observation, reading
from tests.fakes.town import Town
from waterquality.flags import Flag, Why
from waterquality.parameters import Parameter

SUPPLY = Supply.parse("mon-fri 06:00-09:00 18:00-22:00; sat,sun 22:00-02:00")
NO_FLOW = NoFlowRule(id="no-flow", least=0.0, delays=Delays(0, 0), severity=Severity.WARNING, supply=SUPPLY)
LEAK = NightFlowRule(
    id="leak",
    most=0.5,
    night=(timedelta(hours=1), timedelta(hours=5)),
    delays=Delays(0, 0),
    severity=Severity.WARNING,
)


@pytest.mark.parametrize(
    ("at", "is_due"),
    [
        pytest.param("2026-11-20T06:00+04:00", True, id="Friday, to the minute"),
        pytest.param("2026-11-20T05:59+04:00", False, id="a minute before"),
        pytest.param("2026-11-20T09:00+04:00", False, id="the end is not in it"),
        pytest.param("2026-11-20T03:00Z", True, id="hours are those of Tbilisi"),
        pytest.param("2026-11-21T07:00+04:00", False, id="Saturday has other hours"),
        pytest.param("2026-11-22T01:59+04:00", True, id="past midnight belongs to Saturday"),
        pytest.param("2026-11-23T01:30+04:00", True, id="Sunday night goes on into Monday"),
        pytest.param("2026-11-24T01:30+04:00", False, id="and no farther"),
    ],
)
def test_water_is_due_by_the_calendar(at, is_due):
    assert SUPPLY.is_due(instant(at)) is is_due


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no hours"),
        ("mon-fri", "names no hours"),
        ("mon-fri 6-9", "are no hours"),
        ("noday 06:00-09:00", "is no day"),
        ("mon 06:00-06:00", "are no hours"),
        ("mon 06:00-24:30", "are no hours"),
    ],
)
def test_what_is_no_calendar_is_refused_with_an_example(text, says):
    with pytest.raises(ValueError, match=says) as refused:
        Supply.parse(text)
    assert "mon-fri 06:00-09:00 18:00-22:00" in str(refused.value)


def test_a_calendar_is_read_back_as_it_was_written():
    assert Supply.parse(str(SUPPLY)) == SUPPLY
    assert SUPPLY.hours_a_week() == 5 * 7 + 2 * 4
    assert Supply.parse("Always ").hours_a_week() == 168


DUE, NOT_DUE = instant("2026-11-20T07:00+04:00"), instant("2026-11-20T12:00+04:00")


@pytest.mark.parametrize(
    ("at", "flow", "finding"),
    [
        pytest.param(DUE, 0.0, Finding.BREACH, id="none while it is due"),
        pytest.param(DUE, 3.0, Finding.CLEAR, id="some while it is due"),
        pytest.param(NOT_DUE, 0.0, None, id="none while none is due says nothing"),
        pytest.param(NOT_DUE, 3.0, Finding.CLEAR, id="water is water"),
        pytest.param(DUE, missing(), Finding.UNKNOWN, id="no meter"),
        pytest.param(
            DUE,
            reading(value=0.0, flag=Flag.SUSPECT, why=Why.PROBE_STUCK),
            Finding.UNKNOWN,
            id="a stuck meter",
        ),
        pytest.param(DUE, None, None, id="no flow in the observation"),
    ],
)
def test_no_flow_is_judged_only_while_water_is_due(at, flow, finding):
    verdict = NO_FLOW.evaluate(observation(at=at, flow=flow))

    assert (None if verdict is None else verdict.finding) == finding


@pytest.mark.parametrize(
    ("clock", "flow", "finding"),
    [
        ("02:00", 4.0, Finding.BREACH),
        ("02:00", 0.2, Finding.CLEAR),
        ("02:00", missing(), Finding.UNKNOWN),
        ("12:00", 4.0, None),
        ("05:00", 4.0, None),
    ],
)
def test_water_that_never_pauses_at_night_is_a_leak(clock, flow, finding):
    verdict = LEAK.evaluate(observation(at=instant(f"2026-11-20T{clock}+04:00"), flow=flow))

    assert (None if verdict is None else verdict.finding) == finding


def test_a_change_is_measured_against_the_lowest_and_the_highest_of_the_window():
    rule = RateRule(
        id="fast",
        of=Parameter.PH,
        rise=None,
        fall=0.5,
        within_s=1200,
        delays=Delays(0, 0),
        severity=Severity.WARNING,
    )
    trail, start = rule.begun(), instant("2026-11-20T06:00Z")

    def found(minute, ph):
        verdict = rule.evaluate(observation(at=start + timedelta(minutes=minute), ph=ph), trail)
        return verdict.finding, verdict.reason

    assert found(0, 7.4)[0] is Finding.CLEAR
    assert found(5, 7.2)[0] is Finding.CLEAR
    assert found(8, 6.8) == (Finding.BREACH, "fell by 0.6 within 20 minutes")
    assert found(9, reading("ph", 3.0, flag=Flag.SUSPECT, why=Why.PROBE_NOISY))[0] is Finding.UNKNOWN
    assert found(40, 6.8)[0] is Finding.CLEAR  # an old level is no fast change
    assert found(41, 7.9)[0] is Finding.CLEAR  # rises are not its business


def test_a_restart_in_a_rise_does_not_hide_it():
    rule = RateRule(
        id="fast",
        of=Parameter.PH,
        rise=None,
        fall=0.5,
        within_s=1200,
        delays=Delays(0, 0),
        severity=Severity.WARNING,
    )
    start = instant("2026-11-20T06:00Z")
    seen = [observation(seq=n, at=start + timedelta(minutes=n), ph=7.4 - 0.1 * n) for n in range(7)]
    ledger = MemoryLedger()
    for each in seen:
        stored = seen[: each.seq]

        def past(_point, _device, since, until, stored=stored):
            return [one for one in stored if since <= one.taken_ms < until]

        watch = Watch(ledger, Town(all_rules=(rule,)), past=past)
        watch.judge([Sighting("algeti-3", each, each.taken_at)], each.taken_at)

    assert {one.owed.kind for one in ledger.notifications} == {Kind.CHANGED_FAST}
