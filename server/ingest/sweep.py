"""A sweep: observations that come late are judged in their place, and their neighbours anew.

It begins well before the first of them, where nothing that lies farther back matters any more, follows what is
stored and what is new in order of time, and goes on until what follows no longer depends on the late ones. A
backlog that comes in order is one sweep: it begins once and then costs as little as live data, until it meets
what is stored.

**Invariants**
* What is asked of the store is bounded in time and in rows.
* Rows are compared by their flags alone; a sweep changes nothing else of a row.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from server.store.port import Row
from server.store.span import LATEST_MS
from waterquality.flags import Flag, Why
from waterquality.parameters import Parameter
from waterquality.screening import Bounds, Track
from waterquality.screening.gap import LONGEST_S, NEW_BEGINNING_S
from waterquality.screening.own import as_sent

_MS_PER_S = 1000
_HORIZON_MS = int(NEW_BEGINNING_S * _MS_PER_S)
_LONGEST_GAP_MS = LONGEST_S * _MS_PER_S
_PAGES = (256, 1024, 8192)  # rows looked back, until nothing farther back matters
_AHEAD = 64  # rows looked ahead at once


class Neighbourhood(Protocol):
    """What is asked of the store."""

    def neighbours(
        self, water_point: str, device: str, *, since_ms: int, until_ms: int, at_most: int, newest: bool
    ) -> Sequence[Row]:
        """Rows of a device at a water point taken within [since_ms, until_ms), oldest first."""
        ...


class Timeline:
    """What is stored of a (water point, device), as a round changes it.

    Args:
        place: water point and device.
        store: None where it cannot be asked.
        new: what the round holds, by when it was taken; takes the place of what is stored.
        left_out: instants that are to be judged anew, wherever they are.
    """

    def __init__(
        self,
        place: tuple[str, str],
        store: Neighbourhood | None,
        new: Mapping[int, Row],
        left_out: frozenset[int] = frozenset(),
    ) -> None:
        self._place, self._store, self._new, self._left_out = place, store, dict(new), set(left_out)
        self._times = sorted(self._new)

    def add(self, row: Row) -> None:
        """One of those left out has been judged."""
        at_ms = row.observation.taken_ms
        self._left_out.discard(at_ms)
        if at_ms not in self._new:
            self._times.insert(bisect_left(self._times, at_ms), at_ms)
        self._new[at_ms] = row

    def before(self, since_ms: int, until_ms: int, at_most: int) -> list[Row]:
        """The newest rows taken within [since_ms, until_ms), oldest first."""
        stored = self._ask(since_ms, until_ms, at_most, newest=True)
        first_ms = stored[0].observation.taken_ms if len(stored) == at_most else since_ms
        new = self._times[bisect_left(self._times, first_ms) : bisect_left(self._times, until_ms)]
        return self._merged(stored, new)[-at_most:]

    def after(self, at_ms: int, at_most: int) -> list[Row]:
        """The oldest rows taken after an instant, oldest first."""
        until_ms = at_ms + _HORIZON_MS + 1
        stored = self._ask(at_ms + 1, until_ms, at_most, newest=False)
        last_ms = stored[-1].observation.taken_ms if len(stored) == at_most else until_ms - 1
        new = self._times[bisect_right(self._times, at_ms) : bisect_right(self._times, last_ms)]
        return self._merged(stored, new)[:at_most]

    def _ask(self, since_ms: int, until_ms: int, at_most: int, *, newest: bool) -> Sequence[Row]:
        if self._store is None:
            return []
        return self._store.neighbours(
            *self._place, since_ms=since_ms, until_ms=until_ms, at_most=at_most, newest=newest
        )

    def _merged(self, stored: Sequence[Row], new: Sequence[int]) -> list[Row]:
        rows = {row.observation.taken_ms: row for row in stored}
        rows |= {at_ms: self._new[at_ms] for at_ms in new}
        return [rows[at_ms] for at_ms in sorted(rows) if at_ms not in self._left_out]


def newest_track(
    store: Neighbourhood, place: tuple[str, str], bounds: Mapping[Parameter, Bounds], at_ms: int
) -> Track:
    """A track up to the newest that is stored, for one whose next observation was taken at an instant.

    Raises:
        StoreUnavailable: the store gives nothing now; mended by time.
    """
    timeline = Timeline(place, store, {})
    return _followed(lambda at_most: timeline.before(at_ms - _HORIZON_MS, LATEST_MS + 1, at_most), bounds)[0]


class Sweep:
    """Judges what comes late; one for each (water point, device) that has a backlog.

    Args:
        place: water point and device.
        bounds: by what it is judged.

    Attributes:
        track: where it has come to; None before anything was late.
    """

    def __init__(self, place: tuple[str, str], bounds: Mapping[Parameter, Bounds]) -> None:
        self._place, self._bounds = place, bounds
        self._apart_ms = max(each.apart_s for each in bounds.values()) * _MS_PER_S
        self.track: Track | None = None
        self._next: Row | None = None
        self._late_ms: int | None = None
        self._known: dict[int, Row] = {}
        self._found: dict[int, Row] = {}

    def take(
        self, late: Sequence[Row], new: Mapping[int, Row], store: Neighbourhood | None
    ) -> Mapping[int, Row]:
        """Judge late observations.

        Args:
            late: as the device sent them.
            new: what else the round holds, judged, by when it was taken.
            store: None where it cannot be asked.

        Returns:
            By when they were taken: the late ones, and whatever is judged otherwise because of them.

        Raises:
            StoreUnavailable: the store gives nothing now; mended by time.
        """
        in_time = sorted(late, key=lambda row: row.observation.taken_ms)
        instants = frozenset(row.observation.taken_ms for row in in_time)
        timeline = Timeline(self._place, store, new, instants)
        self._known, self._found, self._late_ms = {}, {}, None
        for row in in_time:
            self._go_on(timeline, row.observation.taken_ms)
            self._take(row)
            timeline.add(row)
        self._go_on(timeline, None)
        return {
            at_ms: row
            for at_ms, row in self._found.items()
            if at_ms in instants or _flags(row) != _flags(self._known.get(at_ms))
        }

    def _go_on(self, timeline: Timeline, until_ms: int | None) -> None:
        """Follow what is stored, up to the next late one, as long as it depends on the last."""
        if self._late_ms is not None:
            self._follow(timeline, until_ms)
        if until_ms is not None and not self._may_take(until_ms):
            self._begin(timeline, until_ms)

    def _may_take(self, at_ms: int) -> bool:
        if self.track is None or self._next is None:
            return False
        return self.track.last_ms < at_ms < self._next.observation.taken_ms

    def _begin(self, timeline: Timeline, at_ms: int) -> None:
        self.track, rows = _followed(
            lambda at_most: timeline.before(at_ms - _HORIZON_MS, at_ms, at_most), self._bounds
        )
        known = {row.observation.taken_ms: row for row in rows}
        for observation, received_ms in self.track.neighbours():
            before_ms = observation.taken_ms
            self._known[before_ms] = known[before_ms]
            self._found[before_ms] = Row(self._place[0], observation, received_ms)
        self._next = next(iter(timeline.after(at_ms, 1)), None)

    def _take(self, row: Row) -> None:
        self._late_ms = row.observation.taken_ms
        self._judge(row)

    def _judge(self, row: Row) -> None:
        assert self.track is not None
        judged = self.track.take(row.observation, row.received_ms)
        self._found[judged.taken_ms] = Row(self._place[0], judged, row.received_ms)
        for observation, received_ms in self.track.again:
            self._found[observation.taken_ms] = Row(self._place[0], observation, received_ms)
        self.track.again.clear()

    def _follow(self, timeline: Timeline, until_ms: int | None) -> None:
        assert self.track is not None
        assert self._late_ms is not None
        if self._next is not None and self._next.observation.taken_ms > self.track.last_ms:
            is_before_next = until_ms is not None and until_ms < self._next.observation.taken_ms
            if is_before_next or self._is_untouched(self._next):
                return  # a backlog in order: nobody need be asked
        has_followed, settled_ms = False, None
        while page := timeline.after(self.track.last_ms, _AHEAD):
            for row in page:
                self._next = row
                at_ms = row.observation.taken_ms
                if until_ms is not None and at_ms > until_ms:
                    return
                if settled_ms is None and has_followed and self.track.is_independent_of(self._late_ms + 1):
                    settled_ms = self.track.last_ms
                if settled_ms is not None and self._is_past(settled_ms, at_ms):
                    self._found = {at: found for at, found in self._found.items() if at <= settled_ms}
                    return
                if not has_followed and self._is_untouched(row):
                    return
                has_followed = True
                self._known[at_ms] = row
                self._judge(Row(row.water_point, as_sent(row.observation), row.received_ms))
        self._next = None

    def _is_past(self, settled_ms: int, at_ms: int) -> bool:
        """Whether all up to `settled_ms` have the successors by which they are judged."""
        assert self.track is not None
        return all(
            observation.taken_ms > settled_ms or at_ms - observation.taken_ms > self._apart_ms
            for observation, _ in self.track.neighbours()
        )

    def _is_untouched(self, row: Row) -> bool:
        """Whether the row after the late ones lies too far from them to be judged otherwise."""
        assert self.track is not None
        silent_ms = row.observation.taken_ms - self.track.last_ms
        if silent_ms <= self._apart_ms:
            return False
        readings = row.observation.readings.values()
        if _LONGEST_GAP_MS < silent_ms <= _HORIZON_MS:
            return all(reading.flag is not Flag.GOOD for reading in readings)
        return all(reading.screened.why is not Why.AFTER_GAP for reading in readings)


def _followed(
    before: Callable[[int], Sequence[Row]], bounds: Mapping[Parameter, Bounds]
) -> tuple[Track, Sequence[Row]]:
    """A track over the rows before an instant, from where nothing farther back matters any more.

    Args:
        before: gives so many of them, the newest, oldest first.
        bounds: by what they are judged.
    """
    least_ms = max(max(each.apart_s, each.disturbed_s or 0.0) for each in bounds.values()) * _MS_PER_S
    reach_ms = max(each.reach_s for each in bounds.values()) * _MS_PER_S
    track, rows = Track(bounds), before(_PAGES[0])
    for at_most, more in zip(_PAGES, (*_PAGES[1:], 0), strict=True):
        for row in rows:
            track.take(as_sent(row.observation), row.received_ms)
        track.again.clear()
        if len(rows) < at_most or not more:
            break
        first_ms = rows[0].observation.taken_ms
        span_ms = track.last_ms - first_ms
        if span_ms >= reach_ms or (span_ms >= least_ms and track.is_independent_of(first_ms + 1)):
            break
        track, rows = Track(bounds), before(more)
    return track, rows


def _flags(row: Row | None) -> Mapping[Parameter, object] | None:
    if row is None:
        return None
    return {parameter: reading.screened for parameter, reading in row.observation.readings.items()}
