"""Keeps the running probes to the certificates in force, and tells the server of every new one.

**Invariant**: each page of the folder is appended exactly once to an outbox file: the mark of how far was told is
committed with the record itself. A new outbox is told all over again, for it may stand in for one that was lost.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

import structlog

from edge.certificates import CertificateFolder, in_force
from edge.clock import Clock, Instant
from edge.outbox import Outbox, OutboxFull
from edge.probes.port import Calibrated, Probe
from firmware_config.device import DeviceConfig
from firmware_config.parts import CalibrationCertificate
from waterquality.parameters import Parameter
from waterquality.wire.messages import encode_calibration

_log = structlog.get_logger()


class Certifier:
    """Follows the folder.

    Args:
        folder: of the certificates.
        config: what is wired.
        probes: those that run.
        outbox: where new pages go.
    """

    def __init__(
        self, folder: CertificateFolder, config: DeviceConfig, probes: Sequence[Probe], outbox: Outbox
    ) -> None:
        self._folder, self._config, self._probes, self._outbox = folder, config, probes, outbox
        self._lock = threading.Lock()
        self._in_force: Mapping[Parameter, CalibrationCertificate] = {}
        self.changed: Callable[[], None] = lambda: None

    def begin(self, now: Instant) -> None:
        """Follow the folder for the first time; one that cannot be read is said, and keeps nobody from starting."""
        try:
            self.follow(now)
        except OSError as error:
            _log.error("certificates_unreadable", detail=str(error))

    def reader(self, clock: Clock) -> Callable[[], int]:
        """What reads the folder again when it is asked, and says how many certificates are in force."""
        return lambda: len(self.follow(clock.read()))

    def follow(self, now: Instant) -> Mapping[Parameter, str]:
        """Read the folder again, and do what follows from it.

        Args:
            now: stamps the records.

        Returns:
            The id of the certificate in force, by parameter.

        Raises:
            OSError: the folder cannot be read; all stays as it was; mended by the operator.
        """
        with self._lock:
            pages = self._folder.pages()
            self._in_force = in_force(self._config, pages)
            for probe in self._probes:
                certificate = self._in_force.get(probe.parameters[0])
                if isinstance(probe, Calibrated) and certificate is not None:
                    probe.calibrate(certificate)
            try:
                for page in pages:
                    if page.number > self._outbox.certificates_told:
                        self._outbox.append_certificate(now, page.as_json(), page.number)
            except (OutboxFull, sqlite3.OperationalError) as error:
                _log.error("append_failed", detail=str(error))
        self.changed()
        return {parameter: certificate.id for parameter, certificate in self._in_force.items()}

    def message(self) -> bytes:
        """The certificates in force, as the retained message has them."""
        return encode_calibration(dict(_tables(self._in_force)))


def _tables(
    certificates: Mapping[Parameter, CalibrationCertificate],
) -> Iterator[tuple[str, dict[str, object]]]:
    for parameter, certificate in certificates.items():
        yield str(parameter), certificate.model_dump(mode="json", exclude_none=True)
