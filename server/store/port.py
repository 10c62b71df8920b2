"""What the server needs of a store of readings. One contract suite runs on every implementation.

Writing is repeatable: an observation is identified by (water point, device, instant), and writing it again
replaces it, every field of it. Every reading question is bounded in time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from server.store.span import Span
from waterquality.errors import LinkError, RejectedError
from waterquality.flags import Flag
from waterquality.parameters import Parameter
from waterquality.readings import Observation

if TYPE_CHECKING:
    from server.store.rolled import RolledHour  # itself made of the words of this port


class StoreUnavailable(LinkError):
    """The store cannot take or give anything now; mended by time."""


class StoreBusy(StoreUnavailable):
    """The store is still at work on what it was given before; mended by time, and soon."""


class PointRejected(RejectedError):
    """Some observations will never be accepted; all the others were stored; mended by nobody.

    Attributes:
        reasons: the store's words, by index into what was written.
    """

    def __init__(self, reasons: Mapping[int, str]) -> None:
        super().__init__(f"{len(reasons)} refused: {next(iter(reasons.values()), '')[:200]}")
        self.reasons = dict(reasons)


@dataclass(frozen=True, slots=True)
class Row:
    """An observation at its water point, as it is stored.

    Attributes:
        water_point: id of the water point the device served when it was taken.
        observation: with every reading screened.
        received_ms: when the server took it in, milliseconds since 1970, UTC.
    """

    water_point: str
    observation: Observation
    received_ms: int


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """One point of a chart, raw or of one pixel's width.

    Attributes:
        at_ms: the instant, or the start of the pixel's interval, milliseconds since 1970, UTC.
        low: lowest usable value, in the parameter's unit; None when there was none.
        mean: mean of the usable values.
        high: highest usable value: a spike is never averaged away.
        flag: the worst flag among them.
        count: how many readings it stands for.
    """

    at_ms: int
    low: float | None
    mean: float | None
    high: float | None
    flag: Flag
    count: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A step of forgetting.

    Attributes:
        through_ms: readings before it are deleted or about to be; start of a day, milliseconds since 1970, UTC.
        rows: how many observations this step deleted.
    """

    through_ms: int
    rows: int


@dataclass(frozen=True, slots=True)
class Move:
    """Readings that belong to another water point: the device stood elsewhere.

    Attributes:
        device: whose readings.
        source: the water point they were stored under.
        target: the water point they belong to.
        since_ms: taken at or after, milliseconds since 1970, UTC.
        until_ms: taken before.
    """

    device: str
    source: str
    target: str
    since_ms: int
    until_ms: int

    @property
    def span(self) -> Span:
        """[since, until)."""
        return Span(self.since_ms, self.until_ms)


@dataclass(frozen=True, slots=True)
class Upkeep:
    """How far a store's rollups and its forgetting have come.

    Attributes:
        due: hours, of one water point each, that must be worked out anew, the hour under way among them.
        forgotten_ms: readings before it are deleted and only their rollups are left; 0 when none were.
    """

    due: int
    forgotten_ms: int


