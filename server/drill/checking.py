"""Whether the last good drill is recent enough, and telling that it is not by a way that the drill does not test.

Two ways, one of which is enough: a dead-man URL is asked after each good look, and whoever stands behind it raises
its absence; an Apprise URL carries the bad news itself.
"""

from datetime import datetime, timedelta

import httpx
from pydantic import SecretStr

from waterquality.errors import LinkError

_PATIENCE_S = 10.0


class OtherWayAway(LinkError):
    """The other way cannot be reached; a dead-man service raises that by itself; mended by time."""


def overdue(last_good: datetime | None, now: datetime, within: timedelta) -> str:
    """Why somebody must look; "" where the last good drill is recent enough."""
    if last_good is None:
        return "no drill has ever succeeded"
    if now - last_good > within:
        hours = (now - last_good).total_seconds() / 3600
        return f"the last good drill was {hours:.1f} h ago, at {last_good:%Y-%m-%d %H:%M} UTC"
    return ""


def ping(url: SecretStr) -> None:
    """Tell a dead-man service that all is well.

    Raises:
        OtherWayAway: it did not take it; mended by time.
    """
    try:
        httpx.get(url.get_secret_value(), timeout=_PATIENCE_S).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as trouble:  # its own words would tell the secret URL
        raise OtherWayAway(f"the dead-man URL did not answer well: {type(trouble).__name__}") from None
