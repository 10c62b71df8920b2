import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.probes.phases import Phase, Timing
from firmware_config.wiring import SLACK_S

TIMING = Timing(warm_up_s=10.0, settling_s=60.0)


@pytest.mark.parametrize(
    ("powered_s", "phase"),
    [
        pytest.param(None, Phase.REST, id="without power"),
        pytest.param(0.0, Phase.WARM_UP, id="power has just come on"),
        pytest.param(9.999, Phase.WARM_UP, id="not yet warm"),
        pytest.param(10.0, Phase.SETTLE, id="warm"),
        pytest.param(69.999, Phase.SETTLE, id="not yet settled"),
        pytest.param(70.0, Phase.MEASURE, id="settled"),
        pytest.param(1e9, Phase.MEASURE, id="powered for thirty years"),
    ],
)
def test_the_phase_follows_from_how_long_there_was_power(powered_s, phase):
    assert TIMING.phase_after(powered_s) is phase


@pytest.mark.parametrize(
    ("until_due_s", "needs"),
    [(None, False), (3600.0, False), (72.01, False), (70.0 + SLACK_S, True), (0.001, True)],
)
def test_power_is_needed_from_the_lead_on(until_due_s, needs):
    assert TIMING.needs_power(until_due_s) is needs


def test_a_probe_that_needs_neither_measures_as_soon_as_it_has_power():
    assert Timing(warm_up_s=0.0, settling_s=0.0).phase_after(0.0) is Phase.MEASURE


@given(st.floats(0, 1e4), st.floats(0, 1e4), st.lists(st.floats(0, 1e5), min_size=2))
def test_phases_come_in_their_order_and_none_comes_twice(warm_up_s, settling_s, times):
    timing, order = Timing(warm_up_s=warm_up_s, settling_s=settling_s), list(Phase)
    seen = [order.index(timing.phase_after(powered_s)) for powered_s in sorted(times)]

    assert seen == sorted(seen)
    assert all((timing.phase_after(each) is Phase.MEASURE) == (each >= timing.lead_s) for each in times)
