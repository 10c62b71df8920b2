"""Which samples become observations: news at once, quiet water on schedule, and never a silence too long."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.budget import Thrift
from edge.clock import Instant
from edge.reporting import Due, Rates, Reporting, Sense, reporting_of, sense_of
from edge.schedule import Dues, Every
from firmware_config.device import DeviceConfig
from waterquality.flags import NOT_SCREENED, Flag, Screened, Why
from waterquality.limits import Capability, Limit, Method
from waterquality.parameters import Parameter
from waterquality.readings import Reading

LIMIT = Limit(Parameter.PH, 6.0, 9.0, "who")
SENSE = Sense(deadband=0.1, limits=(LIMIT,), near=0.2)
NOISY = Screened(Flag.SUSPECT, Why.PROBE_NOISY)
STUCK = Screened(Flag.SUSPECT, Why.PROBE_STUCK)
GONE = Screened(Flag.MISSING, Why.PROBE_DISCONNECTED)
RATES = Rates(observe_every_s=60.0, longest_silence_s=600.0, is_adaptive=True)
EVERY = Rates(observe_every_s=60.0, longest_silence_s=600.0)


@dataclass(frozen=True)
class Sample:
    """One sample of pH, and what became of it."""

    at_s: float
    value: float | None
    screened: Screened = NOT_SCREENED
    due: Due = Due.NOT_YET

    @property
    def is_beyond(self) -> bool:
        return self.value is not None and not 6.0 <= self.value <= 9.0


def run(
    values: Sequence[float | tuple[float | None, Screened]],
    *,
    rates: Rates = RATES,
    thrift: Thrift = Thrift.EASE,
    late_ms: Sequence[int] = (0,),
    every_s: float = 1.0,
) -> list[Sample]:
    """Every sample of a run, ticks coming so many milliseconds late."""
    reporting = Reporting(rates, {Parameter.PH: SENSE}, thrift=lambda: thrift)
    ticks = Dues(Every(rates.observe_every_s or every_s))
    samples = []
    for tick, given_ in enumerate(values):
        value, screened = given_ if isinstance(given_, tuple) else (given_, NOT_SCREENED)
        at_ms = round(tick * every_s * 1000) + late_ms[tick % len(late_ms)]
        instant = Instant(1_763_900_040_000 + at_ms, at_ms, "boot-1", is_synchronised=True)
        readings = [Reading(Parameter.PH, value, screened=screened)]
        due = reporting.wants(instant, readings, is_tick=ticks.has_come(instant.wall))
        if due:
            reporting.reported(instant, readings)
        samples.append(Sample(at_ms / 1000, value, screened, due))
    return samples


def reported(samples: Sequence[Sample]) -> list[tuple[int, Due]]:
    return [(round(each.at_s), each.due) for each in samples if each.due]


def test_quiet_water_is_reported_on_schedule_and_at_no_other_time() -> None:
    assert reported(run([7.4] * 1801)) == [
        (0, Due.SCHEDULE),
        (600, Due.SCHEDULE),
        (1200, Due.SCHEDULE),
        (1800, Due.SCHEDULE),
    ]


def test_a_device_that_reports_every_observation_does_so_whatever_the_water_does() -> None:
    assert [at for at, _ in reported(run([7.4] * 301, rates=EVERY))] == [0, 60, 120, 180, 240, 300]


def test_where_each_sample_is_an_observation_all_are_reported() -> None:
    assert all(sample.due for sample in run([7.4] * 20, rates=EVERY, every_s=60.0, late_ms=(0, 999, 3)))
    assert all(sample.due for sample in run([7.4] * 20, rates=Rates()))


def test_what_is_no_news_of_worse_waits_for_the_tick_that_resting_probes_are_woken_for() -> None:
    ran = run([7.4] * 17 + [9.5] * 20 + [7.4] * 150, rates=EVERY, late_ms=(3,))

    assert reported(ran) == [
        (0, Due.SCHEDULE),
        (17, Due.EXCEEDANCE),
        (60, Due.SCHEDULE),
        (120, Due.SCHEDULE),
        (180, Due.SCHEDULE),
    ]


def test_between_two_ticks_nothing_is_reported_but_an_exceedance() -> None:
    for value, due in ((7.4, Due.NOT_YET), (9.5, Due.EXCEEDANCE)):
        reporting = Reporting(EVERY, {Parameter.PH: SENSE})
        instant = Instant(1_763_900_057_000, 5_000, "boot-1", is_synchronised=True)
        assert reporting.wants(instant, [Reading(Parameter.PH, value)], is_tick=False) is due


def test_a_probe_that_rests_between_observations_is_neither_gone_nor_back() -> None:
    reporting = Reporting(RATES, {Parameter.PH: SENSE})
    rows = [[Reading(Parameter.PH, 7.4), Reading(Parameter.FLOW, 1.0)]] + [[Reading(Parameter.FLOW, 1.0)]] * 5
    dues = []
    for second, row in enumerate([*rows, rows[0]]):
        instant = Instant(1_763_900_040_000 + second * 1000, second * 1000, "boot-1", is_synchronised=True)
        dues.append(reporting.wants(instant, row))
        if dues[-1]:
            reporting.reported(instant, row)

    assert dues == [Due.SCHEDULE] + [Due.NOT_YET] * 6


def test_whoever_asks_is_shown_every_sample_and_at_once() -> None:
    reporting = Reporting(RATES, {Parameter.PH: SENSE}, is_asked=lambda now: now.boottime_ms < 3000)
    dues = []
    for second in range(6):
        instant = Instant(1_763_900_040_000 + second * 1000, second * 1000, "boot-1", is_synchronised=True)
        dues.append(reporting.wants(instant, [Reading(Parameter.PH, 7.4)]))
        if dues[-1]:
            reporting.reported(instant, [Reading(Parameter.PH, 7.4)])

    assert dues == [Due.ASKED] * 3 + [Due.NOT_YET] * 3
    assert Due.ASKED.is_urgent


def test_where_every_probe_rests_there_is_nothing_to_report_even_to_whoever_asks() -> None:
    reporting = Reporting(RATES, {Parameter.PH: SENSE}, is_asked=lambda _: True)
    now = Instant(1_763_900_040_500, 500, "boot-1", is_synchronised=True)

    assert not reporting.wants(now, (), is_tick=False)
    assert not reporting.wants(now, ())


def test_a_change_beyond_the_deadband_is_reported_at_full_rate() -> None:
    assert reported(run([7.4] * 10 + [7.55] * 300)) == [(0, Due.SCHEDULE), (60, Due.CHANGE)]


def test_a_slow_drift_is_reported_each_time_it_has_gone_a_deadband() -> None:
    drift = [7.0 + 0.00051 * second for second in range(600)]  # a deadband in 196 s

    assert reported(run(drift))[:3] == [(0, Due.SCHEDULE), (240, Due.CHANGE), (480, Due.CHANGE)]


@pytest.mark.parametrize("thrift", Thrift)
@pytest.mark.parametrize("rates", [RATES, EVERY], ids=["adaptive", "every"])
def test_a_value_beyond_a_limit_goes_at_once_and_at_full_rate_until_it_is_back(
    thrift: Thrift, rates: Rates
) -> None:
    ran = run([7.4] * 7 + [9.3] * 120 + [7.4] * 60, thrift=thrift, rates=rates)

    assert reported(ran)[1] == (7, Due.EXCEEDANCE)
    assert [at for at, _ in reported(ran)] == [0, 7, 60, 120, 180]
    assert ran[180].value == 7.4  # that it is back, the soonest there is


def test_a_second_limit_passed_is_news_at_once() -> None:
    stricter = Limit(Parameter.PH, None, 9.5, "national")
    reporting = Reporting(RATES, {Parameter.PH: Sense(deadband=5.0, limits=(LIMIT, stricter))})
    dues = []
    for second, value in enumerate([7.4, 9.2, 9.3, 9.6, 9.7]):
        instant = Instant(second * 1000, second * 1000, "boot-1", is_synchronised=True)
        dues.append(reporting.wants(instant, [Reading(Parameter.PH, value)], is_tick=second == 0))
        if dues[-1]:
            reporting.reported(instant, [Reading(Parameter.PH, value)])

    assert dues == [Due.SCHEDULE, Due.EXCEEDANCE, Due.NOT_YET, Due.EXCEEDANCE, Due.NOT_YET]


def test_near_a_limit_the_rate_is_full_until_the_budget_is_spent() -> None:
    near = [8.9] * 181

    assert [at for at, _ in reported(run(near))] == [0, 60, 120, 180]
    assert [at for at, _ in reported(run(near, thrift=Thrift.TIGHT))] == [0, 60, 120, 180]
    assert [at for at, _ in reported(run(near, thrift=Thrift.SPENT))] == [0]


@pytest.mark.parametrize("thrift", Thrift)
@pytest.mark.parametrize(
    ("before", "after", "at"),
    [
        ((7.4, NOT_SCREENED), (7.4, NOISY), 5),
        ((7.4, NOISY), (None, GONE), 5),
        ((7.4, NOISY), (7.4, STUCK), 60),
        ((None, GONE), (7.4, NOT_SCREENED), 60),
    ],
    ids=["doubted", "gone", "doubted for another reason", "back"],
)
def test_a_flag_that_got_worse_goes_at_once_and_any_other_news_of_flags_at_full_rate(
    before: tuple[float, Screened], after: tuple[float, Screened], at: int, thrift: Thrift
) -> None:
    (_, (told, due)) = reported(run([before] * 5 + [after] * 100, thrift=thrift))

    assert told == at
    assert due is (Due.FLAG if at == 5 else Due.CHANGE)


def test_a_flag_that_flaps_every_second_costs_two_reports_a_minute_at_most() -> None:
    flapping = [(7.4, NOISY if second % 2 else NOT_SCREENED) for second in range(600)]

    assert len(reported(run(flapping))) <= 1 + 2 * 10


def test_another_certificate_is_news() -> None:
    reporting = Reporting(RATES)
    first, later = (Instant(ms, ms, "boot-1", is_synchronised=True) for ms in (60_000, 120_000))
    reporting.reported(first, [Reading(Parameter.PH, 7.4, certificate="a")])

    assert reporting.wants(later, [Reading(Parameter.PH, 7.4, certificate="a")]) is Due.NOT_YET
    assert reporting.wants(later, [Reading(Parameter.PH, 7.4, certificate="b")]) is Due.CHANGE


def test_what_was_not_kept_counts_as_not_reported() -> None:
    reporting = Reporting(RATES, {Parameter.PH: SENSE})
    now = Instant(0, 0, "boot-1", is_synchronised=True)

    assert reporting.wants(now, [Reading(Parameter.PH, 9.5)]) is Due.EXCEEDANCE
    assert reporting.wants(now, [Reading(Parameter.PH, 9.5)]) is Due.EXCEEDANCE


def test_a_tight_budget_makes_every_device_adaptive_and_a_spent_one_passes_changes_over() -> None:
    quiet, changing = [7.4] * 601, [7.4] * 30 + [7.8] * 571

    assert [at for at, _ in reported(run(quiet, rates=EVERY, thrift=Thrift.TIGHT))] == [0, 600]
    assert [at for at, _ in reported(run(changing, rates=EVERY, thrift=Thrift.TIGHT))] == [0, 60]
    assert [at for at, _ in reported(run(changing, rates=EVERY, thrift=Thrift.SPENT))] == [0, 600]


def test_what_counts_as_news_follows_from_the_datasheet_unless_it_is_said() -> None:
    probe = Capability(Parameter.PH, Method.POTENTIOMETRIC, (0, 14), 0.0, 0.1, 0.02)

    assert sense_of(probe, 0.02, limits=(LIMIT,)) == Sense(
        deadband=0.05, deadband_share=0.01, limits=(LIMIT,), near=pytest.approx(0.28)
    )
    assert sense_of(probe, 0.2).deadband == 0.2  # no finer than a step
    assert sense_of(probe, 0.02, deadband=0.0, near=1.0) == Sense(deadband=0.0, near=1.0)


def configured(reporting: dict[str, object]) -> DeviceConfig:
    return DeviceConfig.model_validate(
        {
            "schema_version": 1,
            "device": "kk-0001",
            "reporting": {"mode": "adaptive", "longest_silence_s": 120.0, **reporting},
            "probes": [
                {
                    "parameter": "flow",
                    "model": "yf-s201",
                    "input": {"pin": 17, "pulses_per_litre": 450.0},
                    "limits": [{"at": 15.0, "side": "above"}],
                }
            ],
        }
    )


@pytest.mark.parametrize(
    ("reporting", "flow", "volume", "due"),
    [
        ({}, 10.4, 9.0, Due.NOT_YET),  # within half of 10 %; a volume alone is no news
        ({}, 10.6, 1.0, Due.CHANGE),
        ({"deadbands": {"flow": 0.1}}, 10.2, 1.0, Due.CHANGE),
        ({"deadbands": {"volume": 0.5}}, 10.0, 1.6, Due.CHANGE),
        ({}, 15.5, 1.0, Due.EXCEEDANCE),
        ({"near_limits": {"flow": 4.9}, "deadbands": {"flow": 9}}, 10.2, 1.0, Due.NEAR_LIMIT),
    ],
)
def test_a_device_is_told_by_its_configuration_what_news_is(
    reporting: dict[str, object], flow: float, volume: float, due: Due
) -> None:
    deciding = reporting_of(configured(reporting), thrift=lambda: Thrift.EASE)
    first, later = (Instant(ms, ms, "boot-1", is_synchronised=True) for ms in (60_000, 120_000))
    deciding.wants(first, [])
    deciding.reported(first, [Reading(Parameter.FLOW, 10.0), Reading(Parameter.VOLUME, 1.0)])

    assert deciding.wants(later, [Reading(Parameter.FLOW, flow), Reading(Parameter.VOLUME, volume)]) is due


_value = st.floats(5.0, 10.0) | st.sampled_from([5.99, 6.0, 9.0, 9.01])
_sample = st.tuples(_value, st.sampled_from([NOT_SCREENED, NOISY, STUCK])) | st.just((None, GONE))
_samples = st.lists(st.tuples(_sample, st.integers(1, 70)), min_size=1, max_size=8).map(
    lambda runs: [sample for sample, times in runs for _ in range(times)]
)
_rates = st.builds(
    Rates,
    observe_every_s=st.sampled_from([7.0, 30.0, 60.0, 90.0]),
    longest_silence_s=st.sampled_from([60.0, 100.0, 600.0]),
    is_adaptive=st.booleans(),
)
_lateness = st.lists(st.integers(0, 30), min_size=1, max_size=5)
_every_s = st.sampled_from([0.5, 1.0, 7.0, 60.0])


def full_rate_s(rates: Rates, every_s: float) -> float:
    """A tick may fall between two samples: the later one has it."""
    return rates.observe_every_s + every_s


@given(_samples, _rates, st.sampled_from(Thrift), _lateness, _every_s)
def test_an_exceedance_is_never_passed_over(
    values: list[tuple[float, Screened]], rates: Rates, thrift: Thrift, late_ms: list[int], every_s: float
) -> None:
    """Whoever is beyond the limit was reported to be so, at once or within one full-rate period before."""
    told: Sample | None = None
    for sample in run(values, rates=rates, thrift=thrift, late_ms=late_ms, every_s=every_s):
        told = sample if sample.due else told
        if sample.is_beyond:
            assert told is not None
            assert told.is_beyond
            assert sample.at_s - told.at_s < full_rate_s(rates, every_s) + 0.1


@given(_samples, _rates, st.sampled_from(Thrift), _lateness, _every_s)
def test_no_silence_is_longer_than_the_longest(
    values: list[tuple[float, Screened]], rates: Rates, thrift: Thrift, late_ms: list[int], every_s: float
) -> None:
    samples = run(values, rates=rates, thrift=thrift, late_ms=late_ms, every_s=every_s)
    longest_s = max(rates.longest_silence_s, full_rate_s(rates, every_s)) + every_s
    told_s = [0.0, *(sample.at_s for sample in samples if sample.due), samples[-1].at_s]

    assert all(later - sooner <= longest_s + 1.1 for sooner, later in pairwise(told_s))


@given(
    st.lists(st.floats(6.3, 8.7), min_size=1, max_size=1),
    st.integers(1, 700),
    _rates,
    st.sampled_from(Thrift),
    st.tuples(_lateness, _every_s),
)
def test_a_constant_signal_is_reported_on_schedule_alone(
    signal: list[float], count: int, rates: Rates, thrift: Thrift, ticks: tuple[list[int], float]
) -> None:
    late_ms, every_s = ticks
    samples = run(signal * count, rates=rates, thrift=thrift, late_ms=late_ms, every_s=every_s)

    assert {sample.due for sample in samples} <= {Due.SCHEDULE, Due.NOT_YET}
    soonest_s = rates.silence_s(thrift) - max(rates.observe_every_s, every_s)
    told_s = [sample.at_s for sample in samples if sample.due]
    assert all(later - sooner > soonest_s - 0.1 for sooner, later in pairwise(told_s))


@given(_samples, _rates, _lateness, _every_s)
def test_with_the_budget_spent_events_go_as_they_always_do(
    values: list[tuple[float, Screened]], rates: Rates, late_ms: list[int], every_s: float
) -> None:
    """A value that gets beyond a limit, or a flag worse than the last one told, is reported at that very sample."""
    told: Sample | None = None
    for sample in run(values, rates=rates, thrift=Thrift.SPENT, late_ms=late_ms, every_s=every_s):
        is_event = sample.is_beyond and not (told and told.is_beyond)
        is_event |= told is not None and sample.screened.flag > told.screened.flag
        assert sample.due or not is_event
        told = sample if sample.due else told
