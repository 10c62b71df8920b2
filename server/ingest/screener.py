"""The screener: the readings of a round, each judged among its neighbours in event time, whatever came first.

A track follows each (water point, device). What is newer than all before goes on it at once, which costs a few
microseconds and asks nobody. What is older is judged in a *sweep*: the stored neighbours are followed again
from well before it, with it in its place, until what follows no longer depends on it. Whoever is judged
otherwise then is written again, in the same write as what is new.

**Invariants**
* A track in memory is a function of what the store holds. What was judged and then not stored is forgotten
  before the store is asked again, and so is a change to a neighbour: the device comes again, and all is found
  anew.
* So the flags in the store depend on the readings alone, not on the order in which they came.
* A store that is away stops nobody from judging: then the neighbours in memory are all there are. Where there was
  no time to ask, what was judged so is held back: it is stored when it comes again and there is time.
* What is written again is not new: it is not judged by the watch, not booked and not receipted.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from server.ingest.sweep import Neighbourhood, Sweep, newest_track
from server.store.port import Row, StoreUnavailable
from waterquality.parameters import Parameter
from waterquality.screening import Bounds, Track
from waterquality.screening.series import Seen

_Place = tuple[str, str]  # water point, device
BoundsOf = Callable[[_Place], Mapping[Parameter, Bounds]]


@dataclass(frozen=True, slots=True)
class Judged:
    """A round, judged.

    Attributes:
        rows: the rows given, screened, in their order.
        again: rows of earlier rounds whose flags are different now.
        held_back: indexes of rows that must not be stored: there was no time to ask for their neighbours.
    """

    rows: list[Row]
    again: Sequence[Row]
    held_back: frozenset[int] = frozenset()


@dataclass(slots=True)
class _Followed:
    """A (water point, device) as it is followed.

    Attributes:
        track: up to the newest.
        bounds: what it goes by.
        backlog: the last sweep, where what comes late may simply go on; None when there was none.
    """

    track: Track
    bounds: Mapping[Parameter, Bounds]
    backlog: Sweep | None = None


@dataclass(slots=True)
class _Work:
    """What a round has gathered so far.

    Where each row of the round stands is worked out once, and only when somebody asks: in most rounds nobody does.
    """

    rows: list[Row]
    late: dict[_Place, list[int]] = field(default_factory=dict)
    again: defaultdict[_Place, dict[int, Row]] = field(default_factory=lambda: defaultdict(dict))
    may_ask: Callable[[], bool] = lambda: True
    is_away: bool = False
    has_no_time: bool = False
    _where: dict[_Place, dict[int, list[int]]] | None = None

    def may_go_on(self) -> bool:
        """Whether the store may be asked now; once not, no more in this round."""
        if not self.is_away and not self.may_ask():
            self.is_away = self.has_no_time = True
        return not self.is_away

    def where(self, place: _Place) -> Mapping[int, list[int]]:
        """The indexes of a place's rows, by when they were taken."""
        if self._where is None:
            self._where = {}
            for index, row in enumerate(self.rows):
                observation = row.observation
                times = self._where.setdefault((row.water_point, observation.device), {})
                times.setdefault(observation.taken_ms, []).append(index)
        return self._where.get(place, {})


