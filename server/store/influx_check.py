"""Whether an InfluxDB will do: reached, let in, writing, reading back, keeping for long enough, its clock right.

The point that is written for this lives in a measurement of its own, and is deleted again where the version can. It
is read back only to see that we may read: in a full disk's InfluxDB a point shows that was never kept.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from server.store import influx_answer, influxql
from server.store.finding import Finding, bad, doubtful, well
from server.store.influx_door import CORE, Greeting, InfluxDoor, Refused
from server.store.influx_retention import duration_s, retention_s
from server.store.port import StoreUnavailable
from server.store.span import Span
from waterquality.readings import to_ms

MEASUREMENT = "tskaro_check"
_CLOCK_S = 5.0
_DAY_S = 86_400.0
_SUPPORTED_2 = (2, 5)
_HOURS_3 = "answers for about the last 72 hours only; readings older than that are kept and cannot be shown"


def check(door: InfluxDoor, *, keep_days: int, now: Callable[[], datetime]) -> Iterator[Finding]:
    """Look at everything, one after the other; what depends on what failed is not looked at.

    Args:
        door: with the rights of the server.
        keep_days: how long readings are kept.
        now: our own clock.
    """
    try:
        greeting = door.greet()
    except StoreUnavailable as trouble:
        yield bad("reach", str(trouble), "start InfluxDB, or correct store.url, store.auth and the secret")
        return
    yield well("reach", f"{door.settings.url} answers")
    yield _version(greeting)
    yield from _clock(greeting, now())
    try:
        yield _probe(door, to_ms(now()))
    except StoreUnavailable as trouble:
        yield bad("rights", str(trouble), "`tskaro store init` makes what is missing")
        return
    yield from _retention(door, greeting, keep_days)
    yield from _flush(door, greeting)


def _version(greeting: Greeting) -> Finding:
    said = greeting.version or "it does not say"
    if greeting.major >= CORE:
        return doubtful("version", said, f"3 Core {_HOURS_3}: use 1.8 to 1.12 or 2.5 and later for history")
    if greeting.major == _SUPPORTED_2[0] and greeting.numbers < _SUPPORTED_2:
        return doubtful("version", said, "2.0 to 2.4 were not foreseen: update to 2.5 or later")
    return well("version", said)


def _clock(greeting: Greeting, now: datetime) -> Iterator[Finding]:
    try:
        theirs = parsedate_to_datetime(greeting.date)
    except ValueError:
        return
    behind_s = (now - theirs.astimezone(UTC)).total_seconds()  # HTTP cuts to whole seconds
    if abs(behind_s) > _CLOCK_S:
        yield doubtful("clock", f"{behind_s:+.0f} s between the two machines", "let both follow NTP")
    else:
        yield well("clock", "as ours")


def _probe(door: InfluxDoor, at_ms: int) -> Finding:
    try:
        door.write(f"{MEASUREMENT},by=check at={at_ms}i {at_ms}\n".encode())
    except Refused as refusal:
        return bad("write", str(refusal), "another program wrote this measurement: drop it")
    span = Span(at_ms, at_ms + 1)
    records = influx_answer.records(door.query(influxql.checked(MEASUREMENT, span)))
    if [record["at"] for record in records] != [at_ms]:
        return bad("read", "what was written is not read back", "look into InfluxDB's log; restart it")
    if door.major() < CORE:
        door.query(influxql.uncheck(MEASUREMENT))
    return well("rights", "writes and reads")


def _retention(door: InfluxDoor, greeting: Greeting, keep_days: int) -> Iterator[Finding]:
    if greeting.major >= CORE:
        return
    kept_s = retention_s(door)
    if kept_s is None:
        yield doubtful(
            "retention",
            "there is no retention policy to be seen",
            "`tskaro store init` makes bucket and mapping",
        )
    elif kept_s == 0:
        yield well("retention", "for ever; Tskaro itself deletes what is older than store.keep_days")
    elif kept_s < keep_days * _DAY_S:
        said = f"{kept_s / _DAY_S:g} days, and store.keep_days is {keep_days}: InfluxDB deletes earlier"
        yield bad("retention", said, "`tskaro store init` makes it keep for ever, or lower store.keep_days")
    else:
        said = f"{kept_s / _DAY_S:g} days: rollups, which are to stay for ever, end with it"
        yield doubtful("retention", said, "`tskaro store init` makes it keep for ever")


def _flush(door: InfluxDoor, greeting: Greeting) -> Iterator[Finding]:
    """1.x can be told to answer before the disk has it; only an administrator may see that."""
    if greeting.major > 1:
        return
    try:
        records = list(influx_answer.records(door.query(influxql.configuration())))
    except StoreUnavailable:
        return
    delay = next((str(each["wal-fsync-delay"]) for each in records if "wal-fsync-delay" in each), "0s")
    if duration_s(delay) > 0:
        said = f"wal-fsync-delay is {delay}: a power cut loses what was acknowledged"
        yield bad("flush", said, 'set wal-fsync-delay = "0s" in influxdb.conf')
