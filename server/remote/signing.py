"""Signing software for devices: a key pair, a bundle of wheels, and the offer that a bundle is signed with.

The private key belongs on no server: whoever has it runs code on every device. It signs on a machine of its own,
and only the offer (manifest and signature) travels.
"""

import hashlib
import os
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from waterquality.errors import ConfigError
from waterquality.wire.rejection import Malformed
from waterquality.wire.updates import (
    MAX_ARTEFACT_BYTES,
    PACKAGE,
    Manifest,
    Offer,
    decode_manifest,
    decode_offer,
    encode_manifest,
    encode_offer,
    signed_bytes,
)

_OUR_WHEEL = re.compile(rf"{PACKAGE}-([0-9.]+)-[^/]+\.whl")
_NOWHERE = "https://nowhere.invalid/"


@dataclass(frozen=True, slots=True)
class Artefact:
    """A bundle as it was signed.

    Attributes:
        path: the file.
        manifest: what was signed of it.
        offer: manifest and signature, yet without an address.
    """

    path: Path
    manifest: Manifest
    offer: Offer


def make_keys(private: Path, public: Path, passphrase: bytes) -> None:
    """Make a key pair.

    Args:
        private: where the private key goes; readable by its owner alone.
        public: where the public key goes, which belongs on the cards.
        passphrase: that the private key is locked with; empty leaves it open.

    Raises:
        ConfigError: a file is there already or cannot be written; mended by the operator.
    """
    key = Ed25519PrivateKey.generate()
    lock: KeySerializationEncryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    _write_new(private, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock), 0o600)
    _write_new(public, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o644)


def make_bundle(folder: Path, bundle: Path) -> str:
    """Put the wheels of a folder into one file; returns the version of ours among them.

    Raises:
        ConfigError: ours or pip's is not there, or twice; or the file cannot be written; mended by the operator.
    """
    wheels = sorted(folder.glob("*.whl"))
    if len(list(folder.glob("pip-*.whl"))) != 1:
        raise ConfigError(f"{folder}: should hold one wheel of pip, which installs the others on the device")
    version = _version_of([wheel.name for wheel in wheels], str(folder))
    try:
        with zipfile.ZipFile(bundle, "x", zipfile.ZIP_STORED) as packed:  # wheels are deflated already
            for wheel in wheels:
                packed.write(wheel, wheel.name)
    except OSError as error:
        raise ConfigError(f"{bundle}: cannot be written: {error.strerror}") from error
    return version


def sign(
    bundle: Path, key: Path, *, passphrase: bytes, min_version: str, allows_downgrade: bool, now_ms: int
) -> Manifest:
    """Sign a bundle; the offer is written beside it.

    Args:
        bundle: the file.
        key: the private key, PEM.
        passphrase: that it is locked with; empty where it is open.
        min_version: the lowest version that may be updated from.
        allows_downgrade: whether it may replace a higher version.
        now_ms: milliseconds since 1970, UTC.

    Raises:
        ConfigError: a file cannot be used; mended by the operator.
    """
    manifest = Manifest(
        package=PACKAGE,
        version=_version_in(bundle),
        sha256=_hash_of(bundle),
        size=bundle.stat().st_size,
        min_version=min_version,
        issued_ms=now_ms,
        allows_downgrade=allows_downgrade,
    )
    written = encode_manifest(manifest)
    try:
        decode_manifest(written)
    except Malformed as error:
        raise ConfigError(f"{bundle}: {error.detail}") from error
    offer = Offer(_NOWHERE, written, _private_key(key, passphrase).sign(signed_bytes(written)))
    offer_of(bundle).write_bytes(encode_offer(offer))
    return manifest


def signed(bundle: Path) -> Artefact:
    """A bundle that was signed, held against its offer.

    Raises:
        ConfigError: it was not signed, or was changed afterwards; mended by the operator.
    """
    try:
        offer = decode_offer(offer_of(bundle).read_bytes())
        manifest = decode_manifest(offer.manifest)
    except OSError as error:
        raise ConfigError(f"{offer_of(bundle)}: cannot be read; sign the bundle first") from error
    except Malformed as error:
        raise ConfigError(f"{offer_of(bundle)}: {error.detail}") from error
    if _hash_of(bundle) != manifest.sha256:
        raise ConfigError(f"{bundle}: is not the file that was signed; sign it again")
    return Artefact(bundle, manifest, offer)


def offer_of(bundle: Path) -> Path:
    """Where the offer of a bundle is."""
    return bundle.with_name(f"{bundle.name}.offer")


def _version_in(bundle: Path) -> str:
    try:
        with zipfile.ZipFile(bundle) as packed:
            return _version_of(packed.namelist(), str(bundle))
    except OSError as error:
        raise ConfigError(f"{bundle}: cannot be read: {error.strerror}") from error
    except zipfile.BadZipFile as error:
        raise ConfigError(f"{bundle}: is no bundle of wheels") from error


def _version_of(names: list[str], where: str) -> str:
    ours = [match[1] for name in names if (match := _OUR_WHEEL.fullmatch(name))]
    if len(ours) != 1:
        raise ConfigError(f"{where}: should hold one wheel of {PACKAGE}, and holds {len(ours)}")
    return ours[0]


def _hash_of(bundle: Path) -> str:
    try:
        with bundle.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"{bundle}: cannot be read: {error.strerror}") from error
    if bundle.stat().st_size > MAX_ARTEFACT_BYTES:
        raise ConfigError(f"{bundle}: is larger than the {MAX_ARTEFACT_BYTES} bytes that a device takes")
    return found


def _private_key(path: Path, passphrase: bytes) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), passphrase or None)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(
            f"{path}: holds no private key in PEM form, or the passphrase is not its own"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path}: is no Ed25519 key")
    return key


def _write_new(path: Path, content: bytes, mode: int) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