class Screener:
    """Judges readings among their neighbours.

    Args:
        store: where the neighbours are.
        is_held: whether the store may hold anything of a (device, epoch); who is new is not asked for.
    """

    def __init__(self, store: Neighbourhood, is_held: Callable[[tuple[str, str]], bool]) -> None:
        self._store, self._is_held = store, is_held
        self._followed: dict[_Place, _Followed] = {}
        self._unsure: set[_Place] = set()
        self._touched: set[_Place] = set()  # in this round
        self._cold: set[_Place] = set()  # judged without what the store may hold

    def screen(self, rows: Sequence[Row], bounds: BoundsOf, *, may_ask: Callable[[], bool]) -> Judged:
        """Judge a round.

        Args:
            rows: what is new, as the devices sent it, in the order in which it came.
            bounds: by what a (water point, device) is judged.
            may_ask: whether the store answers, as far as is known, and there is time to ask it.
        """
        self._unsure |= self._touched  # the last round was not stored
        self._touched.clear()
        work = _Work(list(rows), may_ask=may_ask)
        for index, row in enumerate(rows):
            observation, place = row.observation, _place(row)
            followed = self._followed.get(place)
            if followed is None or place in self._unsure or followed.bounds is not bounds(place):
                followed = self._begun(place, row, bounds(place), work)
            track = followed.track
            if observation.taken_ms <= track.last_ms:
                work.late.setdefault(place, []).append(index)
                continue
            work.rows[index] = Row(row.water_point, track.take(observation, row.received_ms), row.received_ms)
            self._touched.add(place)
            if track.again:
                self._put(place, track.again, work)
                track.again.clear()
        for place, indexes in work.late.items():
            self._take_late(place, indexes, work)
        return self._judged(work)

    def _judged(self, work: _Work) -> Judged:
        held_back: frozenset[int] = frozenset()
        if work.has_no_time:
            doubted = self._cold | self._unsure
            held_back = frozenset(at for at, row in enumerate(work.rows) if _place(row) in doubted)
            for place in doubted:
                work.again.pop(place, None)
        return Judged(work.rows, [row for rows in work.again.values() for row in rows.values()], held_back)

    def stored(self, refused: Iterable[Row] = ()) -> None:
        """What was judged last is in the store, but for what it will never take."""
        self._touched.clear()
        self._unsure |= self._cold
        self._cold.clear()
        for row in refused:
            self._forget(_place(row))

    def forget(self, of: Callable[[str], bool]) -> None:
        """Follow these devices no longer: somebody else judges them now, and may give them back."""
        for place in [place for place in self._followed if of(place[1])]:
            self._forget(place)

    def _forget(self, place: _Place) -> None:
        self._followed.pop(place, None)
        self._unsure.discard(place)

    def _begun(self, place: _Place, row: Row, bounds: Mapping[Parameter, Bounds], work: _Work) -> _Followed:
        """Who is not followed yet, or no longer for sure, is followed from what the store holds."""
        known = self._followed.get(place)
        if known is not None and known.bounds == bounds:
            known.bounds = bounds  # the registry was read again, and says the same
            if place not in self._unsure or not work.may_go_on():
                return known
        followed = self._followed[place] = _Followed(self._from_store(place, row, bounds, work), bounds)
        if work.is_away and known is not None and known.bounds is bounds:
            followed = self._followed[place] = known
        return followed

    def _from_store(self, place: _Place, row: Row, bounds: Mapping[Parameter, Bounds], work: _Work) -> Track:
        observation = row.observation
        if place not in self._unsure and not self._is_held((observation.device, observation.epoch)):
            return Track(bounds)
        if not work.may_go_on():
            self._cold.add(place)
            return Track(bounds)
        try:
            track = newest_track(self._store, place, bounds, observation.taken_ms)
        except StoreUnavailable:
            work.is_away = True
            self._cold.add(place)
            return Track(bounds)
        self._unsure.discard(place)
        self._cold.discard(place)
        return track

    def _take_late(self, place: _Place, indexes: list[int], work: _Work) -> None:
        followed, are_late = self._followed[place], frozenset(indexes)
        new = {
            at_ms: work.rows[index]
            for at_ms, found in work.where(place).items()
            for index in found
            if index not in are_late
        } | work.again[place]
        late = [work.rows[index] for index in indexes]
        sweep = followed.backlog or Sweep(place, followed.bounds)
        self._touched.add(place)
        swept = self._swept(followed, sweep, late, new, work)
        if swept is None:  # what is in memory is all there is
            self._cold.add(place)
            followed.backlog = None
            swept = Sweep(place, followed.bounds).take(late, new, None)
        self._replace(place, swept, work)
        for index in indexes:
            row = work.rows[index]
            if _name(swept[row.observation.taken_ms]) != _name(
                row
            ):  # two at one instant, which no device sends
                alone = Track(followed.bounds).take(row.observation, row.received_ms)
                work.rows[index] = Row(row.water_point, alone, row.received_ms)

    def _swept(
        self, followed: _Followed, sweep: Sweep, late: Sequence[Row], new: Mapping[int, Row], work: _Work
    ) -> Mapping[int, Row] | None:
        """What a sweep finds; None where the store gives no neighbours now."""
        if not work.may_go_on():
            return None
        try:
            swept = sweep.take(late, new, self._store)
        except StoreUnavailable:
            work.is_away = True
            return None
        followed.backlog = sweep
        if sweep.track is not None and sweep.track.last_ms >= followed.track.last_ms:
            followed.track, followed.backlog = sweep.track, None
        return swept

    def _put(self, place: _Place, seen: Iterable[Seen], work: _Work) -> None:
        rows = [Row(place[0], observation, received_ms) for observation, received_ms in seen]
        self._replace(place, {row.observation.taken_ms: row for row in rows}, work)

    def _replace(self, place: _Place, found: Mapping[int, Row], work: _Work) -> None:
        """Put what was found in the place of what was given, or beside it where it is of an earlier round."""
        where = work.where(place)
        for at_ms, better in found.items():
            same = [index for index in where.get(at_ms, ()) if _name(work.rows[index]) == _name(better)]
            for index in same:
                work.rows[index] = better
            if not same:
                work.again[place][at_ms] = better


def _place(row: Row) -> _Place:
    return row.water_point, row.observation.device


def _name(row: Row) -> tuple[str, str, str, int]:
    observation = row.observation
    return row.water_point, observation.device, observation.epoch, observation.seq
