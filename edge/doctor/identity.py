"""The device's own TLS certificate: there, whole, and for how long."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from edge.doctor.findings import Finding, Severity, well
from edge.settings import Tls
from firmware_config.catalogues import said
from firmware_config.tls import client_context
from waterquality.errors import ConfigError

_SOON = timedelta(days=30)


def identity(tls: Tls | None, now: datetime) -> Iterator[Finding]:
    """The certificates that the settings name; none where the device speaks in the clear.

    Args:
        tls: of the settings.
        now: the time.
    """
    if tls is None:
        return
    try:
        client_context(tls.ca, tls.certificate, tls.key)
    except ConfigError as error:
        mend = said(
            "Put the three files of the device's card back; the agent's user must be able to read them."
        )
        yield Finding("certificate", Severity.BROKEN, said("%(why)s", why=error), mend)
        return
    for what, path in (("certificate", tls.certificate), ("certificate.ca", tls.ca)):
        if path is not None:
            yield _expiry(what, path, now)


def _expiry(what: str, path: Path, now: datetime) -> Finding:
    try:
        held = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        words = said("%(path)s cannot be read as certificates (%(why)s).", path=path, why=error)
        return Finding(what, Severity.BROKEN, words, said("Put the files of the device's card back."))
    until = min(certificate.not_valid_after_utc for certificate in held)
    since = held[0].not_valid_before_utc
    day = f"{until:%Y-%m-%d}"
    mend = said("Have a new one made on the server: tskaro device replace, or wait for its renewal.")
    if now > until:
        words = said(
            "%(path)s was valid until %(day)s: the broker lets nobody in with it.", path=path, day=day
        )
        return Finding(what, Severity.BROKEN, words, mend)
    if now < since:
        words = said(
            "%(path)s is valid only from %(day)s: the clock is behind.", path=path, day=f"{since:%Y-%m-%d}"
        )
        return Finding(what, Severity.BROKEN, words, said("Connect the network, so that the clock is set."))
    words = said("%(path)s is valid until %(day)s.", path=path, day=day)
    return Finding(what, Severity.LOOK, words, mend) if until - now < _SOON else well(what, words)
