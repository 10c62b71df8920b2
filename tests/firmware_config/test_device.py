import re
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

import firmware_config
from firmware_config.buses import LineSettings, SerialLine, line_problems
from firmware_config.device import DeviceConfig, load_device_config
from firmware_config.errors import ConfigRefused
from firmware_config.parts import Power, PulseWiring, RegisterWiring, VoltageWiring
from firmware_config.reporting import ReportingConfig, ReportingMode
from firmware_config.schema import leaves
from waterquality.errors import ConfigError, MendedBy
from waterquality.parameters import Parameter

SAMPLE = Path(firmware_config.__file__).with_name("device.sample.toml")
SAMPLES = sorted(SAMPLE.parent.glob("device*.sample.toml"))

CERTIFICATE = {
    "id": "turbidity-1",
    "made_on": "2025-11-03",
    "made_by": "A. Tester",
    "kind": "table",
    "points": [[4.1, 0.0], [3.9, 1000.0]],
    "standards": ["formazin"],
    "expires_on": "2026-05-03",
}
TURBIDITY = {
    "parameter": "turbidity",
    "model": "sen0189",
    "input": {"converter": "adc0", "channel": 0, "divider": 1.5},
    "calibration": CERTIFICATE,
}
PH = {"parameter": "ph", "model": "sen0161-v2", "input": {"converter": "adc0", "channel": 1}}
FLOW = {"parameter": "flow", "model": "yf-s201", "input": {"pin": 17, "pulses_per_litre": 450.0}}
SOUND = {
    "schema_version": 1,
    "device": "kk-0007",
    "converters": {"adc0": {"kind": "mcp3008"}},
    "probes": [TURBIDITY, PH, FLOW],
}


