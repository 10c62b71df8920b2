"""A cold probe is not believed because somebody set the clock."""

from datetime import timedelta

from edge.hardware.simulated import SimulatedHardware
from edge.probes.build import build_probes
from firmware_config.device import DeviceConfig
from tests.builders import instant
from waterquality.flags import Why

START = instant("2026-11-20T06:00:00Z")
CONFIG = DeviceConfig.model_validate(
    {
        "schema_version": 1,
        "device": "kk-0007",
        "observe_every_s": 5.0,
        "probes": [{"parameter": "temperature", "model": "ds18b20", "input": {"sensor": "only"}}],
    }
)


def whys(*seconds: float) -> list[Why]:
    """What a thermometer of 30 s from power to value says, asked so many seconds after the start."""
    (probe,) = build_probes(CONFIG, SimulatedHardware(celsius={"only": lambda: 11.5}))
    return [probe.measure(START + timedelta(seconds=each))[0].screened.why for each in seconds]


def test_a_clock_that_comes_right_while_a_probe_settles_does_not_settle_it() -> None:
    day_s = 86_400.0
    told = whys(0, 5, *(day_s + 5 * tick for tick in range(8)))

    assert set(told[:8]) == {Why.PROBE_NOT_SETTLED}
    assert set(told[8:]) == {Why.NONE}


def test_a_probe_that_has_settled_stays_so_whatever_the_clock_does_next() -> None:
    assert whys(*range(0, 31, 5), 86_400.0)[-2:] == [Why.NONE, Why.NONE]


def test_an_observation_that_was_missed_costs_no_settling() -> None:
    assert whys(*range(0, 21, 5), 35.0)[-1] is Why.NONE
