from datetime import timedelta

import pytest

from edge.calibration import OutOfCurve
from edge.hardware.simulated import SimulatedHardware
from edge.probes.build import build_probes
from edge.probes.inputs import AnswerGarbled, CommandRefused, NotMeasured, ProbeDisconnected, ProbeFault
from edge.probes.measuring import measured
from firmware_config.device import DeviceConfig
from tests.builders import instant
from waterquality.errors import ProbeError
from waterquality.flags import Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.readings import Observation, by_parameter
from waterquality.wire.encode import body_of

NOW = instant("2026-11-20T06:00:00Z")


class Broken:
    """A probe that always raises."""

    def __init__(self, error):
        self.error = error
        self.parameters = (Parameter.FLOW, Parameter.VOLUME)

    def measure(self, now):
        raise self.error


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ProbeDisconnected("pulled out"), Why.PROBE_DISCONNECTED),
        (OutOfCurve("9 V"), Why.OUT_OF_CURVE),
        (AnswerGarbled("checksum"), Why.PROBE_FAULT),
        (ProbeFault("status 1"), Why.PROBE_FAULT),
        (CommandRefused("Brew"), Why.PROBE_FAULT),
        (NotMeasured("85 degrees"), Why.PROBE_NOT_SETTLED),
        (ProbeError("nobody has thought of it"), Why.NOT_RECORDED),
    ],
)
def test_a_probe_error_makes_each_of_its_parameters_missing_with_the_reason(error, why):
    readings = measured(Broken(error), NOW)

    assert [reading.parameter for reading in readings] == [Parameter.FLOW, Parameter.VOLUME]
    assert {reading.value for reading in readings} == {None}
    assert {reading.screened for reading in readings} == {Screened(Flag.MISSING, why)}


def test_a_defect_of_ours_is_not_taken_for_a_broken_probe():
    with pytest.raises(ZeroDivisionError):
        measured(Broken(ZeroDivisionError()), NOW)


@pytest.fixture
def config():
    certificate = {
        "id": "ph-1",
        "made_on": "2026-11-01",
        "made_by": "A. Tester",
        "kind": "linear",
        "points": [[1.5, 7.0], [2.0, 4.0]],
        "standards": ["buffer 7", "buffer 4"],
        "expires_on": "2026-12-01",
    }
    return DeviceConfig.model_validate(
        {
            "schema_version": 1,
            "device": "kk-0007",
            "samples_per_reading": 3,
            "converters": {"adc0": {"kind": "mcp3008"}},
            "probes": [
                {
                    "parameter": "turbidity",
                    "model": "sen0189",
                    "input": {"converter": "adc0", "channel": 0, "divider": 1.5},
                },
                {
                    "parameter": "ph",
                    "model": "sen0161-v2",
                    "input": {"converter": "adc0", "channel": 1},
                    "calibration": certificate,
                },
                {"parameter": "flow", "model": "yf-s201", "input": {"pin": 17, "pulses_per_litre": 450}},
            ],
        }
    )


def unplugged():
    raise ProbeDisconnected("the converter does not answer")


def test_one_dead_probe_leaves_the_others_to_go_on_and_says_so_on_the_wire(config):
    pulses, seconds = iter((0, 1, 2701)), iter((0.0, 60.0))
    hardware = SimulatedHardware(
        voltages={("adc0", 0): unplugged, ("adc0", 1): lambda: 1.5},
        pulses={17: lambda: next(pulses)},
        now_s=lambda: next(seconds),
    )
    probes = build_probes(config, hardware)
    for probe in probes:
        measured(probe, NOW)

    readings = [reading for probe in probes for reading in measured(probe, NOW + timedelta(minutes=2))]

    values = [reading.value for reading in readings]
    assert values == [None, *map(pytest.approx, (7.0, 6.0, 2701 / 450_000))]
    assert readings[0].screened == Screened(Flag.MISSING, Why.PROBE_DISCONNECTED)
    body = body_of(Observation("kk-0007", "9f1c2a7e", 1, 0, by_parameter(*readings)))
    assert '{"n":"turbidity/flag","v":9},{"n":"turbidity/why","vs":"probe_disconnected"}' in body


def test_probes_come_in_the_order_of_the_configuration_with_their_settings(config):
    taken = []
    hardware = SimulatedHardware(
        voltages={("adc0", 0): lambda: 2.7, ("adc0", 1): lambda: taken.append(1) or 1.5},
        pulses={17: lambda: 0},
    )

    probes = build_probes(config, hardware, volume_m3=3.0)

    assert [probe.parameters[0] for probe in probes] == [Parameter.TURBIDITY, Parameter.PH, Parameter.FLOW]
    assert probes[0].measure(NOW)[0].raw == pytest.approx(4.05)
    probes[1].measure(NOW)
    assert len(taken) == 3
    assert probes[2].measure(NOW)[1].value == 3.0
