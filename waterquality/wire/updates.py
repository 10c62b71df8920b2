"""A signed version of the software, offered to a device (`update`), and how far it has come (`update/applied`).

What is signed is the manifest's text as it stands, behind a line that says what it is: nothing is put into another
form before it is verified, so that there is nothing to put differently. The address of the artefact is not signed:
whatever comes from there is held against the hash and the size that are.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from enum import StrEnum

from waterquality.wire.desired import sha256
from waterquality.wire.objects import choice, dump, load, milliseconds, text, whole
from waterquality.wire.rejection import Malformed, Rejection

MAX_OFFER_BYTES = 8 * 1024
MAX_ARTEFACT_BYTES = 256 * 1024 * 1024
PACKAGE = "tskaro"
_MAX_MANIFEST_BYTES = 2 * 1024
_MAX_PROGRESS_BYTES = 8 * 1024
_LONGEST_REASON = 2000
_PREAMBLE = b"tskaro update manifest 1\n"
_SIGNATURE_BYTES = 64  # Ed25519, RFC 8032
_VERSION = re.compile(r"[0-9]{1,5}(\.[0-9]{1,5}){1,3}")
_PACKAGE = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is signed of a version of the software.

    Attributes:
        package: name of the distribution.
        version: two to four numbers with dots between, e.g. `0.2.0`.
        sha256: hash of the artefact.
        size: its bytes.
        min_version: the lowest version that may be updated from.
        issued_ms: when it was signed, milliseconds since 1970, UTC.
        allows_downgrade: whether it may replace a higher version.
    """

    package: str
    version: str
    sha256: str
    size: int
    min_version: str
    issued_ms: int
    allows_downgrade: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """A version that a device should run.

    Attributes:
        url: where the artefact is; https.
        manifest: the text that was signed.
        signature: 64 bytes, Ed25519.
    """

    url: str
    manifest: str
    signature: bytes


class UpdateState(StrEnum):
    """How far an update has come. A closed list."""

    UNDER_WAY = "under_way"
    INSTALLED = "installed"
    REFUSED = "refused"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class Progress:
    """What became of the newest version that was offered.

    Attributes:
        sha256: of the artefact that was offered; 64 zeros before the first.
        version: of it; "" before the first, or where the offer could not be trusted.
        state: how far it has come.
        running: the version that runs now.
        reason: why it was refused or rolled back, or what is under way.
    """

    sha256: str
    version: str
    state: UpdateState
    running: str
    reason: str = ""


NOTHING_OFFERED = "0" * 64


def signed_bytes(manifest: str) -> bytes:
    """What the signature is over."""
    return _PREAMBLE + manifest.encode()


def encode_manifest(manifest: Manifest) -> str:
    """The text of a manifest, to be signed."""
    return dump(
        {
            "package": manifest.package,
            "version": manifest.version,
            "sha256": manifest.sha256,
            "size": manifest.size,
            "min_version": manifest.min_version,
            "issued": manifest.issued_ms / 1000,
            "downgrade": manifest.allows_downgrade,
        }
    ).decode()


def decode_manifest(written: str) -> Manifest:
    """Read a manifest; its signature is another matter.

    Raises:
        Malformed: it is none; mended by nobody.
    """
    message = load(written.encode("utf-8", "replace"), at_most=_MAX_MANIFEST_BYTES, depth=1)
    package = text(message, "package", at_most=40)
    if not _PACKAGE.fullmatch(package):
        raise Malformed(Rejection.WRONG_TYPE, "package should be a name")
    return Manifest(
        package=package,
        version=_version(text(message, "version", at_most=23), "version"),
        sha256=sha256(message, "sha256"),
        size=whole(message, "size", least=1, most=MAX_ARTEFACT_BYTES),
        min_version=_version(text(message, "min_version", at_most=23), "min_version"),
        issued_ms=milliseconds(message, "issued"),
        allows_downgrade=choice(message, "downgrade"),
    )


def encode_offer(offer: Offer) -> bytes:
    """The payload of an offer."""
    signature = base64.b64encode(offer.signature).decode()
    return dump({"url": offer.url, "manifest": offer.manifest, "signature": signature})


def decode_offer(payload: bytes) -> Offer:
    """Read an offer; whether it can be trusted is another matter.

    Raises:
        Malformed: it is none; mended by nobody.
    """
    message = load(payload, at_most=MAX_OFFER_BYTES, depth=1)
    try:
        signature = base64.b64decode(text(message, "signature", at_most=100), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(Rejection.WRONG_TYPE, "signature should be base64") from error
    if len(signature) != _SIGNATURE_BYTES:
        raise Malformed(Rejection.WRONG_TYPE, f"signature should be {_SIGNATURE_BYTES} bytes")
    url = text(message, "url", at_most=1000)
    if not url.startswith("https://"):
        raise Malformed(Rejection.WRONG_TYPE, "url should be https")
    return Offer(url, text(message, "manifest", at_most=_MAX_MANIFEST_BYTES), signature)


def encode_progress(progress: Progress) -> bytes:
    """The payload of a progress."""
    return dump(
        {
            "sha256": progress.sha256,
            "version": progress.version,
            "state": progress.state,
            "reason": progress.reason[:_LONGEST_REASON],
            "running": progress.running,
        }
    )


def decode_progress(payload: bytes) -> Progress:
    """Read a progress.

    Raises:
        Malformed: it is none; mended by nobody.
    """
    message = load(payload, at_most=_MAX_PROGRESS_BYTES, depth=1)
    try:
        state = UpdateState(text(message, "state", at_most=20))
    except ValueError as error:
        raise Malformed(Rejection.UNKNOWN_WORD, "state is none of the list") from error
    return Progress(
        sha256=sha256(message, "sha256"),
        version=text(message, "version", at_most=40),
        state=state,
        running=text(message, "running", at_most=40),
        reason=text(message, "reason", at_most=_LONGEST_REASON, default=""),
    )


def as_numbers(version: str) -> tuple[int, ...]:
    """A version as it is compared: `0.10` comes after `0.9`, `1.0` is `1.0.0`, and another form is lowest."""
    if not _VERSION.fullmatch(version):
        return ()
    numbers = [int(part) for part in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _version(written: str, key: str) -> str:
    if not _VERSION.fullmatch(written):
        raise Malformed(Rejection.WRONG_TYPE, f"{key} should be numbers with dots between, e.g. 0.2.0")
    return written
