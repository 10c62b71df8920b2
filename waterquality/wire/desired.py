"""What a device is told to be, and what it answers: `config` down, `config/applied` up.

The configuration travels as the text of its file, so that comments and hash survive the way. Versions of a device
only rise; the device says after every connection what it runs, so that neither side depends on what a broker kept.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from waterquality.wire.objects import dump, load, text, whole
from waterquality.wire.rejection import Malformed, Rejection

MAX_CONFIG_BYTES = 64 * 1024
MAX_CONFIG_LETTERS = 32 * 1024
_MAX_APPLIED_BYTES = 16 * 1024
_LONGEST_REASON = 4000
_SHA256 = re.compile(r"[0-9a-f]{64}")


def sha256_of(content: str) -> str:
    """The hash of a configuration's text, as 64 hex digits."""
    return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Desired:
    """A configuration that a device should run.

    Attributes:
        version: from 1; rises with every configuration of this device.
        text: the whole of its TOML file.
    """

    version: int
    text: str

    @property
    def sha256(self) -> str:
        """The hash of the text."""
        return sha256_of(self.text)


class AppliedState(StrEnum):
    """What became of a desired configuration. A closed list."""

    APPLIED = "applied"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Applied:
    """What a device runs, and what became of the newest configuration it was told of.

    Attributes:
        version: the newest it was told of; 0 before the first.
        state: what became of it.
        running_version: what it runs; 0 is the file that its card came with or a technician wrote.
        running_sha256: the hash of that file.
        reason: why it was refused; "" when it was not.
    """

    version: int
    state: AppliedState
    running_version: int
    running_sha256: str
    reason: str = ""


def encode_desired(desired: Desired) -> bytes:
    """The payload of a desired configuration."""
    return dump({"version": desired.version, "sha256": desired.sha256, "text": desired.text})


def decode_desired(payload: bytes) -> Desired:
    """Read a desired configuration.

    Raises:
        Malformed: it is none, or was cut or changed on its way; mended by nobody.
    """
    message = load(payload, at_most=MAX_CONFIG_BYTES, depth=1)
    desired = Desired(
        whole(message, "version", least=1, most=2**31 - 1), text(message, "text", at_most=MAX_CONFIG_LETTERS)
    )
    if any("\ud800" <= letter <= "\udfff" for letter in desired.text):
        raise Malformed(Rejection.WRONG_TYPE, "text holds half a letter")
    if sha256(message, "sha256") != desired.sha256:
        raise Malformed(Rejection.WRONG_TYPE, "the text is not the one that was hashed")
    return desired


def encode_applied(applied: Applied) -> bytes:
    """The payload of what a device runs."""
    return dump(
        {
            "version": applied.version,
            "state": applied.state,
            "reason": applied.reason[:_LONGEST_REASON],
            "running": {"version": applied.running_version, "sha256": applied.running_sha256},
        }
    )


def decode_applied(payload: bytes) -> Applied:
    """Read what a device runs.

    Raises:
        Malformed: it is no such message; mended by nobody.
    """
    message = load(payload, at_most=_MAX_APPLIED_BYTES, depth=2)
    running = message.get("running")
    if not isinstance(running, dict):
        raise Malformed(Rejection.WRONG_TYPE, "running should be a table")
    try:
        state = AppliedState(text(message, "state", at_most=20))
    except ValueError as error:
        raise Malformed(Rejection.UNKNOWN_WORD, "state is none of the list") from error
    return Applied(
        version=whole(message, "version", most=2**31 - 1),
        state=state,
        running_version=whole(running, "version", most=2**31 - 1),
        running_sha256=sha256(running, "sha256"),
        reason=text(message, "reason", at_most=_LONGEST_REASON, default=""),
    )


def sha256(message: Mapping[str, Any], key: str) -> str:
    """A hash in a message, as 64 hex digits.

    Raises:
        Malformed: it is missing or no hash; mended by nobody.
    """
    found = text(message, key, at_most=64)
    if not _SHA256.fullmatch(found):
        raise Malformed(Rejection.WRONG_TYPE, f"{key} should be 64 hex digits")
    return found
