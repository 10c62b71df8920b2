"""TLS from the files that settings name, with a refusal that says which of them is at fault.

Python's own errors name no file. A key behind a passphrase is refused too: an agent has nobody to ask.
"""

import ssl
from pathlib import Path

from waterquality.errors import ConfigError


def client_context(ca: Path, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """What a client needs to know the broker, and to be known by it.

    Args:
        ca: certificates that may have signed the broker's, PEM.
        certificate: the client's own, PEM; with `key`, or not at all.
        key: its private key, PEM, without a passphrase.

    Raises:
        ConfigError: a file cannot be read or used; names it; mended by the operator.
    """
    for path in filter(None, (ca, certificate, key)):
        _must_be_readable(path)
    try:
        context = ssl.create_default_context(cafile=str(ca))
    except ssl.SSLError as error:
        raise ConfigError(f"{ca}: holds no certificate in PEM form") from error
    if certificate is not None and key is not None:
        try:
            context.load_cert_chain(certificate, key, password=lambda: "")
        except ssl.SSLError as error:
            raise ConfigError(f"{certificate}, {key}: {_why(error)}") from error
    return context


def _must_be_readable(path: Path) -> None:
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def _why(error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the key does not belong to the certificate"
    return "no certificate and key in PEM form, or the key has a passphrase"
