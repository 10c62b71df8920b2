"""A probe whose power is switched, driven tick by tick as the sampler does it."""

from datetime import timedelta

import pytest

from edge.agent import Agent, AgentParts
from edge.hardware.simulated import SimulatedHardware
from edge.outbox import Outbox
from edge.probes.build import build_probes, ticks_of
from edge.probes.inputs import ProbeDisconnected
from edge.probes.measuring import measured
from edge.schedule import Every
from edge.uplink import Broker
from firmware_config.device import DeviceConfig
from tests.builders import instant
from tests.fakes.hand_wound_clock import HandWoundClock
from waterquality.flags import NOT_SCREENED, Flag, Screened, Why
from waterquality.readings import to_ms

START = instant("2026-11-20T06:00:30Z")


class Bench:
    """A turbidity probe of 10.5 s from power to value behind a switch, and the clock it lives by."""

    def __init__(self, *, volts=lambda: 0.03, **keys):
        self.config = DeviceConfig.model_validate(
            {
                "schema_version": 1,
                "device": "kk-0007",
                "samples_per_reading": 3,
                "converters": {"adc0": {"kind": "mcp3008"}},
                "probes": [
                    {
                        "parameter": "turbidity",
                        "model": "analog-nephelometer",
                        "input": {"converter": "adc0", "channel": 0},
                        "power": {"pin": 22},
                        "calibration": {
                            "id": "turbidity-1",
                            "made_on": "2026-11-01",
                            "made_by": "A. Tester",
                            "kind": "linear",
                            "points": [[0.0, 0.0], [3.0, 100.0]],
                            "standards": ["formazin"],
                            "expires_on": "2026-12-31",
                        },
                    }
                ],
                **keys,
            }
        )
        self.now, self.steady_s, self.asked = START, 0.0, 0
        self.hardware = SimulatedHardware(
            voltages={("adc0", 0): lambda: self.ask(volts)}, now_s=lambda: self.steady_s
        )
        (self.probe,) = build_probes(self.config, self.hardware)
        (self.switch,) = (each for each in self.hardware._open if hasattr(each, "on_for_s"))
        self.schedule = ticks_of(self.config)

    def ask(self, volts):
        assert self.switch.on_for_s() is not None, "it was asked without power"
        self.asked += 1
        return volts()

    def go_to(self, now, *, late_s=0.01):
        self.steady_s += (now - self.now).total_seconds() + late_s
        self.now = now + timedelta(seconds=late_s)
        return measured(self.probe, self.now)

    def tick(self):
        return self.go_to(self.schedule.next_after(self.now))


def seconds_of(bench, ticks):
    """At which seconds of the minute the power was on after the tick, and what was read."""
    told = []
    for _ in range(ticks):
        readings = bench.tick()
        told.append((bench.now.second, bench.switch.on_for_s() is not None, readings))
    return told


def test_it_has_power_only_so_long_before_an_observation_as_it_needs():
    told = seconds_of(Bench(), 6)

    assert [(second, is_on) for second, is_on, _ in told] == [(43, True), (0, False)] * 3


def test_between_observations_it_gives_no_reading_and_at_one_its_value():
    told = seconds_of(Bench(), 4)

    assert [len(readings) for _, _, readings in told] == [0, 1, 0, 1]
    for _, _, readings in told[1::2]:
        assert readings[0].value == pytest.approx(1.0)
        assert readings[0].screened == NOT_SCREENED


def test_asked_every_second_it_rests_all_the_same_and_is_read_once_a_minute():
    bench = Bench(sample_every_s=1.0)
    told = seconds_of(bench, 180)

    assert {second for second, is_on, _ in told if is_on} == set(range(43, 60))
    assert bench.asked == 3 * 3


def test_a_probe_that_has_not_settled_is_missing_and_its_volts_are_not_even_read():
    bench = Bench()
    (reading,) = bench.go_to(instant("2026-11-20T06:01:00Z"))

    assert reading.value is None
    assert reading.screened == Screened(Flag.MISSING, Why.PROBE_NOT_SETTLED)
    assert bench.asked == 0


def test_a_clock_that_jumps_to_the_observation_does_not_settle_a_probe():
    bench = Bench()
    bench.tick()
    bench.now = instant("2030-01-01T00:00:00Z") - timedelta(seconds=1)
    (reading,) = bench.go_to(instant("2030-01-01T00:00:00Z"))

    assert reading.screened == Screened(Flag.MISSING, Why.PROBE_NOT_SETTLED)


def test_a_probe_that_fails_is_missing_and_rests_like_any_other():
    def unplugged():
        raise ProbeDisconnected("pulled out")

    told = seconds_of(Bench(volts=unplugged), 4)

    assert [is_on for _, is_on, _ in told] == [True, False] * 2
    assert told[1][2][0].screened == Screened(Flag.MISSING, Why.PROBE_DISCONNECTED)


def test_longer_power_is_given_where_it_is_asked_for():
    bench = Bench()
    probes = [
        {**bench.config.model_dump(exclude_none=True)["probes"][0], "power": {"pin": 22, "longer_s": 5.0}}
    ]
    told = seconds_of(Bench(probes=probes), 2)

    assert [(second, is_on) for second, is_on, _ in told] == [(38, True), (0, False)]


def test_it_never_rests_where_observations_come_too_fast_for_it():
    with pytest.raises(ValueError, match=r"needs 15 s of power before each observation and 2 s to spare"):
        Bench(observe_every_s=17.0)


def test_in_a_burst_it_keeps_its_power_and_is_read_at_every_tick_once_it_has_settled():
    bench = Bench(sample_every_s=1.0)
    bench.probe.follow(Every(1.0))
    told = seconds_of(bench, 40)
    whys = [readings[0].screened.why for _, _, readings in told]

    assert all(is_on for _, is_on, _ in told)
    assert (set(whys[:15]), set(whys[16:])) == ({Why.PROBE_NOT_SETTLED}, {Why.NONE})

    bench.probe.follow(Every(60.0))
    assert bench.tick() == ()
    assert bench.switch.on_for_s() is None


def test_a_thermometer_that_rests_keeps_its_power_in_a_burst_as_well(tmp_path):
    wired = {
        "parameter": "temperature",
        "model": "ds18b20",
        "input": {"sensor": "only"},
        "power": {"pin": 22},
    }
    config = DeviceConfig.model_validate(
        {"schema_version": 1, "device": "kk-0007", "observe_every_s": 900.0, "probes": [wired]}
    )
    hardware = SimulatedHardware(celsius={"only": lambda: 11.5})
    probes = build_probes(config, hardware)
    (switch,) = (each for each in hardware._open if hasattr(each, "on_for_s"))
    agent = Agent(
        AgentParts(
            device="kk-0007",
            probes=probes,
            outbox=Outbox(tmp_path / "o.db", device="kk-0007", serial="pi-1"),
            broker=Broker("127.0.0.1", 1),
            clock=HandWoundClock(wall_ms=to_ms(START)),
            schedule=ticks_of(config),
            observations=Every(config.observe_every_s),
        )
    )
    agent.remote.burst.begin(agent.clock.read(), 60.0)
    agent.sampler.observe(agent.clock.read())
    agent.stop()

    assert switch.on_for_s() is not None
