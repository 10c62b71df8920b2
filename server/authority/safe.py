"""Where the authority keeps its keys: one folder, which nobody but its owner can read keys in.

    ca/certificate.pem           what devices and the broker trust
    ca/key.pem                   the key that signs; locked when there is a passphrase
    crl.pem                      what was taken back: the broker's `crlfile`
    devices/ID/SERIAL/…          certificate and key of a device, until its card is made, and again for the next one

Invariants: a name is there whole or not at all; a key is never readable by anybody else, not for an instant; the
keys of devices are locked as the authority's own is. Is not: the record of who has which certificate, which is in
the database; the revocation list is written from there.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from firmware_config.whole_file import PRIVATE, PUBLIC, replace_file, write_new_folder
from server.authority.signing import Issued, Signer, new_signer, pem_of, pem_of_key
from waterquality.errors import ConfigError

_SECRET = "tskaro_authority_passphrase"  # noqa: S105 - the name of a file


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a device shows the broker, and what it knows the broker by; all PEM.

    Attributes:
        authority: the authority's certificate.
        certificate: the device's own.
        key: its key, without a passphrase.
    """

    authority: bytes
    certificate: bytes
    key: bytes = field(repr=False)


class Safe:
    """The folder of an authority.

    Args:
        folder: where it is, or will be.
        passphrase: what locks the keys; empty leaves them open to whoever owns the folder.
    """

    def __init__(self, folder: Path, passphrase: str = "") -> None:
        self.folder, self._passphrase = folder, passphrase.encode() or None

    @property
    def authority(self) -> Path:
        """The authority's certificate."""
        return self.folder / "ca" / "certificate.pem"

    @property
    def revocations(self) -> Path:
        """What the broker's `crlfile` names."""
        return self.folder / "crl.pem"

    def exists(self) -> bool:
        """Whether there is an authority."""
        return (self.folder / "ca").exists()

    def make(self, now: datetime, lasts: timedelta) -> None:
        """Begin a new authority; somebody else's of the same moment stands.

        Raises:
            ConfigError: the folder cannot be written; mended by the operator.
        """
        signer = new_signer(now, lasts)
        key = pem_of_key(signer.key, self._passphrase)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_new_folder(
                self.folder / "ca",
                {"certificate.pem": (pem_of(signer.certificate), PUBLIC), "key.pem": (key, PRIVATE)},
            )
        except FileExistsError:
            return
        except OSError as error:
            raise self._not_written(error) from error

    def signer(self) -> Signer:
        """The authority's certificate and key.

        Raises:
            ConfigError: there is none, or it cannot be opened; mended by the operator.
        """
        certificate = x509.load_pem_x509_certificate(self._read(self.authority))
        return Signer(certificate, self._unlocked(self.folder / "ca" / "key.pem"))

    def put(self, issued: Issued) -> None:
        """Keep what was issued to a device.

        Raises:
            ConfigError: the folder cannot be written; mended by the operator.
        """
        key = serialization.load_pem_private_key(issued.key, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        files = {
            "certificate.pem": (issued.certificate, PUBLIC),
            "key.pem": (pem_of_key(key, self._passphrase), PRIVATE),
        }
        above = self._folder_of(issued.name)
        try:
            above.mkdir(parents=True, exist_ok=True)
            write_new_folder(above / issued.serial, files)
        except OSError as error:
            raise self._not_written(error) from error

    def credentials(self, device: str, serial: str) -> Credentials:
        """What a device needs.

        Raises:
            ConfigError: it is not kept here, or cannot be opened; mended by the operator.
        """
        folder = self._folder_of(device) / serial
        key = self._unlocked(folder / "key.pem")
        return Credentials(
            self._read(self.authority), self._read(folder / "certificate.pem"), pem_of_key(key)
        )

    def write_revocations(self, content: bytes) -> None:
        """Put a new list in the place of the old one.

        Raises:
            ConfigError: the folder cannot be written; mended by the operator.
        """
        try:
            replace_file(self.revocations, content, mode=PUBLIC)
        except OSError as error:
            raise self._not_written(error) from error

    def _folder_of(self, device: str) -> Path:
        return self.folder / "devices" / device

    def _unlocked(self, path: Path) -> ec.EllipticCurvePrivateKey:
        try:
            key = serialization.load_pem_private_key(self._read(path), self._passphrase)
        except TypeError as error:  # one of the two: locked and no passphrase, or open and a passphrase
            reason = "has no passphrase, and one was given" if self._passphrase else "is locked"
            raise ConfigError(f"{path}: {reason}; see the secret file {_SECRET}") from error
        except ValueError as error:
            raise ConfigError(f"{path}: cannot be opened: wrong passphrase ({_SECRET}), or no key") from error
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            if not self.exists():
                reason = "there is no authority yet; the first `tskaro device create` makes it"
                raise ConfigError(f"{self.folder}: {reason}") from error
            raise ConfigError(f"{path}: no such file; put it back, or `tskaro device replace`") from error
        except OSError as error:
            reason = f"{error.strerror}; run this as the user that owns {self.folder}"
            raise ConfigError(f"{path}: cannot be read: {reason}") from error

    def _not_written(self, error: OSError) -> ConfigError:
        reason = f"{error.strerror or error}; authority.folder has to belong to who runs this"
        return ConfigError(f"{self.folder}: cannot be written: {reason}")
