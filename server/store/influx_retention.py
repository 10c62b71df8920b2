"""How long an InfluxDB keeps what it is given, as its retention policies say."""

import re

from server.store import influx_answer, influxql
from server.store.influx_door import InfluxDoor

_UNITS_S = {
    "w": 604_800.0,
    "d": 86_400.0,
    "h": 3_600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 0.001,
    "us": 1e-6,
    "ns": 1e-9,
}
_PART = re.compile(r"([\d.]+)(ms|us|ns|[wdhms])")


def duration_s(text: str) -> float:
    """Seconds in a duration as InfluxDB writes it, `17520h0m0s`; 0 is for ever."""
    return sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(text.replace("µ", "u")))


def policy_of(door: InfluxDoor) -> tuple[str, float] | None:
    """The name of the retention policy that we write into and how long it keeps, in seconds; None without one.

    Raises:
        StoreUnavailable: mended by time or, as the message says, by hand.
    """
    settings = door.settings
    for record in influx_answer.records(door.query(influxql.show_policies(settings.database))):
        if (
            record["default"]
            if not settings.retention_policy
            else record["name"] == settings.retention_policy
        ):
            return str(record["name"]), duration_s(str(record["duration"]))
    return None


def retention_s(door: InfluxDoor) -> float | None:
    """How long it keeps, in seconds; 0 is for ever; None where there is no policy to be seen.

    Raises:
        StoreUnavailable: mended by time or, as the message says, by hand.
    """
    found = policy_of(door)
    return None if found is None else found[1]
