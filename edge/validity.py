"""TLS while nobody knows the time: a certificate's dates are judged by what is known of it.

In 1970 every certificate is "not yet valid", and no device would ever come to the broker that could tell it the
time. So OpenSSL is told to leave the dates alone as long as the time is not known, and the dates of the broker's
own certificate are judged here: it may begin later than the clock thinks, since the clock is behind; it must not
have ended before the earliest that it can be now. All else is checked as ever: the chain, the name, the key.
"""

import ssl
from datetime import UTC, datetime

_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which the ssl module has no name for


def mind_dates(context: ssl.SSLContext, *, is_time_known: bool) -> None:
    """Let OpenSSL judge dates, or leave them to `refuse_expired`, from the next connection on."""
    flags = int(context.verify_flags)
    context.verify_flags = ssl.VerifyFlags(
        flags & ~_NO_CHECK_TIME if is_time_known else flags | _NO_CHECK_TIME
    )


def refuse_expired(connection: ssl.SSLSocket, earliest: datetime) -> None:
    """Refuse a certificate that had ended before the earliest that it can be now.

    Raises:
        ssl.SSLCertVerificationError: it had; mended by the operator of the broker.
    """
    certificate = connection.getpeercert() or {}
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    if ends < earliest:
        raise ssl.SSLCertVerificationError(
            f"the broker's certificate ended on {ends:%Y-%m-%d}, and it is {earliest:%Y-%m-%d} or later"
        )
