"""The certificates made on this device: an append-only folder, one JSON file for each.

**Invariants**
* A page is there whole or not at all, whenever the power fails; none is ever changed or removed.
* The newest that fits the probe counts: the highest number among those of its parameter and model. A certificate in
  the device's configuration that was made on a later day counts before it.
* A damaged page is set aside and said; the one before it counts again.

Not the judgement of a calibration: that is `edge.calibrating`.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import structlog
from pydantic import ValidationError

from firmware_config.certified import curve_problems, shown_problems
from firmware_config.datasheet import PulseSignal, VoltageSignal, load
from firmware_config.device import DeviceConfig
from firmware_config.filed import Filed
from firmware_config.parts import CalibrationCertificate, ProbeConfig, PulseWiring
from firmware_config.signals import EzoSignal, RegisterSignal
from firmware_config.whole_file import replace_file
from waterquality.errors import ConfigError
from waterquality.parameters import Parameter

_log = structlog.get_logger()
_DAMAGED = ".damaged"


class CertificateFolder:
    """The folder.

    Args:
        path: where it is; made with the first page.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def pages(self) -> tuple[Filed, ...]:
        """Every sound page, oldest first.

        Raises:
            OSError: the folder cannot be read; mended by the operator.
        """
        return tuple(sorted(self._sound(), key=lambda page: page.number))

    def add(self, page: Filed) -> Filed:
        """File a page under the next number.

        Args:
            page: its own number is not looked at.

        Raises:
            OSError: it is not filed; mended by the operator.
        """
        numbered = page.model_copy(update={"number": 1 + max(self._numbers(), default=0)})
        name = f"{numbered.number:06}-{numbered.parameter}.json"
        replace_file(self._path / name, numbered.as_json().encode())
        return numbered

    def _numbers(self) -> Iterator[int]:
        """Numbers ever given out, those of damaged pages too."""
        for file in self._files("*"):
            first = file.name.split("-")[0]
            if first.isdecimal():
                yield int(first)

    def _files(self, pattern: str) -> Iterable[Path]:
        return sorted(self._path.glob(pattern)) if self._path.is_dir() else ()

    def _sound(self) -> Iterator[Filed]:
        for file in self._files("*.json"):
            try:
                yield Filed.model_validate_json(file.read_bytes())
            except ValidationError as error:
                _log.error("certificate_damaged", file=str(file), detail=str(error)[:200])
                _set_aside(file)


def _set_aside(file: Path) -> None:
    try:
        file.rename(file.with_name(file.name + _DAMAGED))
    except OSError as error:  # it stays, and is passed over again
        _log.warning("certificate_not_set_aside", file=str(file), detail=str(error))


def in_force(config: DeviceConfig, pages: Iterable[Filed]) -> Mapping[Parameter, CalibrationCertificate]:
    """The certificate that counts for each probe that has one.

    Args:
        config: what is wired, and what it was calibrated with by hand.
        pages: of the folder, oldest first.
    """
    newest_first = [page for page in reversed(tuple(pages)) if page.device == config.device]
    found = ((probe.parameter, _newest(probe, newest_first)) for probe in config.probes)
    return {parameter: certificate for parameter, certificate in found if certificate is not None}


def calibrated(
    config: DeviceConfig, certificates: Mapping[Parameter, CalibrationCertificate]
) -> DeviceConfig:
    """The configuration with each probe's certificate in its place: a meter's becomes its pulses per litre."""
    probes = tuple(_with(probe, certificates.get(probe.parameter)) for probe in config.probes)
    return config.model_copy(update={"probes": probes})


def as_calibrated(config: DeviceConfig, folder: CertificateFolder) -> DeviceConfig:
    """The configuration with the certificates in force.

    Raises:
        ConfigError: the folder cannot be read; mended by the operator.
    """
    try:
        return calibrated(config, in_force(config, folder.pages()))
    except OSError as error:
        raise ConfigError(f"the certificates cannot be read: {error}") from error


def _with(probe: ProbeConfig, certificate: CalibrationCertificate | None) -> ProbeConfig:
    if certificate is None:
        return probe
    if isinstance(probe.input, PulseWiring):
        wiring = probe.input.model_copy(update={"pulses_per_litre": certificate.pulses_per_litre})
        return probe.model_copy(update={"input": wiring})
    return probe.model_copy(update={"calibration": certificate})


def _newest(probe: ProbeConfig, pages: Iterable[Filed]) -> CalibrationCertificate | None:
    by_hand = probe.calibration
    for page in pages:
        made = page.certificate
        if made is None or (page.parameter, page.model) != (probe.parameter, probe.model):
            continue
        if by_hand is not None and by_hand.made_on > made.made_on:
            return by_hand
        if fits(made, probe):
            return made
        _log.error("certificate_unfit", parameter=probe.parameter, certificate=made.id)
    return by_hand


def fits(certificate: CalibrationCertificate, probe: ProbeConfig) -> bool:
    """Whether the datasheet of a probe allows what a certificate says."""
    sheet = load(probe.model)
    if isinstance(sheet.signal, VoltageSignal):
        return not any(curve_problems("", certificate, sheet, sheet.signal))
    if isinstance(sheet.signal, PulseSignal):
        low, high = sheet.signal.pulses_per_litre
        return certificate.rises and low <= certificate.pulses_per_litre <= high
    if isinstance(sheet.signal, EzoSignal | RegisterSignal):
        return not any(shown_problems("", certificate, sheet))
    return False