class ReadingStore(Protocol):
    """Keeps readings and finds them again."""

    def prepare(self) -> None:
        """Make what is not there yet and may be made from here; may be called again at any time.

        Raises:
            StoreUnavailable: not reached, or we may not; mended by time or, as the message says, by hand.
        """
        ...

    def write(self, rows: Sequence[Row]) -> None:
        """Store rows, durably, before it returns. Writing a row again changes nothing.

        Raises:
            StoreUnavailable: nothing can be said of any of them; write them all again; mended by time.
            PointRejected: those named will never be accepted, the others are stored; mended by nobody.
        """
        ...

    def latest(self, water_points: Sequence[str], *, since: datetime, until: datetime) -> Mapping[str, Row]:
        """The newest row of each water point taken within [since, until]; those with none are left out."""
        ...

    def chart(
        self, water_point: str, parameter: Parameter, *, since: datetime, until: datetime, pixels: int
    ) -> Sequence[ChartPoint]:
        """A parameter over [since, until), oldest first, at most `pixels` points.

        Raw readings (low = mean = high) when they fit, else one point for each interval that holds any. Only
        readings with a usable flag enter low, mean and high. Of a time whose readings are forgotten: hours.
        """
        ...

    def identities(
        self, water_point: str, device: str, *, since_ms: int, until_ms: int
    ) -> frozenset[tuple[str, int, int]]:
        """The (epoch, seq, taken_ms) of what is stored of a device, taken within [since_ms, until_ms]."""
        ...

    def neighbours(
        self, water_point: str, device: str, *, since_ms: int, until_ms: int, at_most: int, newest: bool
    ) -> Sequence[Row]:
        """Rows of a device at a water point taken within [since_ms, until_ms), oldest first.

        Args:
            water_point: where.
            device: whose.
            since_ms: taken at or after, milliseconds since 1970, UTC.
            until_ms: taken before.
            at_most: how many.
            newest: the newest of them where there are more; else the oldest.
        """
        ...

    def count(self, *, since: datetime, until: datetime) -> int:
        """How many observations taken within [since, until] are stored."""
        ...

    def roll_up(self, now: datetime) -> int:
        """Work out rollups that are due, for a moment; returns how many hours, 0 when there is nothing to do now.

        May be called by several processes at once.

        Raises:
            StoreUnavailable: what was not worked out stays due; mended by time.
        """
        ...

    def forget(self, before: datetime, now: datetime) -> Forgotten | None:
        """Delete some of the readings taken on days that are wholly before; None when there is nothing to do now.

        Rollups stay. A day is deleted only when nothing of it is due.

        Raises:
            StoreUnavailable: mended by time.
        """
        ...

    def move(self, what: Move) -> int:
        """Move some of the readings to where they belong; returns how many, 0 when all are there.

        The rollups of both water points become due. To be called again until it returns 0, also after a crash.
        Nobody may write to the source any more what is to be moved.

        Raises:
            StoreUnavailable: what was not moved is still where it was; mended by time.
            PointRejected: the store does not take it there; it stays where it was; mended by nobody.
        """
        ...

    def upkeep(self) -> Upkeep:
        """How far rollups and forgetting have come.

        Raises:
            StoreUnavailable: mended by time.
        """
        ...

    def extent(self) -> tuple[int, int] | None:
        """When the oldest and the newest observation were taken, in ms since 1970; None when there is none."""
        ...

    def rows(self, *, since_ms: int, until_ms: int) -> Iterator[Row]:
        """Every row taken within [since_ms, until_ms), by water point, then by time, then by device.

        They are fetched piece by piece, so any number of them fits into memory. What is written meanwhile may or
        may not be among them; what was stored before the first was asked for is, whole.

        Raises:
            StoreUnavailable: the store cannot give them all; mended by time or, as the message says, by hand.
        """
        ...

    def rolled_hours(self) -> Iterator["RolledHour"]:
        """Every rollup of an hour whose readings are forgotten, by water point, then parameter, then time.

        Raises:
            StoreUnavailable: the store cannot give them all; mended by time.
        """
        ...

    def adopt(self, hours: Sequence["RolledHour"], forgotten_ms: int) -> int:
        """Take over rollups of what another store has forgotten; returns how many, repeating it changes nothing.

        This store's forgotten time is made to reach as far as the other's, though no further than the day of the
        oldest reading, or of the oldest hour due, that is its own. Hours after that are not taken: they follow
        from readings, or will. The days of those taken are worked out anew.

        Args:
            hours: each replaces what is there of its hour; none of them has a fault.
            forgotten_ms: how far the other has forgotten; start of a day.

        Raises:
            StoreUnavailable: some may be taken; say it again; mended by time.
        """
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...
