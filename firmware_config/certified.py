"""What is wrong between a certificate and the model of probe it was made for. Pure: problems with their keys."""

from collections.abc import Iterator

from firmware_config.datasheet import Datasheet, Direction, PulseSignal, VoltageSignal
from firmware_config.errors import Problem
from firmware_config.parts import CalibrationCertificate, CurveKind
from firmware_config.signals import OneWireSignal
from waterquality.parameters import SPECS


def calibration_problems(
    key: str, certificate: CalibrationCertificate, sheet: Datasheet
) -> Iterator[Problem]:
    """Everything that is wrong between a certificate in a device's file and the model of its probe.

    Args:
        key: that leads to the certificate, for the problems.
        certificate: sound in itself.
        sheet: of the model.
    """
    match sheet.signal:
        case VoltageSignal() as signal:
            yield from curve_problems(key, certificate, sheet, signal)
        case PulseSignal():
            yield Problem(key, "a pulse meter is calibrated by input.pulses_per_litre")
        case OneWireSignal():
            yield Problem(key, f"a {sheet.model} is calibrated by its maker")
        case _:
            yield from shown_problems(key, certificate, sheet)


def curve_problems(
    key: str, certificate: CalibrationCertificate, sheet: Datasheet, signal: VoltageSignal
) -> Iterator[Problem]:
    """Everything that is wrong between a certificate of volts and the probe model it was made for.

    Args:
        key: that leads to the certificate, for the problems.
        certificate: sound in itself.
        sheet: of the model.
        signal: the sheet's signal.
    """
    unit = SPECS[sheet.parameter].unit
    if certificate.kind is CurveKind.KEPT:
        yield Problem(f"{key}.kind", f"a {sheet.model} keeps no calibration in itself; it is linear or table")
    for at, (volts, value) in enumerate(certificate.points):
        if signal.why_unusable(volts):
            yield Problem(f"{key}.points[{at}]", f"{volts:g} V {_outside(signal.valid_volts, 'V', sheet)}")
        if not sheet.span[0] <= value <= sheet.span[1]:
            yield Problem(f"{key}.points[{at}]", f"{value:g} {unit} {_outside(sheet.span, unit, sheet)}")
    runs_so = {Direction.RISING: certificate.rises, Direction.FALLING: certificate.falls, Direction.ANY: True}
    if not runs_so[signal.direction]:
        reason = f"with rising volts the values of a {sheet.model} must be {signal.direction} throughout"
        yield Problem(f"{key}.points", reason)


def shown_problems(key: str, certificate: CalibrationCertificate, sheet: Datasheet) -> Iterator[Problem]:
    """Everything that is wrong between a certificate and the model of instrument it was made for.

    Args:
        key: that leads to the certificate, for the problems.
        certificate: sound in itself.
        sheet: of the model.
    """
    unit = SPECS[sheet.parameter].unit
    for at, point in enumerate(certificate.points):
        for value in point:
            if not sheet.possible[0] <= value <= sheet.possible[1]:
                yield Problem(f"{key}.points[{at}]", f"{value:g} {unit} {_outside(sheet.span, unit, sheet)}")
    if certificate.kind is not CurveKind.KEPT and not certificate.rises:
        yield Problem(
            f"{key}.points", "what it shows and what the standards are must rise together throughout"
        )


def _outside(span: tuple[float, float], unit: str, sheet: Datasheet) -> str:
    return f"lies outside {span[0]:g} to {span[1]:g} {unit} of the {sheet.model}"
