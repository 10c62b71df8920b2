"""The stations of a drill, in the order in which a breach passes them, and what one that fails tells. Pure.

An alert is judged before its readings are stored (ADR 6), so a store that is away fails at its own station and
nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Station(StrEnum):
    """Where a breach must pass."""

    BROKER = "broker"
    ALERT = "alert"
    OWED = "owed"
    STORE = "store"
    NOTIFIER = "notifier"
    GATEWAY = "gateway"
    CLEAR = "clear"


ADVICE: Mapping[Station, str] = {
    Station.BROKER: "the broker did not take it: is it running, and is the password right?",
    Station.ALERT: "no alert fired: is `tskaro ingest` running, was `tskaro drill set-up` run, and does the "
    "broker's access list let the server speak for the drill's device (`tskaro broker configure`)?",
    Station.OWED: "no text became owed: has the drill's telephone opted out? `tskaro drill set-up` mends that",
    Station.STORE: "no receipt came: is the store of readings running?",
    Station.NOTIFIER: "nobody took the text up: is `tskaro notify` running?",
    Station.GATEWAY: "the gateway did not accept the text",
    Station.CLEAR: "the alert was not resolved: look at the log of `tskaro ingest`",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a drill brought.

    Attributes:
        epoch: the drill's own name, eight hex digits.
        began_at: when it began.
        ended_at: when it ended.
        took_s: how long each station that was passed took, in seconds.
        failed_at: the station that was not passed; None of a good one.
        detail: what to look at; "" of a good one.
        is_left_open: whether the drill's alert is still open.
    """

    epoch: str
    began_at: datetime
    ended_at: datetime
    took_s: Mapping[Station, float] = field(default_factory=dict)
    failed_at: Station | None = None
    detail: str = ""
    is_left_open: bool = False
