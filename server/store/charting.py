"""How a chart is drawn, whichever store is behind: the readings themselves where they fit, else intervals."""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from server.store.port import ChartPoint
from server.store.rollup import HOUR_MS, Grain, Part, Piece, pieces, points_of
from server.store.span import Span


class ChartSource(Protocol):
    """One parameter at one water point, as a store has it."""

    def forgotten_ms(self) -> int:
        """Readings before it are deleted; start of a day."""
        ...

    def due(self) -> Collection[int] | None:
        """Starts of the hours whose rollups must not be used; None when none may be."""
        ...

    def readings(self, span: Span, limit: int) -> Sequence[ChartPoint]:
        """The readings as they are, oldest first, `limit` of them."""
        ...

    def parts(self, piece: Piece, width_ms: int) -> Iterable[Part]:
        """What the intervals of a stretch hold."""
        ...


def draw(source: ChartSource, span: Span, pixels: int) -> Sequence[ChartPoint]:
    """A chart of at most `pixels` points.

    Raises:
        ValueError: not one pixel to draw on.
    """
    width_ms = span.width_for(pixels)
    forgotten_ms = source.forgotten_ms()
    if span.start_ms < forgotten_ms:
        return _in_intervals(source, span, max(width_ms, HOUR_MS), forgotten_ms)
    if width_ms % HOUR_MS:
        readings = source.readings(span, pixels + 1)
        return readings if len(readings) <= pixels else _in_intervals(source, span, width_ms, forgotten_ms)
    # Whether so long a time fits is cheaper to see in the rollups than in the readings of all its shards.
    points = _in_intervals(source, span, width_ms, forgotten_ms)
    if sum(point.count for point in points) > pixels:
        return points
    return source.readings(span, pixels)


def _in_intervals(source: ChartSource, span: Span, width_ms: int, forgotten_ms: int) -> Sequence[ChartPoint]:
    due = () if width_ms % HOUR_MS else source.due()
    if due is not None:
        plan = pieces(span, width_ms, due=due, forgotten_ms=forgotten_ms)
    else:  # only the rollups of forgotten time are to be relied on
        early, late = _cut(span, forgotten_ms)
        plan = [] if early.is_empty else pieces(early, width_ms, due=(), forgotten_ms=forgotten_ms)
        plan += [] if late.is_empty else [Piece(Grain.RAW, late)]
    return points_of(part for piece in plan for part in source.parts(piece, width_ms))


def _cut(span: Span, at_ms: int) -> tuple[Span, Span]:
    return Span(span.start_ms, min(span.end_ms, at_ms)), Span(max(span.start_ms, at_ms), span.end_ms)
