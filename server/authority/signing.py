"""What the authority signs: itself, devices, brokers, and the list of those it has taken back.

Pure but for the randomness of keys and serial numbers: time is an argument, and nothing is read or written. EC
P-256 throughout: every TLS library of a Raspberry Pi and every broker knows it, and a handshake costs little.
A certificate begins a day before it is made, since the clock of the other side may be slow.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from waterquality.errors import ConfigError

_SLOW_CLOCK = timedelta(days=1)
_NO_USE = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)


@dataclass(frozen=True, slots=True)
class Signer:
    """The authority's own certificate and key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key, just made.

    Attributes:
        name: who it is for: the id of a device, or the first name of a broker.
        serial: serial number, hexadecimal.
        not_before: valid from; aware UTC.
        not_after: valid until; aware UTC.
        certificate: PEM.
        key: PEM, without a passphrase.
    """

    name: str
    serial: str
    not_before: datetime
    not_after: datetime
    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Revoked:
    """A certificate that was taken back.

    Attributes:
        serial: hexadecimal.
        at: since when; aware UTC.
    """

    serial: str
    at: datetime


def new_signer(now: datetime, lasts: timedelta) -> Signer:
    """A new authority, which signs nothing below itself but devices and brokers."""
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    name = _name(f"Tskaro authority {serial & 0xFFFFFFFF:08x}")  # two authorities must not be named alike
    usage = x509.KeyUsage(**{**_NO_USE, "key_cert_sign": True, "crl_sign": True})
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), serial, now - _SLOW_CLOCK, now + lasts)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Signer(built.sign(key, hashes.SHA256()), key)


def issue_to_device(signer: Signer, device: str, now: datetime, lasts: timedelta) -> Issued:
    """A certificate by which a device shows the broker who it is; its common name is the device's id.

    Raises:
        ConfigError: it would outlive the authority; mended by the operator.
    """
    return _issue(signer, device, ExtendedKeyUsageOID.CLIENT_AUTH, now, lasts)


def issue_to_broker(signer: Signer, names: Sequence[str], now: datetime, lasts: timedelta) -> Issued:
    """A certificate by which a broker shows devices who it is.

    Args:
        signer: the authority.
        names: the host names and addresses that devices know it by, at least one.
        now: the time.
        lasts: how long it is valid.

    Raises:
        ConfigError: it would outlive the authority; mended by the operator.
    """
    known_by = x509.SubjectAlternativeName([_alternative(name) for name in names])
    return _issue(signer, names[0], ExtendedKeyUsageOID.SERVER_AUTH, now, lasts, known_by)


def revocation_list(signer: Signer, revoked: Iterable[Revoked], now: datetime) -> bytes:
    """The list of what was taken back, PEM, for the broker's `crlfile`.

    It stays valid as long as the authority: OpenSSL refuses *every* client once a list is out of date.
    """
    ends = signer.certificate.not_valid_after_utc
    number = x509.CRLNumber(int(now.timestamp() * 1000))
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
    built = x509.CertificateRevocationListBuilder(signer.certificate.subject, now - _SLOW_CLOCK, ends)
    built = built.add_extension(number, critical=False).add_extension(authority, critical=False)
    for each in revoked:
        entry = x509.RevokedCertificateBuilder(int(each.serial, 16), each.at).build()
        built = built.add_revoked_certificate(entry)
    return built.sign(signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def pem_of(certificate: x509.Certificate) -> bytes:
    """A certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def pem_of_key(key: ec.EllipticCurvePrivateKey, passphrase: bytes | None = None) -> bytes:
    """A key as PEM (PKCS 8), locked when there is a passphrase."""
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        lock = serialization.BestAvailableEncryption(passphrase)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def _issue(
    signer: Signer,
    name: str,
    use: x509.ObjectIdentifier,
    now: datetime,
    lasts: timedelta,
    *more: x509.ExtensionType,
) -> Issued:
    ends = signer.certificate.not_valid_after_utc
    if now + lasts > ends:
        raise ConfigError(
            f"a certificate of {lasts.days} days would outlive the authority, which ends on {ends:%Y-%m-%d}: "
            "shorten authority.device_days or authority.broker_days, or begin a new authority"
        )
    key, serial = ec.generate_private_key(ec.SECP256R1()), x509.random_serial_number()
    begins = now - _SLOW_CLOCK
    built = x509.CertificateBuilder(
        signer.certificate.subject, _name(name), key.public_key(), serial, begins, now + lasts
    )
    usage = x509.KeyUsage(**{**_NO_USE, "digital_signature": True})
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
    built = built.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    built = built.add_extension(usage, critical=True).add_extension(issuer, critical=False)
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    for extension in (x509.ExtendedKeyUsage([use]), own, *more):
        built = built.add_extension(extension, critical=False)
    signed = built.sign(signer.key, hashes.SHA256())
    return Issued(
        name,
        f"{serial:x}",
        signed.not_valid_before_utc,
        signed.not_valid_after_utc,
        pem_of(signed),
        pem_of_key(key),
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
