"""Dating: which time a record gets that was taken while nobody knew the time. Pure.

What is always known of a record is its boot and the time since that boot. Boots follow one another, so a record
is later than all that was recorded before it; and earlier than the boot that came after it.

**Invariants**
* The boot in which the clock came right is dated exactly: booted + time since boot, to the drift of the crystal.
* An earlier boot is bracketed and never dated exactly: it gets its late edge, and the width of the bracket as its
  uncertainty. Within a boot the distances stay what they were.
* Without any later bound there is no late edge but that of what is known: the time known before and the time
  the device has been up since. The uncertainty then says that nothing more is known.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from edge.clock import DRIFT, Instant, drift_s, stated_s

EARLIEST_MS = 1_735_689_600_000  # the first of January 2025: no device ran before this program was written
WAITS_AT_MOST_MS = 24 * 3_600_000
UNBOUNDED_S = 10 * 365 * 86_400.0  # longer than a device lies in a drawer between two records
_MS = 1000


@dataclass(frozen=True, slots=True)
class Known:
    """The newest time that a record has; what comes later gets a later one.

    Attributes:
        ms: milliseconds since 1970, UTC; 0 before the first one.
        earliest_ms: the earliest that it can have been.
        uncertainty_s: how far `ms` may be off, in seconds.
        boot_id: the boot of that record; "" before the first one.
        boottime_ms: its time since boot.
    """

    ms: int = 0
    earliest_ms: int = EARLIEST_MS
    uncertainty_s: float = UNBOUNDED_S
    boot_id: str = ""
    boottime_ms: int = 0


@dataclass(frozen=True, slots=True)
class Moment:
    """A record that waits for its time: its number, its boot and the time since that boot."""

    first: int
    boot_id: str
    boottime_ms: int


@dataclass(frozen=True, slots=True)
class Dated:
    """A record with its time.

    Attributes:
        first: its number.
        taken_ms: milliseconds since 1970, UTC.
        uncertainty_s: how far that may be off, as it is told, in seconds.
        known: what is known once it has that time.
    """

    first: int
    taken_ms: int
    uncertainty_s: float
    known: Known


def earliest(known: Known, moments: Sequence[Moment]) -> list[int]:
    """The earliest that each of these can have been, milliseconds since 1970.

    Args:
        known: the newest time known before them.
        moments: in the order in which they were recorded.
    """
    boot_id, base_ms, base_boottime_ms = known.boot_id, known.earliest_ms, known.boottime_ms
    newest_ms, edges = base_ms, []
    for moment in moments:
        if moment.boot_id != boot_id:
            boot_id, base_ms, base_boottime_ms = moment.boot_id, newest_ms, 0
        surely_passed_ms = (moment.boottime_ms - base_boottime_ms) * (1 - DRIFT)
        newest_ms = max(newest_ms, base_ms + int(surely_passed_ms))
        edges.append(newest_ms)
    return edges


def reckoned_ms(known: Known, moments: Sequence[Moment], now: Instant) -> int:
    """The earliest that it can be now: what was known, and the time that has surely passed since."""
    return earliest(known, [*moments, Moment(0, now.boot_id, now.boottime_ms)])[-1]


def right_now(known: Known, now: Instant) -> Dated:
    """The time of a record that is taken now.

    A clock that was set back gives the next free millisecond, and its distance from the clock as uncertainty.

    Args:
        known: the newest time known before it.
        now: synchronised.
    """
    return _dated(known, Moment(0, now.boot_id, now.boottime_ms), now.wall_ms, None, now.uncertainty_s)


def dated(known: Known, moments: Sequence[Moment], now: Instant) -> list[Dated]:
    """Give records their time, now that the clock is right.

    Args:
        known: the newest time known before them.
        moments: all that wait, in the order in which they were recorded.
        now: synchronised.
    """
    found: list[Dated] = []
    brackets = zip(earliest(known, moments), _latest(moments, now), strict=True)
    for moment, (early_ms, (late_ms, drifted_s)) in zip(moments, brackets, strict=True):
        edge_ms = None if moment.boot_id == now.boot_id else min(early_ms, late_ms)
        doubt_s = now.uncertainty_s + drifted_s + (0.0 if edge_ms is None else (late_ms - edge_ms) / _MS)
        found.append(_dated(found[-1].known if found else known, moment, late_ms, edge_ms, doubt_s))
    return found


def overdue(known: Known, moments: Sequence[Moment], now: Instant) -> list[Dated]:
    """Those that have waited for a day of up-time: the early edge is their time, and what follows is not bounded.

    Args:
        known: the newest time known before them.
        moments: all that wait, in the order in which they were recorded.
        now: not synchronised.
    """
    now_ms = reckoned_ms(known, moments, now)
    found: list[Dated] = []
    for moment, early_ms in zip(moments, earliest(known, moments), strict=True):
        if now_ms - early_ms < WAITS_AT_MOST_MS:
            break
        found.append(_dated(found[-1].known if found else known, moment, early_ms, early_ms, UNBOUNDED_S))
    return found


def _dated(before: Known, moment: Moment, wanted_ms: int, edge_ms: int | None, doubt_s: float) -> Dated:
    """A record with the wanted time, or the next free millisecond, and what follows from that."""
    taken_ms = max(wanted_ms, before.ms + 1)
    uncertainty_s = doubt_s + (taken_ms - wanted_ms) / _MS
    early_ms = wanted_ms - round(doubt_s * _MS) if edge_ms is None else edge_ms
    known = Known(
        taken_ms, max(early_ms, before.earliest_ms), uncertainty_s, moment.boot_id, moment.boottime_ms
    )
    return Dated(moment.first, taken_ms, stated_s(uncertainty_s), known)


def _latest(moments: Sequence[Moment], now: Instant) -> list[tuple[int, float]]:
    """The latest that each can have been: in this boot what it was, before it the end of its own boot.

    With how far the time since boot may have drifted, in seconds.
    """
    edges: list[tuple[int, float]] = []
    bound_ms = now.booted_ms
    for boot_id, of_boot in _boots_backwards(moments):
        booted_ms, sure_at_ms = now.booted_ms, now.boottime_ms
        if boot_id != now.boot_id:
            sure_at_ms = of_boot[0].boottime_ms
            booted_ms = bound_ms - 1 - sure_at_ms
        bound_ms = min(bound_ms, booted_ms)
        edges += [(booted_ms + each.boottime_ms, drift_s(sure_at_ms - each.boottime_ms)) for each in of_boot]
    return edges[::-1]


def _boots_backwards(moments: Sequence[Moment]) -> Iterator[tuple[str, list[Moment]]]:
    for boot_id, group in groupby(reversed(moments), key=lambda moment: moment.boot_id):
        yield boot_id, list(group)
