"""What each probe shows, and how its calibration stands."""

from collections.abc import Iterator
from datetime import date, timedelta
from types import MappingProxyType

from edge.doctor.findings import Finding, Severity, well
from edge.live import Frame, number_text, raw_text
from firmware_config.catalogues import Phrase, said
from firmware_config.datasheet import Datasheet, VoltageSignal, load
from firmware_config.device import DeviceConfig
from firmware_config.parts import ProbeConfig
from firmware_config.signals import EzoSignal, RegisterSignal
from firmware_config.words import PARAMETERS, UNITS, WHYS
from waterquality.flags import Flag, Why
from waterquality.parameters import Parameter
from waterquality.readings import Reading

_SOON = timedelta(days=7)

MENDS: MappingProxyType[Why, Phrase] = MappingProxyType(
    {
        Why.PROBE_DISCONNECTED: said(
            "Look at its plug and cable, and whether it has power; then at the converter."
        ),
        Why.PROBE_SATURATED: said(
            "If the water is clear: clean its window. If the water is thick, it is right."
        ),
        Why.PROBE_STUCK: said("Take it out of the water and put it back; if the number stays, replace it."),
        Why.PROBE_NOISY: said(
            "Keep its cable away from pumps and mains; look for bubbles, daylight, a loose screw."
        ),
        Why.PROBE_NOT_SETTLED: said("Give it a minute and look again."),
        Why.PROBE_FAULT: said(
            "It answers, but not as it should: switch its power off and on; look into its manual."
        ),
        Why.PROBE_SERVICED: said("Service mode is on; it ends by itself."),
        Why.PROBE_UNCALIBRATED: said("Calibrate it: tskaro-edge calibrate %(parameter)s"),
        Why.OUT_OF_RANGE: said("Clean it and check it in a standard; look for noise on the cable."),
        Why.OUT_OF_CURVE: said(
            "Check it in a standard, then calibrate it: tskaro-edge calibrate %(parameter)s"
        ),
        Why.UNUSUAL_VALUE: said("Check it in a standard before you doubt the water."),
        Why.STAGNANT_SAMPLE: said("Open the tap: the water is standing."),
        Why.FIRST_FLUSH: said("Wait: the first water after a pause is always like that."),
        Why.TEMPERATURE_UNKNOWN: said("Look at the thermometer: its plug, its cable, the 1-wire bus."),
        Why.TEMPERATURE_OUT_OF_RANGE: said(
            "Bring the water or the probe to its range: sun, frost, a hot box."
        ),
        Why.NOT_RECORDED: said("Give it a minute and look again."),
        Why.CLOCK_UNCERTAIN: said("Connect the network, so that the clock is set."),
        Why.SPIKE: said("Look for bubbles, a leaf, a loose wire."),
        Why.CHANGED_TOO_FAST: said("Look at the water first; then check the probe in a standard."),
        Why.FLAT_LINE: said("Take it out of the water and put it back; if the number stays, replace it."),
        Why.ATTENUATED_SIGNAL: said("Clean it and check it in a standard: it hardly answers to the water."),
        Why.AFTER_GAP: said("Wait for the next one."),
        Why.UNUSUAL_FOR_THE_MONTH: said("Check it in a standard before you doubt the water."),
        Why.PROBES_DISTURBED: said(
            "Look for what the probes share: power, converter, cable, the water itself."
        ),
    }
)


def probes(config: DeviceConfig, frame: Frame | None) -> Iterator[Finding]:
    """Every probe, by what it shows now.

    Args:
        config: what is wired.
        frame: what was read; None where nothing could be.
    """
    for probe in config.probes:
        name = Phrase(PARAMETERS[probe.parameter])
        reading = frame.of(probe.parameter) if frame is not None else None
        if reading is None:
            words = said("%(what)s: no reading came.", what=name)
            yield Finding(f"probe.{probe.parameter}", Severity.UNSEEN, words)
        else:
            yield _shown(f"probe.{probe.parameter}", name, reading, load(probe.model))


def _shown(what: str, name: Phrase, reading: Reading, sheet: Datasheet) -> Finding:
    why = reading.screened.why
    value = _value_of(reading, sheet)
    if not why:
        return well(what, said("%(what)s: %(value)s", what=name, value=value))
    is_broken = reading.flag in (Flag.FAIL, Flag.MISSING) and why not in (
        Why.PROBE_NOT_SETTLED,
        Why.NOT_RECORDED,
        Why.PROBE_SATURATED,
        Why.PROBE_UNCALIBRATED,
    )
    return Finding(
        what,
        Severity.BROKEN if is_broken else Severity.LOOK,
        said("%(what)s: %(value)s, %(why)s", what=name, value=value, why=Phrase(WHYS[why])),
        _mend(why, reading.parameter),
    )


def _mend(why: Why, parameter: Parameter) -> Phrase | None:
    mend = MENDS.get(why)
    return mend and Phrase(mend.text, {"parameter": parameter})


def _value_of(reading: Reading, sheet: Datasheet) -> Phrase | str:
    raw = f" ({raw_text(reading)})" if reading.raw is not None and reading.raw_unit != "count" else ""
    if reading.value is None:
        return said("no value%(raw)s", raw=raw)
    number = number_text(reading, sheet)
    unit = UNITS[reading.parameter]
    return (
        said("%(number)s %(unit)s%(raw)s", number=number, unit=Phrase(unit), raw=raw)
        if unit
        else number + raw
    )


def calibrations(config: DeviceConfig, today: date) -> Iterator[Finding]:
    """The certificate of every probe that needs one.

    Args:
        config: what is wired, with the certificates in force.
        today: the day.
    """
    for probe in config.probes:
        if isinstance(load(probe.model).signal, VoltageSignal | EzoSignal | RegisterSignal):
            yield _calibration(probe, load(probe.model), today)


def _calibration(probe: ProbeConfig, sheet: Datasheet, today: date) -> Finding:
    what, name = f"calibration.{probe.parameter}", Phrase(PARAMETERS[probe.parameter])
    mend = _how_to_calibrate(sheet)
    certificate = probe.calibration
    if certificate is None:
        words = said("%(what)s: nobody vouches for its calibration, so its values are in doubt.", what=name)
        if isinstance(sheet.signal, VoltageSignal):
            words = said("%(what)s: never calibrated, so it sends volts and no value.", what=name)
        return Finding(what, Severity.LOOK, words, mend)
    day = certificate.expires_on
    if day < today:
        words = said("%(what)s: its calibration was trusted until %(day)s.", what=name, day=day)
        return Finding(what, Severity.LOOK, words, mend)
    words = said("%(what)s: calibrated, trusted until %(day)s.", what=name, day=day)
    return Finding(what, Severity.LOOK, words, mend) if day - today <= _SOON else well(what, words)


def _how_to_calibrate(sheet: Datasheet) -> Phrase:
    if isinstance(sheet.signal, RegisterSignal):
        return said(
            "Set it by its maker's manual, then write its certificate into device.toml;"
            " see the guide, calibrate a probe."
        )
    return said("tskaro-edge calibrate %(parameter)s", parameter=sheet.parameter)
