"""When an alert is reason enough to propose an advisory."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.advisories.boiling import suggested
from alerts.advisories.proposing import weigh
from alerts.advisories.record import AdvisoryKind, Cause
from alerts.lifecycle import Phase, State
from alerts.ports import AlertKey, Lane, Standing
from alerts.rules import LimitRule, Severity
from alerts.seeds import shipped_rules
from tests.builders import instant

AT = instant("2026-11-20T12:00:00Z")
RULES = {rule.id: rule.to_rule() for rule in shipped_rules()}


def standing(
    rule: str = "turbidity-who-4", *, phase: str = "firing", peak: float = 12.4, lasted_min: int = 20
):
    end = AT + timedelta(minutes=lasted_min)
    state = State(Phase(phase), AT, end, AT, peak, end, 8.4, level=2 if rule.startswith("turbidity") else 1)
    return Standing(AlertKey(rule, "sadakhlo"), state, episode=3, told=True)


def test_a_critical_exceedance_that_lasts_is_evidence() -> None:
    found = weigh(standing(), RULES["turbidity-who-4"]).evidence

    assert found is not None
    assert (found.cause, found.episode, found.peak) == (Cause.TURBIDITY, 3, 12.4)
    assert found.limit is not None
    assert found.limit.authority == "who-2017"
    assert found.reason == "turbidity 12.4, beyond 4 (who-2017, not verified)"
    assert suggested({found.cause}) is AdvisoryKind.BOIL


@pytest.mark.parametrize("phase", ["normal", "pending", "recovering", "unknown", "resolved"])
def test_what_does_not_fire_now_proposes_nothing(phase: str) -> None:
    assert weigh(standing(phase=phase), RULES["turbidity-who-4"]).why == "it is not firing now"


def test_a_pulse_of_mud_is_an_alert_and_no_reason_for_an_advisory() -> None:
    found = weigh(standing(lasted_min=14), RULES["turbidity-who-4"])

    assert (found.evidence, found.why) == (None, "it has not been seen over a quarter of an hour")


def test_what_was_found_in_late_data_proposes_nothing() -> None:
    late = replace(standing(), key=AlertKey("turbidity-who-4", "sadakhlo", Lane.LATE))

    assert weigh(late, RULES["turbidity-who-4"]).evidence is None


@pytest.mark.parametrize(("peak", "is_evidence"), [(5.4, True), (5.6, False), (9.4, False), (10.2, True)])
def test_ph_that_only_a_chemical_explains_is_evidence_and_never_for_boiling(
    peak: float, is_evidence: bool
) -> None:
    found = weigh(standing("ph-ge-58", peak=peak, lasted_min=6), RULES["ph-ge-58"]).evidence

    assert (found is not None) is is_evidence
    if found is not None:
        assert suggested({found.cause}) is AdvisoryKind.DO_NOT_DRINK


def test_a_critical_rule_proposes_whatever_its_ph_and_a_warning_does_not() -> None:
    rule = RULES["ph-ge-58"]
    assert isinstance(rule, LimitRule)
    mild = standing("ph-ge-58", peak=9.2)

    assert weigh(mild, rule).why == "it is not critical"
    assert weigh(mild, replace(rule, severity=Severity.CRITICAL)).evidence is not None


def test_silence_and_a_rule_that_is_gone_propose_nothing() -> None:
    assert weigh(standing("silence"), RULES["silence"]).evidence is None
    assert weigh(standing("gone"), None).evidence is None
