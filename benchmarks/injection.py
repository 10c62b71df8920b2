"""Events put into water in which nothing was labelled: steps, ramps and humps of known size, in trains.

Sizes are in ordinary changes: the 99th percentile of how far a value lies from the median of the 20 before it.
Half of the shapes of DESIGN's field are missing (real mud has a tail); it says what a detector can see, not what
a village will have.
"""

import math
import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.recordings import Recording

_SHAPES: dict[str, Callable[[float], float]] = {
    "step": lambda _: 1.0,
    "ramp": lambda done: done,
    "hump": lambda done: math.sin(math.pi * done),
}
_BEFORE = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """How events are put in.

    Attributes:
        parameter: the column.
        seed: of the random choices.
        size: in ordinary changes.
        rows: shortest and longest, in rows.
        first_row: before it nothing happens: the detector learns.
        apart: fewest and most rows between one train of three to eight events and the next.
    """

    parameter: str
    seed: int
    size: float
    rows: tuple[int, int] = (12, 40)
    first_row: int = 1_500
    apart: tuple[int, int] = (2_000, 6_000)


def inject(recording: Recording, plan: Plan) -> Recording:
    """The recording with events put in; their rows are the labels, and nothing else is."""
    choose = random.Random(plan.seed)  # the same events for the same seed
    rows = [(at_ms, dict(values)) for at_ms, values in recording.rows]
    labels = [False] * len(rows)
    height = plan.size * ordinary_change(recording, plan.parameter)
    at = plan.first_row
    while at < len(rows):
        shape = _SHAPES[choose.choice(sorted(_SHAPES))]
        for _ in range(choose.randint(3, 8)):
            length = choose.randint(*plan.rows)
            for done in range(min(length, len(rows) - at)):
                values = rows[at + done][1]
                value = values[plan.parameter]
                labels[at + done] = value is not None
                if value is not None:
                    values[plan.parameter] = value + height * shape((done + 0.5) / length)
            at += length + choose.randint(40, 200)
            if at >= len(rows):
                break
        at += choose.randint(*plan.apart)
    return Recording(recording.columns, rows, labels)


def ordinary_change(recording: Recording, parameter: str) -> float:
    """The 99th percentile of how far a value lies from the median of the 20 before it."""
    values = [value for _, row in recording.rows if (value := row[parameter]) is not None]
    sampled = range(_BEFORE, len(values), 7)
    changes = sorted(abs(values[at] - statistics.median(values[at - _BEFORE : at])) for at in sampled)
    return changes[int(0.99 * len(changes))]
