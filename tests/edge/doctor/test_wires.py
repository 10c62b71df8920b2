"""Buses, probes and calibrations: each fault found, each with its mend."""

from datetime import date
from pathlib import Path

import pytest

from edge.doctor.buses import buses
from edge.doctor.findings import Finding, Severity
from edge.doctor.probes import MENDS, calibrations, probes
from edge.live import Frame
from firmware_config.catalogues import Speech
from firmware_config.device import DeviceConfig
from tests.edge.test_certificates import config, of_ph
from waterquality.flags import Flag, Screened, Why
from waterquality.languages import Language
from waterquality.parameters import Parameter
from waterquality.readings import Reading

ENGLISH = Speech(Language.EN)


def by_name(findings: object) -> dict[str, Finding]:
    return {finding.what: finding for finding in findings}  # type: ignore[attr-defined]


def test_every_bus_that_the_wiring_needs_is_looked_for(tmp_path: Path) -> None:
    found = by_name(buses(config(), dev=tmp_path))

    assert {what: each.severity for what, each in found.items()} == {
        "bus.spi0.0": Severity.BROKEN,
        "bus.gpio": Severity.BROKEN,
    }
    assert "dtparam=spi=on" in ENGLISH.say(found["bus.spi0.0"].mend or "")


def test_buses_that_are_there_are_well(tmp_path: Path) -> None:
    (tmp_path / "spidev0.0").touch()
    (tmp_path / "gpiochip0").touch()

    assert {each.severity for each in buses(config(), dev=tmp_path)} == {Severity.WELL}


def test_a_bus_that_may_not_be_used_names_the_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spidev0.0").touch()
    monkeypatch.setattr("os.access", lambda *_: False)

    found = by_name(buses(config(), dev=tmp_path))["bus.spi0.0"]

    assert found.severity is Severity.BROKEN
    assert "usermod -aG spi tskaro" in ENGLISH.say(found.mend or "")


def shown(reading: Reading) -> Finding:
    frame = Frame(0, True, (reading,))
    return by_name(probes(config(), frame))[f"probe.{reading.parameter}"]


def test_a_probe_with_nothing_amiss_is_well_with_its_numbers() -> None:
    found = shown(Reading(Parameter.PH, 7.4216, raw=1.432))

    assert found.severity is Severity.WELL
    assert ENGLISH.say(found.words) == "pH: 7.42 (1.432 V)"


def test_a_probe_that_was_not_read_is_unseen() -> None:
    assert {each.severity for each in probes(config(), None)} == {Severity.UNSEEN}


@pytest.mark.parametrize(
    ("flag", "why", "severity"),
    [
        (Flag.MISSING, Why.PROBE_DISCONNECTED, Severity.BROKEN),
        (Flag.FAIL, Why.OUT_OF_CURVE, Severity.BROKEN),
        (Flag.FAIL, Why.PROBE_SATURATED, Severity.LOOK),
        (Flag.SUSPECT, Why.PROBE_STUCK, Severity.LOOK),
        (Flag.MISSING, Why.PROBE_NOT_SETTLED, Severity.LOOK),
        (Flag.MISSING, Why.PROBE_UNCALIBRATED, Severity.LOOK),
    ],
)
def test_a_probe_in_trouble_is_told_with_its_mend(flag: Flag, why: Why, severity: Severity) -> None:
    found = shown(Reading(Parameter.PH, None, raw=0.02, screened=Screened(flag, why)))

    assert found.severity is severity
    assert found.mend is not None
    assert "no value (0.020 V)" in ENGLISH.say(found.words)


def test_the_mend_of_an_uncalibrated_probe_can_be_typed_as_it_stands() -> None:
    found = shown(
        Reading(Parameter.PH, None, raw=1.432, screened=Screened(Flag.MISSING, Why.PROBE_UNCALIBRATED))
    )

    assert ENGLISH.say(found.mend or "") == "Calibrate it: tskaro-edge calibrate ph"


def test_there_is_a_mend_for_every_reason() -> None:
    assert set(Why) - {Why.NONE} == set(MENDS)


def with_certificate(made_on: date) -> DeviceConfig:
    return config(calibration=of_ph(made_on=made_on).model_dump(mode="json"))


@pytest.mark.parametrize(
    ("wired", "severity"),
    [
        (config(), Severity.LOOK),
        (with_certificate(date(2026, 11, 2)), Severity.WELL),
        (with_certificate(date(2026, 10, 30)), Severity.LOOK),  # five days are left
        (with_certificate(date(2026, 9, 1)), Severity.LOOK),
    ],
)
def test_a_calibration_is_looked_at_for_its_end(wired: DeviceConfig, severity: Severity) -> None:
    (found,) = calibrations(wired, date(2026, 11, 24))

    assert found.severity is severity


@pytest.mark.parametrize(
    ("probe", "words", "mend"),
    [
        (
            {"parameter": "ph", "model": "ezo-ph", "input": {"bus": 1}},
            "in doubt",
            "tskaro-edge calibrate ph",
        ),
        (
            {"parameter": "turbidity", "model": "modbus-nephelometer", "input": {"line": "rs485"}},
            "in doubt",
            "device.toml",
        ),
    ],
)
def test_an_instrument_that_nobody_vouches_for_is_told_with_its_mend(
    probe: dict, words: str, mend: str
) -> None:
    wired = DeviceConfig.model_validate(
        {
            "schema_version": 1,
            "device": "kk-0007",
            "lines": {"rs485": {"port": "/dev/ttyUSB0"}},
            "probes": [probe],
        }
    )

    (found,) = calibrations(wired, date(2026, 11, 24))

    assert found.severity is Severity.LOOK
    assert words in ENGLISH.say(found.words)
    assert mend in ENGLISH.say(found.mend or "")
