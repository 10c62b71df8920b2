"""The root of every error, and the one question it answers: who mends it?

A loop decides by `mended_by`, never by the text: wait (TIME), stop and tell a person (OPERATOR), or
set the thing aside for good (NOBODY). Leaves live beside the code that raises them.
"""

from enum import StrEnum
from typing import ClassVar


class MendedBy(StrEnum):
    """Who can mend an error."""

    OPERATOR = "operator"
    TIME = "time"
    NOBODY = "nobody"


class MonitoringError(Exception):
    """Anything Tskaro itself raises."""

    mended_by: ClassVar[MendedBy]


class ConfigError(MonitoringError, ValueError):
    """What a person wrote cannot be used. Stop at start-up with exit code 78; mended by the operator."""

    mended_by = MendedBy.OPERATOR
    EXIT_CODE: ClassVar[int] = 78  # EX_CONFIG of sysexits.h; systemd does not restart on it


class ProbeError(MonitoringError):
    """A probe gives no reading. It yields MISSING, the others go on; mended by the operator."""

    mended_by = MendedBy.OPERATOR


class LinkError(MonitoringError, ConnectionError):
    """The other side cannot be reached now. Keep everything and try again; mended by time."""

    mended_by = MendedBy.TIME


class RejectedError(MonitoringError, ValueError):
    """It will never be accepted as it is. Quarantine, count, log once; mended by nobody."""

    mended_by = MendedBy.NOBODY


class CustodyError(MonitoringError):
    """The promise that nothing recorded is lost is in danger: the loudest alert; mended by the operator."""

    mended_by = MendedBy.OPERATOR
