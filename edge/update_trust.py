"""Whether an offer of software may be followed. Pure but for the key, which came with the card.

The signature is verified over the text as it came, before anything in it is believed; then everything in it has to
fit this device. Every refusal says why.
"""

# ruff: noqa: PLC0415 - cryptography is imported by what uses it: 7 MB that an agent without an offer never needs

from pathlib import Path
from typing import TYPE_CHECKING

from waterquality.errors import ConfigError, RejectedError
from waterquality.wire.rejection import Malformed
from waterquality.wire.updates import PACKAGE, Manifest, Offer, as_numbers, decode_manifest, signed_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class UpdateRefused(RejectedError):
    """A version that this device will not run as it is offered; mended by whoever offers it."""


def public_key(path: Path) -> "Ed25519PublicKey":
    """The key that updates must be signed with.

    Raises:
        ConfigError: it cannot be read or is no Ed25519 key; mended by the operator.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"{path}: holds no public key in PEM form") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"{path}: is no Ed25519 key")
    return key


def trusted(offer: Offer, key: "Ed25519PublicKey", *, running: str, newest_issued_ms: int) -> Manifest:
    """The manifest of an offer that may be followed.

    Args:
        offer: as it came.
        key: that it must be signed with.
        running: the version that runs.
        newest_issued_ms: when the newest manifest that was ever trusted here was signed.

    Raises:
        UpdateRefused: mended by whoever offers it.
    """
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(offer.signature, signed_bytes(offer.manifest))
    except InvalidSignature as error:
        raise UpdateRefused("the signature is not by the key of this device's card") from error
    try:
        manifest = decode_manifest(offer.manifest)
    except Malformed as error:
        raise UpdateRefused(f"the manifest cannot be read: {error}") from error
    _must_fit(manifest, running, newest_issued_ms)
    return manifest


def _must_fit(manifest: Manifest, running: str, newest_issued_ms: int) -> None:
    if manifest.package != PACKAGE:
        raise UpdateRefused(f"it is {manifest.package}, not {PACKAGE}")
    if manifest.issued_ms < newest_issued_ms:
        raise UpdateRefused("a manifest that was signed later was followed before")
    if as_numbers(running) < as_numbers(manifest.min_version):
        raise UpdateRefused(f"it needs {manifest.min_version} or later to start from; {running} runs here")
    if as_numbers(manifest.version) < as_numbers(running) and not manifest.allows_downgrade:
        raise UpdateRefused(f"{running} runs here, and it is not signed as a way back to {manifest.version}")
