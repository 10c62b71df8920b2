"""When an alert is reason enough to propose an advisory."""

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from alerts.advisories.boiling import suggested
from alerts.advisories.proposing import weigh
from alerts.advisories.record import AdvisoryKind, Cause
from alerts.lifecycle import Phase, State
from alerts.ports import AlertKey, Lane, Standing
from alerts.rules import EventRule, LimitRule, Severity
from alerts.seeds import shipped_rules
from tests.builders import instant

AT = instant("2026-11-20T12:00:00Z")
RULES = {rule.id: rule.to_rule() for rule in shipped_rules()}
TURBIDITY = cast("LimitRule", RULES["turbidity-who-4"])


def standing(
    rule: str = "turbidity-who-4",
    *,
    phase: str = "firing",
    peak: float = 12.4,
    lasted_min: int = 20,
    level: int = 3,
) -> Standing:
    end = AT + timedelta(minutes=lasted_min)
    state = State(Phase(phase), AT, end, AT, peak, end, 8.4, level, (AT,) * level)
    return Standing(AlertKey(rule, "sadakhlo"), state, episode=3, told=True)


def test_a_critical_exceedance_that_lasts_is_evidence() -> None:
    found = weigh(standing(), TURBIDITY).evidence

    assert found is not None
    assert (found.cause, found.episode, found.peak) == (Cause.TURBIDITY, 3, 12.4)
    assert found.limit == TURBIDITY.step_of(3).limit
    assert found.reason == "turbidity 12.4, beyond 10 (tskaro, not verified)"
    assert suggested({found.cause}) is AdvisoryKind.BOIL


@pytest.mark.parametrize(
    ("level", "lasted_min", "is_evidence"),
    [(1, 600, False), (2, 29, False), (2, 30, True), (3, 14, False), (3, 15, True)],
)
def test_turbidity_is_evidence_by_its_step_and_how_long_that_is_broken(
    level: int, lasted_min: int, is_evidence: bool
) -> None:
    found = weigh(standing(level=level, lasted_min=lasted_min, peak=5.0), TURBIDITY).evidence

    assert (found is not None) is is_evidence
    if found is not None:
        assert found.limit == TURBIDITY.step_of(level).limit


def test_it_counts_from_when_the_step_was_broken_and_not_the_episode() -> None:
    state = standing(lasted_min=60).state
    late = replace(state, rising=(AT, AT, AT + timedelta(minutes=50)))

    assert weigh(replace(standing(), state=late), TURBIDITY).why == "it has not been seen for 15 minutes"


@pytest.mark.parametrize("severity", list(Severity))
def test_a_critical_event_is_evidence_of_an_unknown_cause(severity: Severity) -> None:
    found = weigh(standing("event"), EventRule(id="event", severity=severity)).evidence

    assert (found is not None) is (severity is Severity.CRITICAL)
    if found is not None:
        assert (found.cause, found.limit) == (Cause.EVENT, None)
        assert suggested({found.cause}) is AdvisoryKind.DO_NOT_DRINK


@pytest.mark.parametrize("phase", ["normal", "pending", "recovering", "unknown", "resolved"])
def test_what_does_not_fire_now_proposes_nothing(phase: str) -> None:
    assert weigh(standing(phase=phase), RULES["turbidity-who-4"]).why == "it is not firing now"


def test_a_pulse_of_mud_is_an_alert_and_no_reason_for_an_advisory() -> None:
    found = weigh(standing(lasted_min=14), TURBIDITY)

    assert (found.evidence, found.why) == (None, "it has not been seen for 15 minutes")


def test_what_was_found_in_late_data_proposes_nothing() -> None:
    late = replace(standing(), key=AlertKey("turbidity-who-4", "sadakhlo", Lane.LATE))

    assert weigh(late, RULES["turbidity-who-4"]).evidence is None


@pytest.mark.parametrize(("peak", "is_evidence"), [(5.4, True), (5.6, False), (9.4, False), (10.2, True)])
def test_ph_that_only_a_chemical_explains_is_evidence_and_never_for_boiling(
    peak: float, is_evidence: bool
) -> None:
    found = weigh(standing("ph-ge-58", peak=peak, lasted_min=6, level=1), RULES["ph-ge-58"]).evidence

    assert (found is not None) is is_evidence
    if found is not None:
        assert suggested({found.cause}) is AdvisoryKind.DO_NOT_DRINK


def test_a_critical_rule_proposes_whatever_its_ph_and_a_warning_does_not() -> None:
    rule = RULES["ph-ge-58"]
    assert isinstance(rule, LimitRule)
    mild = standing("ph-ge-58", peak=9.2, level=1)

    assert weigh(mild, rule).why == "it is not critical"
    assert weigh(mild, replace(rule, severity=Severity.CRITICAL)).evidence is not None


def test_silence_and_a_rule_that_is_gone_propose_nothing() -> None:
    assert weigh(standing("silence"), RULES["silence"]).evidence is None
    assert weigh(standing("gone"), None).evidence is None
