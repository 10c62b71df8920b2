import re
from copy import deepcopy
from itertools import pairwise
from pathlib import Path

import pytest

import firmware_config
from firmware_config.device import DeviceConfig, load_device_config
from firmware_config.errors import ConfigRefused
from firmware_config.parts import Power, PulseWiring, VoltageWiring
from firmware_config.schema import leaves
from waterquality.errors import ConfigError, MendedBy
from waterquality.parameters import Parameter

SAMPLE = Path(firmware_config.__file__).with_name("device.sample.toml")

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
        "the probe puts out up to 4.6 V and the converter sees 3.3 V at most; it needs at least 1.39",
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


def uncommented(text):
    """The sample with every default written out."""
    return re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)


def test_the_sample_is_a_sound_device():
    config = load_device_config(SAMPLE)

    assert {probe.parameter for probe in config.probes} == {Parameter.TURBIDITY, Parameter.PH, Parameter.FLOW}


def test_every_default_that_the_sample_shows_is_the_default(tmp_path):
    full = tmp_path / "device.toml"
    full.write_text(uncommented(SAMPLE.read_text(encoding="utf-8")), encoding="utf-8")

    assert full.read_text(encoding="utf-8") != SAMPLE.read_text(encoding="utf-8")
    assert load_device_config(full) == load_device_config(SAMPLE)


def test_the_sample_documents_every_key_and_no_other():
    lines = SAMPLE.read_text(encoding="utf-8").splitlines()
    documented = {
        re.match(r"(?:# )?(\w+) = ", line).group(1)
        for before, line in pairwise(lines)
        if before.startswith("## ") and not line.startswith("## ")
    }

    assert documented == {keys[-1] for keys, _ in leaves(DeviceConfig)}


def test_every_key_without_a_default_is_said_to_be_required():
    lines = SAMPLE.read_text(encoding="utf-8").splitlines()
    for before, line in pairwise(lines):
        if before.startswith("## ") and not line.startswith(("# ", "## ", "divider", "sample_every_s")):
            assert "Required" in before or "Optional" in before, line
