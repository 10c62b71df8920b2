"""A small certificate authority for tests, and what it issues: valid, expired, from another authority."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC)  # a real broker looks at the real time


@dataclass
class Authority:
    """Signs into a folder."""

    folder: Path
    name: str = "ca"

    def __post_init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._issue(self.name, self._key, self._key, self.name, is_ca=True, until=NOW + timedelta(days=900))

    @property
    def pem(self) -> Path:
        return self.folder / f"{self.name}.pem"

    def issue(
        self, subject: str, *, until: datetime = NOW + timedelta(days=365), since: datetime | None = None
    ) -> None:
        """`subject.pem` and `subject.key`; good for 127.0.0.1."""
        self._issue(
            subject, ec.generate_private_key(ec.SECP256R1()), self._key, self.name, until=until, since=since
        )

    def _issue(self, subject, key, signer, issuer, *, until, since=None, is_ca=False) -> None:
        built = (
            x509.CertificateBuilder()
            .subject_name(_named(subject))
            .issuer_name(_named(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(since or NOW - timedelta(days=400))
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
                critical=False,
            )
            .sign(signer, hashes.SHA256())
        )
        (self.folder / f"{subject}.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
        (self.folder / f"{subject}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
