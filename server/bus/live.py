"""Live news between the server's processes: that something changed, where and when. The screens then look it up.

QoS 0 and harmless to lose: a page starts from the store and the ledger, and the next news brings it up to date.
"""

import json
from collections.abc import Callable
from typing import Literal

from waterquality.topics import LIVE_ROOT

ALL_NEWS = f"{LIVE_ROOT}/#"
Publish = Callable[[str, bytes], object]
Kind = Literal["readings", "alert", "phone"]
_KINDS: dict[str, Kind] = {"readings": "readings", "alert": "alert", "phone": "phone"}


class Voice:
    """Tells the screens.

    Args:
        publish: sends topic and payload, or drops them.
    """

    def __init__(self, publish: Publish) -> None:
        self._publish = publish

    def tell(self, kind: Kind, water_point: str, at_ms: int) -> None:
        """Something changed.

        Args:
            kind: what changed.
            water_point: where; "" where it belongs to none.
            at_ms: when, milliseconds since 1970, UTC.
        """
        payload = json.dumps({"kind": kind, "water_point": water_point, "at_ms": at_ms}).encode()
        self._publish(f"{LIVE_ROOT}/{kind}/{water_point or '-'}", payload)


def read_news(payload: bytes) -> tuple[Kind, str, int] | None:
    """Kind, water point and instant of a piece of news; None when it is none of ours."""
    try:
        news = json.loads(payload)
        return _KINDS[news["kind"]], str(news["water_point"]), int(news["at_ms"])
    except (ValueError, KeyError, TypeError):
        return None
