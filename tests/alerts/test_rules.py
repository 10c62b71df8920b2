"""What a rule finds at one instant, and what it says of it."""

from datetime import UTC, datetime, timedelta

import pytest

from alerts.rules import (
    Delays,
    Finding,
    LimitRule,
    NoDataRule,
    Role,
    Severity,
    Verdict,
)
from tests.builders import missing, observation, reading
from waterquality.flags import Flag, Why
from waterquality.limits import Limit
from waterquality.parameters import Parameter

T = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


def limit_rule(parameter="turbidity", low=None, high=None, deadband=0.0):
    limit = Limit(Parameter(parameter), low, high, "who-2017")
    return LimitRule(
        id="a-rule", limit=limit, delays=Delays(180, 900), deadband=deadband, severity=Severity.CRITICAL
    )


CLOUDY = limit_rule(high=5, deadband=0.5)
PH = limit_rule("ph", low=6.5, high=8.5, deadband=0.1)
SILENCE = NoDataRule(id="silence", after_s=1800, severity=Severity.WARNING)


@pytest.mark.parametrize("value", [12.4, 0.3], ids=["beyond the limit", "within it"])
@pytest.mark.parametrize("why", [Why.STAGNANT_SAMPLE, Why.FIRST_FLUSH])
def test_water_that_is_not_the_networks_neither_accuses_nor_clears(why, value):
    doubted = reading(Parameter.TURBIDITY, value, flag=Flag.SUSPECT, why=why)

    assert CLOUDY.evaluate(observation(turbidity=doubted)).finding is Finding.UNKNOWN


@pytest.mark.parametrize(
    "why",
    [
        Why.PROBE_STUCK,
        Why.PROBE_NOISY,
        Why.PROBE_SERVICED,
        Why.TEMPERATURE_OUT_OF_RANGE,
        Why.FLAT_LINE,
        Why.ATTENUATED_SIGNAL,
        Why.PROBES_DISTURBED,
    ],
)
def test_a_probe_that_doubts_itself_accuses_nobody(why):
    doubted = reading(Parameter.TURBIDITY, 12.4, flag=Flag.SUSPECT, why=why)

    assert CLOUDY.evaluate(observation(turbidity=doubted)).finding is Finding.UNKNOWN


@pytest.mark.parametrize(
    ("value", "finding"),
    [
        pytest.param(12.4, Finding.BREACH, id="muddy water is no sick probe"),
        pytest.param(0.3, Finding.UNKNOWN, id="what is doubted clears nothing"),
    ],
)
def test_water_unusual_for_the_month_accuses_and_never_clears(value, finding):
    doubted = reading(Parameter.TURBIDITY, value, flag=Flag.SUSPECT, why=Why.UNUSUAL_FOR_THE_MONTH)

    assert CLOUDY.evaluate(observation(turbidity=doubted)).finding is finding


@pytest.mark.parametrize(
    ("rule", "value", "finding", "bound"),
    [
        pytest.param(CLOUDY, 12.4, Finding.BREACH, 5, id="above the limit"),
        pytest.param(CLOUDY, 5.0001, Finding.BREACH, 5, id="only just above"),
        pytest.param(CLOUDY, 5.0, Finding.HOLDING, None, id="on the limit"),
        pytest.param(CLOUDY, 4.6, Finding.HOLDING, None, id="inside by less than the deadband"),
        pytest.param(CLOUDY, 4.5, Finding.CLEAR, None, id="inside by the deadband"),
        pytest.param(CLOUDY, 0.0, Finding.CLEAR, None, id="nought is a value"),
        pytest.param(PH, 9.1, Finding.BREACH, 8.5, id="above a range"),
        pytest.param(PH, 5.2, Finding.BREACH, 6.5, id="below a range"),
        pytest.param(PH, 8.45, Finding.HOLDING, None, id="near the upper bound"),
        pytest.param(PH, 6.55, Finding.HOLDING, None, id="near the lower bound"),
        pytest.param(PH, 6.5, Finding.HOLDING, None, id="on the lower bound"),
        pytest.param(PH, 7.4, Finding.CLEAR, None, id="within a range"),
        pytest.param(limit_rule(high=5), 5.0, Finding.CLEAR, None, id="on the limit, without a deadband"),
        pytest.param(limit_rule(low=2), 1.9, Finding.BREACH, 2, id="below the only bound"),
        pytest.param(limit_rule(low=2), 1e6, Finding.CLEAR, None, id="far above the only lower bound"),
    ],
)
def test_a_value_is_found_to(rule, value, finding, bound):
    verdict = rule.evaluate(observation(**{rule.parameter.value: value}))

    assert (verdict.finding, verdict.value, verdict.bound) == (finding, value, bound)
    assert verdict.reason


@pytest.mark.parametrize(
    ("turbidity", "reason"),
    [
        pytest.param(missing(), "turbidity is probe_disconnected", id="the probe gave nothing"),
        pytest.param(missing(Why.NONE), "turbidity is missing", id="nothing, and no reason"),
        pytest.param(
            reading(value=0.1, flag=Flag.FAIL, why=Why.PROBE_SATURATED),
            "turbidity is probe_saturated",
            id="a saturated probe that reads low",
        ),
        pytest.param(
            reading(value=99.0, flag=Flag.FAIL, why=Why.OUT_OF_RANGE),
            "turbidity is out_of_range",
            id="a failed reading beyond the limit",
        ),
        pytest.param(
            reading(value=0.1, flag=Flag.UNKNOWN), "turbidity is unknown", id="a reading nobody screened"
        ),
    ],
)
def test_a_reading_that_cannot_be_used_is_unknown_and_never_clear(turbidity, reason):
    is_blind = turbidity.screened.why is Why.PROBE_SATURATED
    assert CLOUDY.evaluate(observation(turbidity=turbidity)) == Verdict(
        Finding.UNKNOWN, reason=reason, is_blind=is_blind
    )


def test_a_suspect_reading_beyond_the_limit_is_a_breach():
    suspect = reading(value=400.0, flag=Flag.SUSPECT, why=Why.UNUSUAL_VALUE)

    assert CLOUDY.evaluate(observation(turbidity=suspect)).finding is Finding.BREACH


def test_an_observation_without_the_parameter_says_nothing_of_it():
    assert CLOUDY.evaluate(observation(turbidity=None, ph=9.9)) is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (12.4, "12.4 above 5"),
        (4.75, "4.75 inside the limit, but not by the deadband"),
        (0.31, "0.31 within the limit"),
    ],
)
def test_a_verdict_gives_its_reason(value, reason):
    assert CLOUDY.evaluate(observation(turbidity=value)).reason == reason


@pytest.mark.parametrize(
    ("silent_s", "finding"),
    [
        pytest.param(0, Finding.CLEAR, id="just heard"),
        pytest.param(1800, Finding.CLEAR, id="to the second"),
        pytest.param(1800.001, Finding.BREACH, id="a moment longer"),
        pytest.param(-60, Finding.CLEAR, id="heard from after we listened last"),
    ],
)
def test_silence_is_a_breach_only_after_the_longest_normal_one(silent_s, finding):
    verdict = SILENCE.evaluate(T, T + timedelta(seconds=silent_s))

    assert (verdict.finding, verdict.value) == (finding, silent_s)


def test_silence_has_been_waited_for_and_ends_at_once():
    assert SILENCE.delays == Delays(0, 0)


def test_water_concerns_those_who_act_on_it_and_silence_the_technician():
    assert CLOUDY.audience == {Role.CSO, Role.MUNICIPALITY}
    assert SILENCE.audience == {Role.TECHNICIAN}