def toml(value):
    """A value as TOML writes it, tables inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def written(folder, table):
    path = folder / "device.toml"
    path.write_text("\n".join(f"{key} = {toml(value)}" for key, value in table.items()), encoding="utf-8")
    return path


def changed(*path, to):
    """The sound configuration with one key changed, added, or (`to=None`) left out."""
    table = deepcopy(SOUND)
    here = table
    for key in path[:-1]:
        here = here[key]
    if to is None:
        del here[path[-1]]
    else:
        here[path[-1]] = to
    return table


def probes(*each):
    return changed("probes", to=list(each))


def calibrated(**changes):
    return {**TURBIDITY, "calibration": {**CERTIFICATE, **changes}}


def refusal(folder, table):
    path = written(folder, table)
    with pytest.raises(ConfigRefused) as refused:
        load_device_config(path)
    assert {problem.source for problem in refused.value.problems} == {str(path)}
    return [(problem.key, problem.reason) for problem in refused.value.problems]


def test_a_sound_configuration_is_read_as_it_stands(tmp_path):
    config = load_device_config(written(tmp_path, SOUND))

    assert config.device == "kk-0007"
    assert config.observe_every_s == 60.0
    assert config.samples_per_reading == 31
    assert config.converters["adc0"].reference_volts == 3.3
    turbidity, ph, flow = config.probes
    assert turbidity.parameter is Parameter.TURBIDITY
    assert turbidity.input == VoltageWiring(converter="adc0", channel=0, divider=1.5)
    assert turbidity.calibration.points == ((4.1, 0.0), (3.9, 1000.0))
    assert ph.calibration is None
    assert flow.input == PulseWiring(pin=17, pulses_per_litre=450.0, pull_up=True)


def test_probes_are_asked_as_often_as_they_are_observed_unless_it_says_otherwise(tmp_path):
    assert load_device_config(written(tmp_path, SOUND)).asks_every_s == 60.0
    assert load_device_config(written(tmp_path, changed("observe_every_s", to=900.0))).asks_every_s == 900.0
    assert load_device_config(written(tmp_path, changed("sample_every_s", to=1.0))).asks_every_s == 1.0


def test_a_power_switch_is_read_with_its_defaults(tmp_path):
    config = load_device_config(written(tmp_path, probes({**TURBIDITY, "power": {"pin": 22}})))

    assert config.probes[0].power == Power(pin=22, active_high=True, longer_s=0.0)


def test_a_configuration_cannot_be_changed_afterwards(tmp_path):
    config = load_device_config(written(tmp_path, SOUND))

    with pytest.raises(ValueError, match="frozen"):
        config.device = "kk-0008"


NEVER_RESTS = (
    "sen0161-v2 needs 70 s of power before each observation and 2 s to spare;"
    " it would never rest with one every 60 s"
)
FAULTS = {
    "a misspelt key at the top": (
        changed("observe_evry_s", to=30),
        "observe_evry_s",
        "unknown key; did you mean `observe_every_s`?",
    ),
    "a misspelt key of a converter": (
        changed("converters", "adc0", "refrence_volts", to=3.3),
        "converters.adc0.refrence_volts",
        "unknown key; did you mean `reference_volts`?",
    ),
    "a misspelt key of a voltage input": (
        changed("probes", 1, "input", "chanel", to=1),
        "probes[1].input.chanel",
        "unknown key; did you mean `channel`?",
    ),
    "a misspelt key of a pulse input": (
        changed("probes", 2, "input", "pullup", to=True),
        "probes[2].input.pullup",
        "unknown key; did you mean `pull_up`?",
    ),
    "a misspelt key of a certificate": (
        changed("probes", 0, "calibration", "expires", to="2026-05-03"),
        "probes[0].calibration.expires",
        "unknown key; did you mean `expires_on`?",
    ),
    "a key that is like no other": (changed("zzz", to=1), "zzz", "unknown key"),
    "a key that is missing": (
        changed("probes", 1, "input", "channel", to=None),
        "probes[1].input.channel",
        "is required",
    ),
    "no schema version": (changed("schema_version", to=None), "schema_version", "is required"),
    "a schema version from the future": (changed("schema_version", to=2), "schema_version", "should be 1"),
    "a device id that is none": (
        changed("device", to="kk7"),
        "device",
        "should be two small letters, a hyphen and four to twelve digits, e.g. kk-0007",
    ),
    "samples farther apart than observations": (
        changed("sample_every_s", to=61.0),
        "sample_every_s",
        "is longer than the 60 s from one observation to the next",
    ),
    "a power pin that a meter counts on": (
        probes({**TURBIDITY, "power": {"pin": 17}}, FLOW),
        "probes[1].input.pin",
        "GPIO17 is already used by probes[0].power",
    ),
    "a power pin of the SPI bus": (
        probes({**TURBIDITY, "power": {"pin": 8}}),
        "probes[0].power.pin",
        "GPIO8 is already used by converters.adc0.select_pin",
    ),
    "one power pin for two probes": (
        {
            **probes({**TURBIDITY, "power": {"pin": 22}}, {**PH, "power": {"pin": 22}}, FLOW),
            "observe_every_s": 300,
        },
        "probes[1].power.pin",
        "GPIO22 is already used by probes[0].power",
    ),
    "a meter whose power is switched": (
        probes({**FLOW, "power": {"pin": 22}}),
        "probes[0].power",
        "a meter without power counts nothing",
    ),
    "a probe that would never rest": (
        probes({**PH, "power": {"pin": 22}}),
        "probes[0].power",
        NEVER_RESTS,
    ),
    "a self-check that would always fire": (
        changed("self_checks", to={"ph_frozen_after_s": 0}),
        "self_checks.ph_frozen_after_s",
        "should be greater than or equal to 60",
    ),
    "a misspelt self-check": (
        changed("self_checks", to={"stagnant_after": 60}),
        "self_checks.stagnant_after",
        "unknown key; did you mean `stagnant_after_s`?",
    ),
    "no probe at all": (probes(), "probes", "needs at least one"),
    "an infinite number": (
        changed("observe_every_s", to=float("inf")),
        "observe_every_s",
        "should be a finite number",
    ),
    "a channel that the chip has not": (
        changed("probes", 1, "input", "channel", to=8),
        "probes[1].input.channel",
        "should be less than or equal to 7",
    ),
    "a pin that the header has not": (
        changed("probes", 2, "input", "pin", to=40),
        "probes[2].input.pin",
        "should be less than or equal to 27",
    ),
    "a meter on a pin of the SPI bus": (
        changed("probes", 2, "input", "pin", to=11),
        "probes[2].input.pin",
        "GPIO11 is already used by the SPI bus on GPIO11, 10 and 9",
    ),
    "a meter on the select of a converter": (
        changed("probes", 2, "input", "pin", to=8),
        "probes[2].input.pin",
        "GPIO8 is already used by converters.adc0.select_pin",
    ),
    "a meter on the select that SPI holds though nobody uses it": (
        changed("probes", 2, "input", "pin", to=7),
        "probes[2].input.pin",
        "GPIO7 is already used by the Pi's SPI bus",
    ),
    "a light on the pin of a meter": (
        changed("light", to={"kind": "led", "pin": 17}),
        "light.pin",
        "GPIO17 is already used by probes[2]",
    ),
    "a light with two colours on one pin": (
        changed("light", to={"kind": "rgb", "red": 22, "green": 23, "blue": 22}),
        "light.blue",
        "GPIO22 is already used by light.red",
    ),
    "a light of no known kind": (
        changed("light", to={"kind": "neon", "pin": 22}),
        "light",
        "tag 'neon' found using 'kind' does not match any of the expected tags: 'led', 'rgb'",
    ),
    "two converters with one select": (
        changed("converters", to={"adc0": {"kind": "mcp3008"}, "adc1": {"kind": "mcp3008"}}),
        "converters.adc1.select_pin",
        "GPIO8 is already used by converters.adc0.select_pin",
    ),
    "a select that the Pi's own bus has not": (
        changed("converters", "adc0", "select_pin", to=5),
        "converters.adc0.select_pin",
        "the Pi's own SPI bus selects with 8 or 7 only",
    ),
    "two probes on one channel": (
        changed("probes", 1, "input", "channel", to=0),
        "probes[1].input.channel",
        "channel 0 of adc0 is already used by probes[0]",
    ),
    "one parameter measured twice": (
        probes(TURBIDITY, {**TURBIDITY, "input": {**TURBIDITY["input"], "channel": 5}}),
        "probes[1].parameter",
        "turbidity is already measured by probes[0]",
    ),
    "a converter that is not there": (
        changed("probes", 1, "input", "converter", to="adc9"),
        "probes[1].input.converter",
        "there is no converters.adc9; did you mean `adc0`?",
    ),
    "a parameter that the model does not measure": (
        changed("probes", 1, "model", to="analog-nephelometer"),
        "probes[1].parameter",
        "analog-nephelometer measures turbidity, not ph",
    ),
    "a voltage probe on a pin": (
        probes({**PH, "input": FLOW["input"]}),
        "probes[0].input",
        "sen0161-v2 answers in volts and hangs on the wrong wire",
    ),
    "a pulse meter on a channel": (
        probes({**FLOW, "input": PH["input"]}),
        "probes[0].input",
        "yf-s201 answers in pulses and hangs on the wrong wire",
    ),
    "more volts than the converter can bear": (
        changed("probes", 0, "input", "divider", to=1.0),
        "probes[0].input.divider",
        "the probe puts out up to 4.6 V and the converter sees 3.3 V at most; it needs more than 1.39",
    ),
    "hertz taken for pulses": (
        changed("probes", 2, "input", "pulses_per_litre", to=7.5),
        "probes[2].input.pulses_per_litre",
        "7.5 is impossible for a yf-s201 (225 to 900)",
    ),
    "a certificate on a pulse meter": (
        changed("probes", 2, "calibration", to=CERTIFICATE),
        "probes[2].calibration",
        "a pulse meter is calibrated by input.pulses_per_litre",
    ),
    "a calibration with one point": (
        probes(calibrated(points=[[4.1, 0.0]])),
        "probes[0].calibration.points",
        "needs at least two points that differ",
    ),
    "a calibration with the same point twice": (
        probes(calibrated(points=[[4.1, 0.0], [4.1, 0.0]])),
        "probes[0].calibration.points",
        "needs at least two points that differ",
    ),
    "two values for one voltage": (
        probes(calibrated(points=[[4.1, 0.0], [4.1, 5.0], [3.9, 1000.0]])),
        "probes[0].calibration.points",
        "2 points at 4.1 V: one voltage, one value",
    ),
    "a table that turns back": (
        probes(calibrated(points=[[4.1, 0.0], [4.0, 1000.0], [3.9, 900.0]])),
        "probes[0].calibration.points",
        "with rising volts the values of a sen0189 must be falling throughout",
    ),
    "volts that keep their calibration themselves": (
        probes(calibrated(kind="kept")),
        "probes[0].calibration.kind",
        "a sen0189 keeps no calibration in itself; it is linear or table",
    ),
    "a line that runs the wrong way": (
        probes(calibrated(kind="linear", points=[[4.1, 1000.0], [3.9, 0.0]])),
        "probes[0].calibration.points",
        "with rising volts the values of a sen0189 must be falling throughout",
    ),
    "a standard where one voltage means two values": (
        probes(calibrated(points=[[4.1, 0.0], [2.4, 3000.0]])),
        "probes[0].calibration.points[1]",
        "2.4 V lies outside 2.57 to 4.5 V of the sen0189",
    ),
    "a standard beyond what the model can show": (
        probes(calibrated(points=[[4.1, 0.0], [3.9, 4000.0]])),
        "probes[0].calibration.points[1]",
        "4000 NTU lies outside 0 to 3000 NTU of the sen0189",
    ),
    "a certificate that expired before it was made": (
        probes(calibrated(expires_on="2025-11-02")),
        "probes[0].calibration.expires_on",
        "lies before made_on",
    ),
}


ADS = {"kind": "ads1115"}
EZO = {"parameter": "ph", "model": "ezo-ph", "input": {"bus": 1}}
MODBUS = {"parameter": "turbidity", "model": "modbus-nephelometer", "input": {"line": "rs485"}}
THERMOMETER = {"parameter": "temperature", "model": "ds18b20", "input": {"sensor": "only"}}
LINE = {"port": "/dev/ttyUSB0"}


def on_a_line(*each, **line):
    return {**probes(*each), "lines": {"rs485": {**LINE, **line}}}


def limited(probe, *limits):
    return {**probe, "limits": [{"at": at, "side": side} for at, side in limits]}


BUS_FAULTS = {
    "a channel that the small converter has not": (
        changed("converters", "adc0", to=ADS) | {"probes": [{**PH, "input": {**PH["input"], "channel": 5}}]},
        "probes[0].input.channel",
        "adc0 has channels 0 to 3",
    ),
    "a gain that there is not": (
        changed("converters", "adc0", to={**ADS, "full_scale_volts": [4.096, 4.096, 4.096, 5.0]}),
        "converters.adc0.full_scale_volts[3]",
        "should be one of 6.144, 4.096, 2.048, 1.024, 0.512, 0.256",
    ),
    "an address that the chip cannot have": (
        changed("converters", "adc0", to={**ADS, "address": 0x4C}),
        "converters.adc0.address",
        "should be less than or equal to 75",
    ),
    "a gain that is too high for the probe": (
        changed("converters", "adc0", to={**ADS, "full_scale_volts": [4.096, 2.048, 4.096, 4.096]}),
        "probes[1].input.divider",
        "the probe puts out up to 3.1 V and the converter sees 2.05 V at most; it needs more than 1.51",
    ),
    "two chips with one address": (
        changed("converters", to={"adc0": ADS, "adc1": ADS}),
        "converters.adc1.address",
        "0x48 on I2C bus 1 is already used by converters.adc0",
    ),
    "a circuit at the address of a chip": (
        changed("converters", "adc0", to=ADS) | {"probes": [{**EZO, "input": {"bus": 1, "address": 0x48}}]},
        "probes[0].input.address",
        "0x48 on I2C bus 1 is already used by converters.adc0",
    ),
    "a meter on a pin of the I2C bus": (
        probes(EZO, {**FLOW, "input": {**FLOW["input"], "pin": 3}}),
        "probes[1].input.pin",
        "GPIO3 is already used by I2C bus 1",
    ),
    "a meter on the pin of the 1-wire bus": (
        probes(THERMOMETER, {**FLOW, "input": {**FLOW["input"], "pin": 4}}),
        "probes[1].input.pin",
        "GPIO4 is already used by the 1-wire bus",
    ),
    "a meter on a pin of the UART": (
        {**on_a_line(MODBUS, {**FLOW, "input": {**FLOW["input"], "pin": 15}}, port="/dev/serial0")},
        "probes[1].input.pin",
        "GPIO15 is already used by the Pi's UART",
    ),
    "a line that is not there": (
        on_a_line({**MODBUS, "input": {"line": "rs458"}}),
        "probes[0].input.line",
        "there is no lines.rs458; did you mean `rs485`?",
    ),
    "a port that is no device": (
        on_a_line(MODBUS, port="ttyUSB0"),
        "lines.rs485.port",
        "String should match pattern '^/dev/'",
    ),
    "a speed that there is not": (on_a_line(MODBUS, baud=9601), "lines.rs485.baud", None),
    "a sensor that is no sensor": (
        probes({**THERMOMETER, "input": {"sensor": "28-xyz"}}),
        "probes[0].input.sensor",
        "String should match pattern '^(only|[0-9a-f]{2}-[0-9a-f]{12})$'",
    ),
    "a circuit on a converter": (
        probes({**EZO, "input": PH["input"]}),
        "probes[0].input",
        "ezo-ph answers in words on an I2C bus and hangs on the wrong wire",
    ),
    "a Modbus probe on the 1-wire bus": (
        probes({**MODBUS, "input": THERMOMETER["input"]}),
        "probes[0].input",
        "modbus-nephelometer answers in registers on a serial line and hangs on the wrong wire",
    ),
    "a certificate on a thermometer": (
        probes({**THERMOMETER, "calibration": CERTIFICATE}),
        "probes[0].calibration",
        "a ds18b20 is calibrated by its maker",
    ),
    "a certificate of volts on an instrument": (
        probes({**EZO, "calibration": {**CERTIFICATE, "points": [[7.0, 7.0], [4.0, 10.0]]}}),
        "probes[0].calibration.points",
        "what it shows and what the standards are must rise together throughout",
    ),
    "a standard beyond what an instrument shows": (
        probes({**EZO, "calibration": {**CERTIFICATE, "points": [[7.0, 7.0], [40.0, 10.0]]}}),
        "probes[0].calibration.points[1]",
        "40 pH lies outside 0 to 14 pH of the ezo-ph",
    ),
    "a temperature for a probe that it is nothing to": (
        {**on_a_line({**MODBUS, "temperature": {"celsius": 11.5, "within": 2.0}})},
        "probes[0].temperature",
        "the temperature of the water is nothing to a modbus-nephelometer",
    ),
    "1 NTU on an indicative probe": (
        probes(limited(TURBIDITY, (1.0, "above"))),
        "probes[0].limits[0]",
        (
            "sen0189: an indicative probe shows change and cannot evidence a limit of 1 NTU;"
            " at 1 NTU it is uncertain by 350 NTU (350 + 10% of 1)"
        ),
    ),
    "1 NTU on a nephelometer that is not good enough": (
        on_a_line(limited(MODBUS, (4.0, "above"), (1.0, "above"))),
        "probes[0].limits[1]",
        "modbus-nephelometer: at 1 NTU the probe is uncertain by 0.35 NTU; at most 0.3 NTU would evidence it",
    ),
    "a limit beyond what the probe can show": (
        probes(limited(PH, (14.5, "above"))),
        "probes[0].limits[0]",
        "sen0161-v2: 14.5 pH lies outside what the probe can show (0 to 14 pH)",
    ),
}


@pytest.mark.parametrize(("table", "key", "reason"), BUS_FAULTS.values(), ids=BUS_FAULTS.keys())
def test_what_hangs_on_a_bus_is_refused_with_key_and_reason(tmp_path, table, key, reason):
    ((said_key, said_reason),) = refusal(tmp_path, table)

    assert said_key == key
    assert reason is None or said_reason == reason


def test_two_probes_on_one_line_have_two_addresses():
    second = SimpleNamespace(input=RegisterWiring(line="rs485"), model="sen0710")
    first = SimpleNamespace(input=RegisterWiring(line="rs485"), model="modbus-nephelometer")
    lines = {"rs485": SerialLine(port="/dev/ttyUSB0", baud=9600)}

    assert [(problem.key, problem.reason) for problem in line_problems(lines, [first, second])] == [
        ("probes[1].input.unit", "address 1 on rs485 is already used by probes[0]")
    ]


def test_a_line_whose_speed_is_left_to_makers_who_differ_is_refused():
    second = SimpleNamespace(input=RegisterWiring(line="rs485", unit=2), model="sen0710")
    first = SimpleNamespace(input=RegisterWiring(line="rs485"), model="modbus-nephelometer")

    ((problem),) = line_problems({"rs485": SerialLine(port="/dev/ttyUSB0")}, [first, second])

    assert problem.key == "lines.rs485.baud"
    assert problem.reason.startswith("is left to the makers of its probes, who differ (4800, 9600)")


def test_what_a_line_leaves_out_is_as_the_maker_set_it(tmp_path):
    left_out = load_device_config(written(tmp_path, on_a_line(MODBUS))).line("rs485")
    said = load_device_config(written(tmp_path, on_a_line(MODBUS, baud=19200, parity="even", stop_bits=2)))

    assert left_out == LineSettings("/dev/ttyUSB0", 9600, "none", 1, 0.5)
    assert said.line("rs485") == LineSettings("/dev/ttyUSB0", 19200, "even", 2, 0.5)


def test_a_limit_that_the_probe_can_evidence_stands(tmp_path):
    table = on_a_line(limited(MODBUS, (4.0, "above")), limited(PH, (6.5, "below"), (9.0, "above")))

    turbidity, ph = load_device_config(written(tmp_path, table)).probes

    assert turbidity.limits[0].as_limit(Parameter.TURBIDITY).bounds() == (4.0,)
    assert [limit.as_limit(Parameter.PH).low for limit in ph.limits] == [6.5, None]


def test_the_water_of_a_village_may_be_known_by_heart(tmp_path):
    table = probes({**PH, "temperature": {"celsius": 11.5, "within": 2.0}})

    assert load_device_config(written(tmp_path, table)).probes[0].temperature.celsius == 11.5


@pytest.mark.parametrize(("table", "key", "reason"), FAULTS.values(), ids=FAULTS.keys())
def test_it_is_refused_with_key_and_reason(tmp_path, table, key, reason):
    assert refusal(tmp_path, table) == [(key, reason)]


def test_two_meters_cannot_hang_on_one_pin(tmp_path):
    assert refusal(tmp_path, probes(FLOW, FLOW)) == [
        ("probes[1].input.pin", "GPIO17 is already used by probes[0]"),
        ("probes[1].parameter", "flow is already measured by probes[0]"),
    ]


def test_two_buses_share_all_of_their_pins_or_none(tmp_path):
    partly = changed("converters", "adc1", to={"kind": "mcp3008", "clock_pin": 5, "select_pin": 6})

    assert refusal(tmp_path, partly) == [
        ("converters.adc1.mosi_pin", "GPIO10 is already used by the SPI bus on GPIO11, 10 and 9"),
        ("converters.adc1.miso_pin", "GPIO9 is already used by the SPI bus on GPIO11, 10 and 9"),
    ]


def test_an_unknown_model_is_refused_with_those_that_are_known(tmp_path):
    ((key, reason),) = refusal(tmp_path, changed("probes", 1, "model", to="sen0161"))

    assert key == "probes[1].model"
    assert "did you mean `sen0161-v2`?" in reason
    assert "yf-s201" in reason


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    table = probes(
        {**PH, "model": "sen9999"},
        {**FLOW, "input": {"pin": 7, "pulses_per_litre": 7.5}},
        {**TURBIDITY, "input": {"converter": "adc1", "channel": 1, "divider": 1.5}},
    )

    assert [key for key, _ in refusal(tmp_path, table)] == [
        "probes[1].input.pin",
        "probes[0].model",
        "probes[1].input.pulses_per_litre",
        "probes[2].input.converter",
    ]


def test_a_refusal_is_one_line_for_each_problem_and_the_operators_to_mend(tmp_path):
    path = written(tmp_path, {**changed("device", to="kk7"), "zzz": 1})

    with pytest.raises(ConfigError) as refused:
        load_device_config(path)

    lines = str(refused.value).splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"{path}: ") for line in lines)
    assert refused.value.mended_by is MendedBy.OPERATOR


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigRefused, match=r"nowhere\.toml: no such file"):
        load_device_config(tmp_path / "nowhere.toml")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ConfigRefused, match=f"{tmp_path}: cannot be read"):
        load_device_config(tmp_path)


@pytest.mark.parametrize("content", [b"device = kk-0007", b"\xff\xfe\x00", b"a = 1\na = 2"])
def test_a_file_that_is_no_toml_says_so(tmp_path, content):
    path = tmp_path / "device.toml"
    path.write_bytes(content)

    with pytest.raises(ConfigRefused, match=r"device\.toml: not TOML: "):
        load_device_config(path)


def test_two_converters_may_share_the_whole_bus(tmp_path):
    table = changed("converters", "adc1", to={"kind": "mcp3008", "select_pin": 7})

    assert set(load_device_config(written(tmp_path, table)).converters) == {"adc0", "adc1"}


def test_without_a_converter_the_pins_of_spi_are_free(tmp_path):
    table = changed("probes", to=[{**FLOW, "input": {**FLOW["input"], "pin": 8}}])
    del table["converters"]

    assert load_device_config(written(tmp_path, table)).probes[0].input.pin == 8


def test_the_probes_are_asked_at_every_observation_or_more_often(tmp_path):
    assert load_device_config(written(tmp_path, SOUND)).asks_every_s == 60.0
    assert load_device_config(written(tmp_path, changed("sample_every_s", to=1.0))).asks_every_s == 1.0
    with pytest.raises(ConfigRefused, match="sample_every_s: is longer than the 60 s"):
        load_device_config(written(tmp_path, changed("sample_every_s", to=61.0)))


def test_reporting_is_told_by_parameter_and_has_its_defaults(tmp_path):
    assert load_device_config(written(tmp_path, SOUND)).reporting == ReportingConfig()
    told = {"mode": "adaptive", "deadbands": {"ph": 0.1, "volume": 0.01}, "near_limits": {"turbidity": 1.0}}

    reporting = load_device_config(written(tmp_path, {**SOUND, "reporting": told})).reporting

    assert (reporting.mode, reporting.longest_silence_s) == (ReportingMode.ADAPTIVE, 600.0)
    assert reporting.deadbands == {Parameter.PH: 0.1, Parameter.VOLUME: 0.01}
    assert reporting.near_limits == {Parameter.TURBIDITY: 1.0}


@pytest.mark.parametrize(
    ("told", "key", "reason"),
    [
        ({"deadbands": {"temperature": 0.5}}, "reporting.deadbands.temperature", "no probe measures it"),
        ({"near_limits": {"temperature": 0.5}}, "reporting.near_limits.temperature", "no probe measures it"),
        ({"deadbands": {"ph": -1}}, "reporting.deadbands.ph", "should be greater than or equal to 0"),
        ({"longest_silence_s": 0}, "reporting.longest_silence_s", "should be greater than or equal to 1"),
        ({"mode": "seldom"}, "reporting.mode", "should be 'every' or 'adaptive'"),
    ],
)
def test_reporting_that_cannot_be_meant_is_refused(tmp_path, told, key, reason):
    with pytest.raises(ConfigRefused) as refused:
        load_device_config(written(tmp_path, {**SOUND, "reporting": told}))

    assert [(problem.key, problem.reason) for problem in refused.value.problems] == [(key, reason)]


def uncommented(text):
    """The sample with every default written out."""
    return re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)


def said(sample):
    """Each key of a sample with the sentence above it."""
    lines = sample.read_text(encoding="utf-8").splitlines()
    return [
        (re.match(r"(?:# )?(\w+) = ", line).group(1), before, line)
        for before, line in pairwise(lines)
        if before.startswith("## ") and not line.startswith("## ")
    ]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_sample_is_a_sound_device(sample):
    assert load_device_config(sample).probes


def test_the_first_sample_has_a_probe_of_each_parameter():
    config = load_device_config(SAMPLE)

    assert {probe.parameter for probe in config.probes} == set(Parameter) - {Parameter.VOLUME}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_every_default_that_a_sample_shows_is_the_default(tmp_path, sample):
    full = tmp_path / "device.toml"
    full.write_text(uncommented(sample.read_text(encoding="utf-8")), encoding="utf-8")

    assert load_device_config(full) == load_device_config(sample)


def test_the_samples_document_every_key_and_no_other():
    documented = {key for sample in SAMPLES for key, _, _ in said(sample)}

    assert documented == {keys[-1] for keys, _ in leaves(DeviceConfig)}


def test_every_key_without_a_default_is_said_to_be_required():
    may_be_left_out = (
        "divider",
        "sample_every_s",
        "temperature_c",
        "address",
        "baud",
        "parity",
        "stop_bits",
        "unit",
    )
    for key, before, line in (each for sample in SAMPLES for each in said(sample)):
        if not line.startswith("# ") and key not in may_be_left_out:
            assert "Required" in before or "Optional" in before, line
