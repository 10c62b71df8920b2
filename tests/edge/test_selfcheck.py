"""What a device doubts of its own readings: each doubt when it is due, and none that is not."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import Instant
from edge.selfcheck import SelfChecks, checks_of
from edge.selfcheck_nought import NoughtFile
from firmware_config.device import DeviceConfig
from firmware_config.parts import ProbeConfig
from waterquality.flags import NOT_SCREENED, Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.readings import Reading

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
STUCK_FAIL = Screened(Flag.FAIL, Why.PROBE_STUCK)
STUCK_SUSPECT = Screened(Flag.SUSPECT, Why.PROBE_STUCK)
NOISY = Screened(Flag.SUSPECT, Why.PROBE_NOISY)
STAGNANT = Screened(Flag.SUSPECT, Why.STAGNANT_SAMPLE)
FLUSH = Screened(Flag.SUSPECT, Why.FIRST_FLUSH)
SERVICED = Screened(Flag.FAIL, Why.PROBE_SERVICED)


def config(**told: float) -> DeviceConfig:
    channel = {"converter": "adc0"}
    return DeviceConfig.model_validate(
        {
            "schema_version": 1,
            "device": "kk-0007",
            "converters": {"adc0": {"kind": "mcp3008"}},
            "probes": [
                {
                    "parameter": "turbidity",
                    "model": "analog-nephelometer",
                    "input": {**channel, "channel": 0},
                },
                {"parameter": "ph", "model": "sen0161-v2", "input": {**channel, "channel": 1}},
                {"parameter": "flow", "model": "yf-s201", "input": {"pin": 17, "pulses_per_litre": 450}},
            ],
            "self_checks": told,
        }
    )


class Device:
    """Self-checks and the time that they are told."""

    def __init__(self, **told: float) -> None:
        self.checks, self.at_s = checks_of(config(**told)), 0.0

    def after(self, seconds: float, *readings: Reading) -> dict[Parameter, Screened]:
        """What was found at one tick so many seconds after the one before."""
        self.at_s += seconds
        found = self.checks.judged(at(self.at_s), readings)
        return {reading.parameter: reading.screened for reading in found}

    def during(
        self, seconds: float, make: Callable[[int], Iterable[Reading]], every_s: float = MINUTE
    ) -> list[dict[Parameter, Screened]]:
        """What was found at every tick of a stretch."""
        return [self.after(every_s, *make(tick)) for tick in range(int(seconds / every_s))]


def at(boot_s: float) -> Instant:
    return Instant(1_763_900_040_000 + round(boot_s * 1000), round(boot_s * 1000), "boot-1", True)


def turbidity(value: float | None = 0.66, raw: float | None = 0.02, spread: float | None = 0.0) -> Reading:
    return Reading(Parameter.TURBIDITY, value, raw=raw, spread=spread)


def ph(value: float = 7.4, raw: float | None = 1.43, spread: float | None = 0.0) -> Reading:
    return Reading(Parameter.PH, value, raw=raw, spread=spread)


def flow(l_per_min: float | None, flag: Screened = NOT_SCREENED) -> Reading:
    missing = Screened(Flag.MISSING, Why.NOT_RECORDED)
    return Reading(Parameter.FLOW, l_per_min, screened=missing if l_per_min is None else flag)


def volume(litres: float) -> Reading:
    return Reading(Parameter.VOLUME, litres / 1000)


def celsius(value: float) -> Reading:
    return Reading(Parameter.TEMPERATURE, value)


def of(parameter: Parameter, found: list[dict[Parameter, Screened]]) -> list[Screened]:
    return [each[parameter] for each in found]


# ---- stuck -------------------------------------------------------------------------------------------------


def test_a_stuck_probe_is_flagged_by_default() -> None:
    found = of(Parameter.TURBIDITY, Device().during(4 * HOUR, lambda _: [turbidity()]))

    assert set(found[:181]) == {NOT_SCREENED}
    assert set(found[181:]) == {STUCK_FAIL}


def test_ph_may_be_steady_for_longer() -> None:
    found = of(Parameter.PH, Device().during(13 * HOUR, lambda _: [ph()]))

    assert (found[720], found[721]) == (NOT_SCREENED, STUCK_FAIL)


def test_the_least_step_in_the_signal_is_life() -> None:
    steps = Device().during(DAY, lambda tick: [turbidity(raw=0.02 + 1e-6 * (tick % 100 == 0))])

    assert STUCK_FAIL not in of(Parameter.TURBIDITY, steps)


def test_samples_that_differ_are_life_though_their_median_stays() -> None:
    found = Device().during(DAY, lambda tick: [turbidity(spread=0.11 * (tick % 100 == 0))])

    assert set(of(Parameter.TURBIDITY, found)) == {NOT_SCREENED}


def test_a_digital_probe_that_repeats_its_value_is_stuck_too() -> None:
    found = of(Parameter.PH, Device().during(13 * HOUR, lambda _: [ph(raw=None, spread=None)]))

    assert found[-1] == STUCK_FAIL


def test_a_probe_that_answers_in_whole_steps_may_rest_on_one_of_them() -> None:
    wired = {"parameter": "turbidity", "model": "sen0710", "input": {"line": "rs485"}}
    stepping = Device()
    stepping.checks = checks_of(config().model_copy(update={"probes": (ProbeConfig.model_validate(wired),)}))

    found = stepping.during(DAY, lambda _: [turbidity(0.3, raw=None, spread=None)])

    assert set(of(Parameter.TURBIDITY, found)) == {NOT_SCREENED}


def test_a_value_that_trembles_within_its_resolution_for_days_is_suspect() -> None:
    trembling = Device().during(73 * HOUR, lambda tick: [ph(7.0 + 0.004 * (tick % 5), 1.5 + 1e-4 * tick)])
    found = of(Parameter.PH, trembling)

    assert set(found[: 72 * 60 + 1]) == {NOT_SCREENED}
    assert set(found[72 * 60 + 1 :]) == {STUCK_SUSPECT}


def test_a_probe_that_moves_again_is_believed_at_once() -> None:
    device = Device()
    device.during(4 * HOUR, lambda _: [turbidity()])

    assert device.after(MINUTE, turbidity(0.77, 0.023))[Parameter.TURBIDITY] == NOT_SCREENED
    assert STUCK_FAIL not in of(
        Parameter.TURBIDITY, device.during(3 * HOUR, lambda _: [turbidity(0.77, 0.023)])
    )


def test_standing_water_proves_nothing_about_a_probe() -> None:
    device = Device(stagnant_after_s=DAY)
    device.during(2 * HOUR, lambda _: [turbidity(), flow(6.0)])
    night = device.during(10 * HOUR, lambda _: [turbidity(), flow(0.0)])
    morning = device.during(2 * HOUR, lambda _: [turbidity(), flow(6.0)])

    assert STUCK_FAIL not in of(Parameter.TURBIDITY, night + morning)


def test_time_in_which_nobody_looked_is_not_held_against_a_probe() -> None:
    device = Device()
    device.during(2 * HOUR, lambda _: [turbidity()])

    assert device.after(5 * HOUR, turbidity())[Parameter.TURBIDITY] == NOT_SCREENED
    assert STUCK_FAIL not in of(Parameter.TURBIDITY, device.during(2 * HOUR, lambda _: [turbidity()]))


def test_a_few_readings_that_agree_prove_nothing_however_far_apart() -> None:
    device = Device(turbidity_frozen_after_s=60)
    found = of(Parameter.TURBIDITY, device.during(9 * MINUTE, lambda _: [turbidity()]))

    assert found == [*[NOT_SCREENED] * 7, *[STUCK_FAIL] * 2]


def test_clear_water_at_nought_is_no_stuck_probe() -> None:
    found = Device().during(5 * DAY, lambda _: [turbidity(0.0, 0.0)], every_s=2 * MINUTE)

    assert set(of(Parameter.TURBIDITY, found)) == {NOT_SCREENED}


def test_a_turbidity_that_shows_nought_for_a_month_may_be_blind_until_it_shows_anything_else() -> None:
    device = Device()
    found = of(
        Parameter.TURBIDITY, device.during(31 * DAY, lambda _: [turbidity(0.0, 0.0)], every_s=2 * MINUTE)
    )

    assert set(found[: 30 * 720]) == {NOT_SCREENED}
    assert set(found[30 * 720 + 2 :]) == {STUCK_SUSPECT}
    assert device.after(MINUTE, turbidity(0.7, 0.021))[Parameter.TURBIDITY] == NOT_SCREENED
    assert device.after(MINUTE, turbidity(0.0, 0.0))[Parameter.TURBIDITY] == NOT_SCREENED


def test_standing_water_and_trembling_samples_do_not_count_as_time_at_nought() -> None:
    still = Device(nought_for_s=DAY).during(
        3 * DAY, lambda _: [turbidity(0.0, 0.0), flow(0.0)], every_s=2 * MINUTE
    )
    alive = Device(nought_for_s=DAY).during(
        3 * DAY, lambda _: [turbidity(0.0, 0.001, spread=0.02)], every_s=2 * MINUTE
    )

    assert STUCK_SUSPECT not in of(Parameter.TURBIDITY, still)
    assert set(of(Parameter.TURBIDITY, alive)) == {NOT_SCREENED}


def test_the_time_at_nought_is_counted_over_restarts_and_hours_without_power(tmp_path: Path) -> None:
    kept = NoughtFile(tmp_path / "nought.json")
    found: list[Screened] = []
    for _ in range(5):
        device = Device()
        device.checks = checks_of(config(nought_for_s=DAY), nought=kept)
        found += of(Parameter.TURBIDITY, device.during(6 * HOUR, lambda _: [turbidity(0.0, 0.0)]))

    assert found[23 * 60] == NOT_SCREENED
    assert found[-1] == STUCK_SUSPECT

    device.after(MINUTE, turbidity(0.7, 0.021))
    assert NoughtFile(tmp_path / "nought.json").read() == 0.0


@pytest.mark.parametrize("text", ["", "[]", '{"nought_s": "much"}', "{}"])
def test_a_kept_time_that_makes_no_sense_begins_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "nought.json").write_text(text)

    assert NoughtFile(tmp_path / "nought.json").read() == 0.0


def test_a_ph_of_nought_is_no_water_and_may_be_stuck_like_any_other() -> None:
    found = of(Parameter.PH, Device().during(13 * HOUR, lambda _: [ph(0.0, None, None)]))

    assert found[-1] == STUCK_FAIL


def test_missing_readings_are_left_alone_and_end_nothing() -> None:
    device, missing = Device(), Screened(Flag.MISSING, Why.PROBE_DISCONNECTED)
    device.during(2 * HOUR, lambda _: [turbidity()])
    gone = replace(turbidity(None, None, None), screened=missing)

    assert device.after(MINUTE, gone)[Parameter.TURBIDITY] == missing
    assert device.during(2 * HOUR, lambda _: [turbidity()])[-1][Parameter.TURBIDITY] == STUCK_FAIL


def test_a_meter_and_a_temperature_may_stay_as_they_are() -> None:
    found = Device().during(6 * DAY, lambda _: [flow(6.0), celsius(11.0)], every_s=2 * MINUTE)

    assert {screened for each in found for screened in each.values()} == {NOT_SCREENED}


# ---- noisy, temperature ------------------------------------------------------------------------------------


def test_samples_farther_apart_than_the_probe_is_uncertain_three_times_in_a_row_are_noise() -> None:
    device = Device()
    spreads = (0.1, 0.11, 0.11, 0.1, 0.11, 0.11, 0.11)

    assert [device.after(1, ph(spread=spread))[Parameter.PH] for spread in spreads] == [
        *[NOT_SCREENED] * 6,
        NOISY,
    ]


def test_noise_must_fall_well_below_what_began_it() -> None:
    device = Device()
    spreads = (0.11, 0.11, 0.11, 0.09, 0.071, 0.069, 0.09)

    assert [device.after(1, ph(spread=spread))[Parameter.PH] for spread in spreads] == [
        *(NOT_SCREENED, NOT_SCREENED, NOISY, NOISY, NOISY),
        *(NOT_SCREENED, NOT_SCREENED),
    ]


@pytest.mark.parametrize(("spread", "found"), [(4.2, NOT_SCREENED), (4.4, NOISY)])
def test_the_noise_of_mud_is_measured_by_the_uncertainty_at_mud(spread: float, found: Screened) -> None:
    muddy = Device().during(3, lambda _: [turbidity(80.0, 2.4, spread=spread)], every_s=1.0)

    assert muddy[-1][Parameter.TURBIDITY] == found


def cold_probe() -> SelfChecks:
    """The checks of a device with an SEN0189 (5 to 90 °C) and nothing else."""
    wiring = {"converter": "adc0", "channel": 0, "divider": 1.5}
    probe = {"parameter": "turbidity", "model": "sen0189", "input": wiring}
    bare = {"schema_version": 1, "device": "kk-0007", "converters": {"adc0": {"kind": "mcp3008"}}}
    return checks_of(DeviceConfig.model_validate({**bare, "probes": [probe]}))


def test_water_too_cold_for_a_probe_makes_it_suspect_until_it_is_clearly_warm_enough() -> None:
    checks, found = cold_probe(), []
    for tick, degrees in enumerate((5.0, 4.9, 5.2, 5.5, 5.2, 4.9)):
        readings = checks.judged(at(tick), [turbidity(200.0, 4.0, 5.0), celsius(degrees)])
        found.append(readings[0].screened.why)

    assert found == [
        *("", Why.TEMPERATURE_OUT_OF_RANGE, Why.TEMPERATURE_OUT_OF_RANGE),
        *("", "", Why.TEMPERATURE_OUT_OF_RANGE),
    ]


@pytest.mark.parametrize(
    "temperature",
    [
        pytest.param([], id="no thermometer"),
        pytest.param([Reading(Parameter.TEMPERATURE, None, screened=Screened(Flag.MISSING))], id="missing"),
        pytest.param([Reading(Parameter.TEMPERATURE, 0.1, screened=Screened(Flag.FAIL))], id="failed"),
    ],
)
def test_an_unknown_temperature_doubts_nothing(temperature: list[Reading]) -> None:
    assert cold_probe().judged(at(0), [turbidity(200.0, 4.0, 5.0), *temperature])[0].screened == NOT_SCREENED


# ---- stagnant, first flush ---------------------------------------------------------------------------------


def live(l_per_min: float | None) -> Callable[[int], list[Reading]]:
    """A probe that moves, and a meter."""
    return lambda tick: [ph(7.4 + tick % 3 / 20, 1.4 + tick % 3 / 100), flow(l_per_min)]


def test_water_that_has_not_flowed_for_half_an_hour_is_stagnant() -> None:
    found = of(Parameter.PH, Device().during(HOUR, live(0.0)))

    assert set(found[:30]) == {NOT_SCREENED}
    assert set(found[30:]) == {STAGNANT}


def test_after_a_standstill_the_first_five_minutes_of_flow_are_the_first_flush() -> None:
    device = Device()
    device.during(HOUR, live(0.0))
    found = of(Parameter.PH, device.during(10 * MINUTE, live(6.0)))

    assert set(found[:5]) == {FLUSH}
    assert set(found[5:]) == {NOT_SCREENED}


def test_a_pipe_that_is_flushed_sooner_ends_it_sooner() -> None:
    device = Device(first_flush_litres=12.0)
    device.during(HOUR, live(0.0))
    whys = [device.after(MINUTE, ph(), flow(6.0), volume(6.0 * tick))[Parameter.PH] for tick in range(5)]

    assert whys == [FLUSH, FLUSH, NOT_SCREENED, NOT_SCREENED, NOT_SCREENED]


def test_a_short_pause_is_neither_stagnant_nor_begins_a_flush() -> None:
    device = Device()
    found = [
        *device.during(HOUR, live(6.0)),
        *device.during(29 * MINUTE, live(0.0)),
        *device.during(HOUR, live(6.0)),
    ]

    assert set(of(Parameter.PH, found)) == {NOT_SCREENED}


def test_a_flush_that_stops_in_between_is_not_over_before_enough_has_flowed() -> None:
    device = Device()
    device.during(HOUR, live(0.0))
    found = [
        *device.during(3 * MINUTE, live(6.0)),
        *device.during(10 * MINUTE, live(0.0)),
        *device.during(3 * MINUTE, live(6.0)),
    ]

    assert set(of(Parameter.PH, found)) == {FLUSH}
    assert device.after(MINUTE, *live(6.0)(0))[Parameter.PH] == NOT_SCREENED


@pytest.mark.parametrize(
    "unknown",
    [[], [flow(None)], [flow(0.0, Screened(Flag.FAIL, Why.OUT_OF_RANGE))]],
    ids=["none", "missing", "failed"],
)
def test_unknown_flow_makes_neither_stagnant_nor_flushed(unknown: list[Reading]) -> None:
    device = Device()
    nothing = device.during(2 * HOUR, lambda tick: [live(0.0)(tick)[0], *unknown])
    device.during(HOUR, live(0.0))
    lost = device.during(2 * HOUR, lambda tick: [live(0.0)(tick)[0], *unknown])
    back = device.during(3 * MINUTE, live(6.0))

    assert set(of(Parameter.PH, nothing + lost)) == {NOT_SCREENED}
    assert set(of(Parameter.PH, back)) == {FLUSH}


def test_a_device_without_a_meter_is_neither() -> None:
    checks = cold_probe()

    assert {
        checks.judged(at(tick * MINUTE), [turbidity(200.0, 4.0 + tick)])[0].flag for tick in range(300)
    } == {Flag.UNKNOWN}


def test_the_meter_itself_is_never_stagnant() -> None:
    found = Device().during(2 * HOUR, lambda _: [flow(0.0), volume(5.0)])

    assert {screened for each in found for screened in each.values()} == {NOT_SCREENED}


# ---- service, all together ---------------------------------------------------------------------------------


def test_while_a_probe_is_serviced_all_that_it_says_fails() -> None:
    checks = checks_of(config(), is_serviced=lambda instant: 10_000 <= instant.boottime_ms < 20_000)
    found = [checks.judged(at(second), [ph(), flow(6.0)]) for second in (9.0, 10.0, 19.9, 20.0)]

    assert [{reading.screened for reading in each} for each in found] == [
        *({NOT_SCREENED}, {SERVICED}),
        *({SERVICED}, {NOT_SCREENED}),
    ]


def test_a_clock_that_is_set_makes_nothing_stuck_or_stagnant() -> None:
    checks = checks_of(config())
    found = []
    for tick in range(20):
        jump = timedelta(days=400 if tick >= 10 else 0)
        instant = at(tick * MINUTE)
        instant = replace(instant, wall_ms=instant.wall_ms + int(jump.total_seconds() * 1000))
        found += checks.judged(instant, [turbidity(), ph(), flow(0.0)])

    assert {reading.screened for reading in found} == {NOT_SCREENED}


def test_what_the_probe_said_itself_comes_first_among_equals() -> None:
    own = Screened(Flag.SUSPECT, Why.PROBE_UNCALIBRATED)

    assert Device().after(1, replace(ph(spread=5.0), screened=own))[Parameter.PH] == own


flags = st.sampled_from(
    [
        NOT_SCREENED,
        Screened(Flag.GOOD),
        Screened(Flag.SUSPECT, Why.PROBE_UNCALIBRATED),
        Screened(Flag.FAIL, Why.OUT_OF_RANGE),
    ]
)
numbers = st.floats(0, 14, allow_subnormal=False)
MISSING = Screened(Flag.MISSING, Why.PROBE_DISCONNECTED)


def some(parameter: Parameter, values: st.SearchStrategy[float]) -> st.SearchStrategy[Reading]:
    there = st.builds(
        Reading,
        st.just(parameter),
        values,
        raw=st.none() | numbers,
        screened=flags,
        spread=st.none() | st.just(0.0) | numbers,
    )
    return there | st.just(Reading(parameter, None, screened=MISSING))


histories = st.lists(
    st.tuples(
        st.sampled_from([0.0, 1.0, 60.0, 150.0, 4000.0]),
        some(Parameter.TURBIDITY, st.sampled_from([0.0, 0.5, 0.51, 3.0])),
        some(Parameter.PH, st.sampled_from([7.0, 7.01, 9.0])),
        some(Parameter.FLOW, st.sampled_from([0.0, 6.0])),
        st.booleans(),
    ),
    max_size=60,
)


@given(histories)
def test_no_check_improves_a_flag_or_changes_a_number_or_loses_a_reading(history) -> None:
    quick = {
        "turbidity_frozen_after_s": 60,
        "ph_frozen_after_s": 60,
        "flat_after_s": 120,
        "stagnant_after_s": 60,
    }
    serviced = iter([each[-1] for each in history])
    checks, at_s = checks_of(config(**quick), is_serviced=lambda _: next(serviced)), 0.0
    for step, *readings, _ in history:
        at_s += step
        after = checks.judged(at(at_s), readings)

        assert [replace(each, screened=NOT_SCREENED) for each in after] == [
            replace(each, screened=NOT_SCREENED) for each in readings
        ]
        for one, other in zip(readings, after, strict=True):
            assert other.flag >= one.flag
            assert other.flag > one.flag or other.screened == one.screened


@given(st.lists(st.tuples(st.floats(0.03, 3.0), st.floats(1.0, 180.0)), min_size=2, max_size=80))
def test_a_moving_signal_is_never_stuck(steps) -> None:
    device = Device(turbidity_frozen_after_s=60, flat_after_s=60)
    value, upwards = 1.0, True
    for by, seconds in steps:
        value += (0.12 + by) * (1 if upwards else -1)
        upwards = value < 50.0
        found = device.after(seconds, turbidity(value, value * 0.03))
        assert found[Parameter.TURBIDITY] == NOT_SCREENED


@given(st.floats(0.35, 90.0), st.integers(1, 170))
def test_a_signal_that_never_moves_is_stuck_whatever_it_is_and_however_often_it_is_read(
    value, every_s
) -> None:
    device = Device()
    found = device.during(3.2 * HOUR, lambda _: [turbidity(value, value * 0.03)], every_s=every_s)

    assert found[-1][Parameter.TURBIDITY] == STUCK_FAIL
    assert of(Parameter.TURBIDITY, found).count(STUCK_FAIL) <= 0.2 * HOUR / every_s + 2


@given(st.lists(st.tuples(st.sampled_from([None, 0.0, 6.0]), st.floats(1.0, 170.0)), max_size=200))
def test_stagnant_is_only_what_has_provably_stood_long_enough(steps) -> None:
    device, stood_s = Device(), None
    for l_per_min, seconds in steps:
        found = device.after(seconds, *live(l_per_min)(0))
        stood_s = None if l_per_min != 0.0 else seconds + (-seconds if stood_s is None else stood_s)
        assert (found[Parameter.PH].why is Why.STAGNANT_SAMPLE) <= (stood_s is not None and stood_s >= 1799.9)
        assert l_per_min is not None or found[Parameter.PH] == NOT_SCREENED
