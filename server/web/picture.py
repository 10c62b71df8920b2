"""A chart as a picture drawn by the server: what a page without JavaScript shows.

The same signs as the live chart: a band from lowest to highest, a line of means that breaks where nothing was
recorded, a dashed limit, and a mark under every reading that is in doubt.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from server.store.port import ChartPoint
from server.web.reader import Reader
from server.web.views.chart import ChartView
from server.web.words import PARAMETERS
from waterquality.flags import Flag
from waterquality.readings import to_ms

_WIDTH, _HEIGHT = 600.0, 150.0
_FOOT = 6.0  # room for the marks of readings in doubt
_HEAD_ROOM = 0.08
_LONGEST_STEP = 3.0  # usual distances between points; a longer one is a gap
_SVG = Markup(
    '<svg class="picture" viewBox="0 0 600 150" preserveAspectRatio="none" role="img" aria-label="{}">'
    "{}</svg>"
)


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where an instant and a value lie in the picture."""

    since_ms: int
    until_ms: int
    bottom: float
    top: float

    def x(self, at_ms: int) -> float:
        return _WIDTH * (at_ms - self.since_ms) / (self.until_ms - self.since_ms)

    def y(self, value: float) -> float:
        return (_HEIGHT - _FOOT) * (self.top - value) / (self.top - self.bottom)


def picture(chart: ChartView, reader: Reader) -> Markup:
    """The chart as inline SVG, with its span and extremes said in its label."""
    frame = _frame(chart)
    shapes = "".join(
        [
            *(_band(run, frame) for run in _runs(chart.points)),
            *(_line(run, frame) for run in _runs(chart.points)),
            *(_bound(bound, frame) for bound in ([] if chart.limit is None else chart.limit.bounds())),
            *(_doubt(point, frame) for point in chart.points if point.flag is not Flag.GOOD),
        ]
    )
    # The label is escaped by `format`; the shapes are made of numbers.
    return _SVG.format(_label(chart, reader), Markup(shapes))  # noqa: S704


def _label(chart: ChartView, reader: Reader) -> str:
    lows = [point.low for point in chart.points if point.low is not None]
    highs = [point.high for point in chart.points if point.high is not None]
    name = reader.say(PARAMETERS[chart.parameter])
    if not lows or not highs:
        return f"{name}: {reader.say('No readings in this time.')}"
    low, high = reader.value(chart.parameter, min(lows)), reader.value(chart.parameter, max(highs))
    return f"{name}: {reader.say('lowest')} {low}, {reader.say('highest')} {high}"


def _frame(chart: ChartView) -> _Frame:
    numbers = [number for point in chart.points for number in (point.low, point.high) if number is not None]
    numbers += [] if chart.limit is None else chart.limit.bounds()
    bottom, top = (min(numbers), max(numbers)) if numbers else (0.0, 1.0)
    room = (top - bottom or 1.0) * _HEAD_ROOM
    return _Frame(to_ms(chart.since), to_ms(chart.until), bottom - room, top + room)


def _runs(points: Sequence[ChartPoint]) -> Iterable[Sequence[ChartPoint]]:
    """The points with a value, parted where nothing was recorded."""
    steps = sorted(after.at_ms - before.at_ms for before, after in pairwise(points))
    longest = _LONGEST_STEP * steps[len(steps) // 2] if steps else 0.0
    run: list[ChartPoint] = []
    for point in points:
        if run and (point.mean is None or point.at_ms - run[-1].at_ms > longest):
            yield run
            run = []
        if point.mean is not None:
            run.append(point)
    if run:
        yield run


def _band(run: Sequence[ChartPoint], frame: _Frame) -> str:
    upper = [(point.at_ms, point.high) for point in run if point.high is not None]
    lower = [(point.at_ms, point.low) for point in reversed(run) if point.low is not None]
    return f'<polygon class="band" points="{_path([*upper, *lower], frame)}"/>'


def _line(run: Sequence[ChartPoint], frame: _Frame) -> str:
    means = [(point.at_ms, point.mean) for point in run if point.mean is not None]
    return f'<polyline class="mean" points="{_path(means, frame)}"/>'


def _path(places: Sequence[tuple[int, float]], frame: _Frame) -> str:
    return " ".join(f"{frame.x(at_ms):.1f},{frame.y(value):.1f}" for at_ms, value in places)


def _bound(bound: float, frame: _Frame) -> str:
    y = f"{frame.y(bound):.1f}"
    return f'<line class="bound" x1="0" x2="{_WIDTH:.0f}" y1="{y}" y2="{y}"/>'


def _doubt(point: ChartPoint, frame: _Frame) -> str:
    x, y = frame.x(point.at_ms) - 1, _HEIGHT - _FOOT + 2
    return f'<rect class="doubt" x="{x:.1f}" y="{y:.0f}" width="2.5" height="4"/>'
