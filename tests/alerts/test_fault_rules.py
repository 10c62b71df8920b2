"""When a probe is sick, and what ails it."""

import pytest

from alerts.rules import Delays, Fault, Finding, SensorFaultRule, Severity, fault_of
from tests.builders import missing, observation, reading
from waterquality.flags import Flag, Why
from waterquality.parameters import Parameter

RULE = SensorFaultRule(
    id="turbidity-probe", of=Parameter.TURBIDITY, delays=Delays(0, 0), severity=Severity.WARNING
)


def suspect(why, flag=Flag.SUSPECT):
    return reading(value=3.0, flag=flag, why=why)


@pytest.mark.parametrize(
    ("turbidity", "finding", "fault"),
    [
        pytest.param(0.3, Finding.CLEAR, None, id="a good reading"),
        pytest.param(missing(), Finding.BREACH, Fault.UNPLUGGED, id="unplugged"),
        pytest.param(suspect(Why.PROBE_STUCK), Finding.BREACH, Fault.STUCK, id="stuck, says the device"),
        pytest.param(suspect(Why.FLAT_LINE), Finding.BREACH, Fault.STUCK, id="stuck, says the screening"),
        pytest.param(suspect(Why.PROBE_NOISY), Finding.BREACH, Fault.NOISY, id="noisy"),
        pytest.param(
            missing(Why.PROBE_SATURATED, Flag.FAIL), Finding.BREACH, Fault.BEYOND, id="beyond its range"
        ),
        pytest.param(missing(Why.PROBE_FAULT, Flag.FAIL), Finding.BREACH, Fault.FAILING, id="anything else"),
        pytest.param(suspect(Why.SPIKE), Finding.CLEAR, None, id="a spike is the water's"),
        pytest.param(suspect(Why.UNUSUAL_VALUE), Finding.CLEAR, None, id="so is an unusual value"),
        pytest.param(suspect(Why.FIRST_FLUSH), None, None, id="first flush says nothing of the probe"),
        pytest.param(suspect(Why.STAGNANT_SAMPLE), None, None, id="nor does standing water"),
        pytest.param(suspect(Why.PROBES_DISTURBED), None, None, id="nor another probe's trouble"),
        pytest.param(missing(Why.PROBE_SERVICED), None, None, id="somebody is at work on it"),
        pytest.param(suspect(Why.NONE, Flag.UNKNOWN), None, None, id="nobody has screened it"),
        pytest.param(None, None, None, id="not measured just now"),
    ],
)
def test_what_makes_a_probe_sick(turbidity, finding, fault):
    verdict = RULE.evaluate(observation(turbidity=turbidity))

    assert (None if verdict is None else verdict.finding) == finding
    if fault is not None:
        assert fault_of(verdict.reason) is fault
