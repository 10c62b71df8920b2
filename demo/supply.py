"""When water comes, how much of it is drawn, and what the meter has counted: a curve whose area is known.

Flow is drawn between nodes ten minutes apart: a straight line and a wiggle of area nought, so the volume of
any stretch has a closed form, and the meter agrees with the flow to the last pulse. A day is summed once,
when first asked for.

Invariants: flow is never negative, and exactly 0 outside the supply hours; the meter never runs backwards;
it stands at 0 at its zero, and below 0 before.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise

from demo.noise import smooth, stream, unit
from demo.villages import Village

DAY_S = 86_400.0
TBILISI_S = 4 * 3600.0  # UTC+4, no summer time
_HOUR_S = 3600.0
_NODE_S = 600.0
_NODE_MINUTES = _NODE_S / 60.0
_NODES = int(DAY_S / _NODE_S)

# Share of the mean draw at each full hour of the day: breakfast, noon, evening, and little at night.
_BY_HOUR = (
    *(0.25, 0.18, 0.15, 0.15, 0.20, 0.45, 1.05, 1.75, 1.80, 1.40, 1.10, 1.05),
    *(1.20, 1.15, 0.95, 0.90, 1.00, 1.25, 1.60, 1.90, 1.85, 1.45, 0.95, 0.50),
)
_LEAK = 0.22  # share of the mean flow that runs off day and night
_DAY_SPREAD = 0.08
_HOURS_SPREAD, _HOURS_S = 0.15, 2.5 * _HOUR_S
_NODE_SPREAD = 0.11
# Whole turns between two nodes, and the greatest share of the flow.
_WIGGLES = ((1, 0.09), (2, 0.07), (3, 0.07), (5, 0.10))
_REFILL, _REFILL_S = 0.8, 1200.0  # tanks and pipes fill when water returns


@dataclass(frozen=True, slots=True)
class Phase:
    """Whether water comes, and for how many seconds that has been so; infinite where it always comes."""

    is_on: bool
    for_s: float


class Supply:
    """The water that comes to one place and is drawn there.

    Args:
        village: the place.
        seed: the seed of the whole demonstration.
        meter_zero_s: when the meter stood at 0, in seconds since 1970. The first question about a meter far
            from that costs about 0.3 ms for each day between.
    """

    def __init__(self, village: Village, *, seed: int, meter_zero_s: float) -> None:
        self._turns = _turns(village)
        self._steady, self._drawn = _pattern(village)
        self._chance_day = stream(seed, village.water_point, "day")
        self._chance_hours = stream(seed, village.water_point, "hours of draw")
        self._chance_node = stream(seed, village.water_point, "node")
        self._chances = tuple(stream(seed, village.water_point, "wiggle", turns) for turns, _ in _WIGGLES)
        first_day = _place(meter_zero_s)[0]
        self._at_midnight = {first_day: 0.0}
        self._oldest = self._newest = first_day
        self._nodes_of = lru_cache(maxsize=32)(self._nodes)
        self._wiggles_of = lru_cache(maxsize=2 * _NODES)(self._wiggles)
        self._volumes_of = lru_cache(maxsize=32)(self._volumes)
        self._litres_before = self._litres_since_first_day(meter_zero_s)

    def phase(self, at_s: float) -> Phase:
        """Whether water comes at `at_s` seconds since 1970, and for how long that has been so."""
        if not self._turns:
            return Phase(is_on=True, for_s=math.inf)
        of_day_s = (at_s + TBILISI_S) % DAY_S
        yesterday_s = self._turns[-1][0] - DAY_S
        before = (turn for turn in self._turns if turn[0] <= of_day_s)
        since_s, is_on = max(before, default=(yesterday_s, False))
        return Phase(is_on, of_day_s - since_s)

    def flow_l_per_min(self, at_s: float) -> float:
        """The flow at `at_s` seconds since 1970, in L/min."""
        day, node, part = _place(at_s)
        first, second = self._nodes_of(day)[node : node + 2]
        wiggle = sum(share * math.sin(angle * part) for angle, share in self._wiggles_of(day, node))
        return first + (second - first) * part + min(first, second) * wiggle

    def litres(self, at_s: float) -> float:
        """What the meter shows at `at_s` seconds since 1970, in litres since its zero."""
        return self._litres_since_first_day(at_s) - self._litres_before

    def _litres_since_first_day(self, at_s: float) -> float:
        day, node, part = _place(at_s)
        before, after = self._volumes_of(day)[node : node + 2]
        return self._litres_at_midnight(day) + min(before + self._litres_into(day, node, part), after)

    def _litres_into(self, day: int, node: int, part: float) -> float:
        first, second = self._nodes_of(day)[node : node + 2]
        line = first * part + (second - first) * part * part / 2
        wiggle = sum(
            share * (1 - math.cos(angle * part)) / angle for angle, share in self._wiggles_of(day, node)
        )
        return max(line + min(first, second) * wiggle, 0.0) * _NODE_MINUTES

    def _wiggles(self, day: int, node: int) -> tuple[tuple[float, float], ...]:
        """Between a node and the next: angles a whole way takes, and shares of the flow they swing by."""
        number = day * _NODES + node
        return tuple(
            (2 * math.pi * turns, share * (2 * unit(chance, number) - 1))
            for chance, (turns, share) in zip(self._chances, _WIGGLES, strict=True)
        )

    def _litres_at_midnight(self, day: int) -> float:
        known = self._at_midnight
        for past in range(self._newest, day):
            known[past + 1] = known[past] + self._volumes_of(past)[-1]
        for later in range(self._oldest, day, -1):
            known[later - 1] = known[later] - self._volumes_of(later - 1)[-1]
        # Two threads that come here together write the same numbers; neither mark ever runs ahead of them.
        self._newest, self._oldest = max(self._newest, day), min(self._oldest, day)
        return known[day]

    def _volumes(self, day: int) -> tuple[float, ...]:
        """Litres since midnight at the nodes of a day."""
        stretches = ((first + second) / 2 * _NODE_MINUTES for first, second in pairwise(self._nodes_of(day)))
        return tuple(accumulate(stretches, initial=0.0))

    def _nodes(self, day: int) -> tuple[float, ...]:
        """The flow at the nodes of a day; the last is the first of the next day."""
        today, midnight = self._day_share(day), self._day_share(day + 1)
        shares = (*(today,) * _NODES, midnight)
        return tuple(
            self._steady[node % _NODES]
            + self._drawn[node % _NODES] * share * self._node_share(day * _NODES + node)
            for node, share in enumerate(shares)
        )

    def _day_share(self, day: int) -> float:
        return 1 + _DAY_SPREAD * (2 * unit(self._chance_day, day) - 1)

    def _node_share(self, number: int) -> float:
        hours = _HOURS_SPREAD * smooth(self._chance_hours, number * _NODE_S, _HOURS_S)
        return 1 + hours + _NODE_SPREAD * (2 * unit(self._chance_node, number) - 1)


def _place(at_s: float) -> tuple[int, int, float]:
    """The day in Tbilisi since 1970, the node before, and how far on it is to the next, from 0 to 1."""
    day, of_day_s = divmod(at_s + TBILISI_S, DAY_S)
    node, into_s = divmod(of_day_s, _NODE_S)
    return int(day), int(node), into_s / _NODE_S


def _turns(village: Village) -> tuple[tuple[float, bool], ...]:
    """When the water comes (True) and goes, in seconds of the day; empty where it comes all day."""
    if village.has_water_all_day:
        return ()
    return tuple(
        (hour * _HOUR_S, is_on)
        for hours in village.supply_hours
        for hour, is_on in zip(hours, (True, False), strict=True)
    )


def _pattern(village: Village) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The flow at the nodes of any day in L/min: what runs anyway, and what is drawn on a middling day."""
    mean = village.demand_l_per_min
    is_on = tuple(_is_on(village, node * _NODE_S / _HOUR_S) for node in range(_NODES))
    steady = tuple(on * mean * (_LEAK + _refill(village, node)) for node, on in enumerate(is_on))
    drawn = tuple(on * mean * (1 - _LEAK) * _draw(node * _NODE_S / _HOUR_S) for node, on in enumerate(is_on))
    return steady, drawn


def _is_on(village: Village, hour: float) -> bool:
    return village.has_water_all_day or any(since < hour < until for since, until in village.supply_hours)


def _draw(hour: float) -> float:
    before = int(hour)
    return _BY_HOUR[before] + (_BY_HOUR[(before + 1) % 24] - _BY_HOUR[before]) * (hour - before)


def _refill(village: Village, node: int) -> float:
    if village.has_water_all_day:
        return 0.0
    since_s = min((node * _NODE_S - since * _HOUR_S) % DAY_S for since, _ in village.supply_hours)
    return _REFILL * math.exp(-since_s / _REFILL_S)
