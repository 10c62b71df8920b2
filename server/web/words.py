"""The words for every closed list that the screens show, as texts to be translated.

`msgid` marks a text for the catalogue; a test extracts them and looks each one up. The words claim no more
than a probe can support: "readings normal", never "safe".
"""

from enum import StrEnum
from types import MappingProxyType

from alerts.lifecycle import Phase
from alerts.ports import Fate, Kind
from alerts.rules import Role
from firmware_config.catalogues import msgid
from firmware_config.words import FLAGS, PARAMETERS, UNITS, WHYS
from waterquality.wire.rejection import Rejection

# Edge and server say these alike; templates find them here.
__all__ = ["FLAGS", "PARAMETERS", "UNITS", "WHYS"]


class PointState(StrEnum):
    """How a water point stands, most urgent first; the value is also the name of its icon and colour."""

    FIRING = "firing"
    SILENT = "silent"
    UNKNOWN = "unknown"
    RECOVERING = "recovering"
    PENDING = "pending"
    SUSPECT = "suspect"
    NORMAL = "normal"

    @property
    def rank(self) -> int:
        """Its place in a list by urgency, from 0."""
        return list(PointState).index(self)


class Trend(StrEnum):
    """Where a value goes, against an hour before."""

    UP = "up"
    DOWN = "down"
    STEADY = "steady"


STATES = MappingProxyType(
    {
        PointState.FIRING: msgid("Alert"),
        PointState.SILENT: msgid("No recent data"),
        PointState.UNKNOWN: msgid("Unknown"),
        PointState.RECOVERING: msgid("Recovering"),
        PointState.PENDING: msgid("Being confirmed"),
        PointState.SUSPECT: msgid("Readings in doubt"),
        PointState.NORMAL: msgid("Readings normal"),
    }
)
PHASES = MappingProxyType(
    {
        Phase.NORMAL: msgid("Normal"),
        Phase.PENDING: msgid("Being confirmed"),
        Phase.FIRING: msgid("Alert is on"),
        Phase.RECOVERING: msgid("Recovering, not yet lifted"),
        Phase.UNKNOWN: msgid("Unknown: no usable readings"),
        Phase.RESOLVED: msgid("Lifted: readings normal"),
    }
)
TRENDS = MappingProxyType(
    {
        Trend.UP: msgid("higher than an hour before"),
        Trend.DOWN: msgid("lower than an hour before"),
        Trend.STEADY: msgid("about as an hour before"),
    }
)
ROLES = MappingProxyType(
    {
        Role.CSO: msgid("civil society organisation"),
        Role.TECHNICIAN: msgid("technician"),
        Role.MUNICIPALITY: msgid("municipality"),
    }
)
FATES = MappingProxyType(
    {
        Fate.QUEUED: msgid("waiting to be sent"),
        Fate.ACCEPTED: msgid("sent, delivery not confirmed"),
        Fate.DELIVERED: msgid("delivered"),
        Fate.FAILED: msgid("not delivered"),
        Fate.UNKNOWN: msgid("sent, fate unknown"),
        Fate.DROPPED: msgid("no longer needed"),
        Fate.GATHERED: msgid("said by another text"),
    }
)
KINDS = MappingProxyType(
    {
        Kind.TURBIDITY_HIGH: msgid("high turbidity"),
        Kind.PH_OUT: msgid("pH out of range"),
        Kind.LIMIT_BROKEN: msgid("outside the limit"),
        Kind.NO_FLOW: msgid("no water"),
        Kind.FLOW_BACK: msgid("water is back"),
        Kind.NIGHT_FLOW: msgid("water runs all night"),
        Kind.CHANGED_FAST: msgid("changed fast"),
        Kind.WATER_CHANGED: msgid("water unlike usual"),
        Kind.PROBE_FAULT: msgid("probe not usable"),
        Kind.PROBE_WELL: msgid("probe works again"),
        Kind.ALL_SILENT: msgid("all silent"),
        Kind.ALL_HEARD: msgid("heard again"),
        Kind.DEVICE_SILENT: msgid("device silent"),
        Kind.DEVICE_BACK: msgid("device heard again"),
        Kind.ALL_CLEAR: msgid("alert lifted"),
        Kind.RECORD_OPEN: msgid("records incomplete"),
    }
)
# Whose number a limit is; an authority not named here is shown by its id.
AUTHORITIES = MappingProxyType(
    {
        "ge-58-2014": msgid("Georgia, Resolution 58 (2014)"),
        "who-2017": msgid("WHO (2017)"),
        "who-gdwq": msgid("WHO guidelines"),
        "eu-2020-2184": msgid("Directive (EU) 2020/2184"),
        "tskaro": msgid("Tskaro (our own choice)"),
    }
)
REJECTIONS = MappingProxyType(
    {
        Rejection.TOO_LARGE: msgid("too large"),
        Rejection.BAD_DEFLATE: msgid("damaged compression"),
        Rejection.NOT_JSON: msgid("not JSON"),
        Rejection.NOT_SENML: msgid("not SenML"),
        Rejection.WRONG_TOPIC: msgid("on a wrong topic"),
        Rejection.WRONG_DEVICE: msgid("names another device"),
        Rejection.WRONG_EPOCH: msgid("names another epoch"),
        Rejection.WRONG_TYPE: msgid("a value of the wrong type"),
        Rejection.WRONG_UNIT: msgid("a wrong unit"),
        Rejection.UNKNOWN_PARAMETER: msgid("an unknown parameter"),
        Rejection.UNKNOWN_FIELD: msgid("an unknown field"),
        Rejection.UNKNOWN_WORD: msgid("an unknown word"),
        Rejection.NOT_FINITE: msgid("not a finite number"),
        Rejection.TIME_TOO_OLD: msgid("too old"),
        Rejection.TIME_IN_FUTURE: msgid("a time in the future"),
        Rejection.OUTSIDE_ENVELOPE: msgid("outside what the topic announces"),
        Rejection.ABSENT_FROM_BATCH: msgid("announced but not in the batch"),
        Rejection.DOUBLED_SEQUENCE: msgid("a sequence number twice"),
        Rejection.SEQUENCE_CONFLICT: msgid("a sequence number with other content"),
        Rejection.UNKNOWN_DEVICE: msgid("an unknown device"),
        Rejection.NO_DEPLOYMENT: msgid("the device served no water point then"),
        Rejection.REFUSED_BY_STORE: msgid("refused by the store"),
        Rejection.DEFECT: msgid("a defect of ours"),
    }
)
