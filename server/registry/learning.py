"""What a water point's own readings teach about its screening, from what the store holds and found GOOD."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from server.store.port import ReadingStore, Row
from waterquality.flags import Flag
from waterquality.parameters import SPECS, Parameter
from waterquality.readings import Observation, to_ms
from waterquality.screening import Bounds
from waterquality.screening.learning import History, Learned, learn
from waterquality.screening.own import as_sent

LEAST_WEEKS = 2.0
_AT_MOST = 100_000  # observations: ten weeks at one a minute; a hundred megabytes or so
_PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Taught:
    """What was learned of a device at a water point.

    Attributes:
        observations: from so many.
        weeks: over so long a time.
        learned: by parameter; None where there was too little or nothing moves.
    """

    observations: int
    weeks: float
    learned: Mapping[Parameter, Learned | None]


def good_history(store: ReadingStore, place: tuple[str, str], *, since: datetime, until: datetime) -> History:
    """What a device sent and was found GOOD, as it was sent; the newest where there is very much.

    Args:
        store: where it is kept.
        place: water point and device.
        since: taken at or after.
        until: taken before.

    Raises:
        StoreUnavailable: mended by time.
    """
    pages = _pages(store, place, to_ms(since), to_ms(until))
    observations = [_good(row.observation) for page in pages for row in reversed(page)]
    return History([each for each in reversed(observations) if each.readings], {})


def teach(history: History, bounds: Mapping[Parameter, Bounds], parameter: Parameter) -> Learned | None:
    """What a history teaches of a parameter; None where it is too short, or the parameter is not screened so."""
    if bounds[parameter].spike is None or bounds[parameter].rate is None:
        return None
    theirs = [each for each in history.observations if parameter in each.readings]
    own = History(theirs, {})
    return learn(own, bounds, parameter) if own.weeks >= LEAST_WEEKS else None


def written(water_point: str, taught: Taught) -> str:
    """A piece of a registry file (TOML) for a person to look at."""
    lines = [
        f"# Learned from {taught.observations} observations over {taught.weeks:.1f} weeks, all found GOOD.",
        "# Look at it, change what you know better, and load it: tskaro registry load FILE",
        "[[screening]]",
        f'water_point = "{water_point}"',
    ]
    for parameter, learned in taught.learned.items():
        if learned is not None:
            lines += ["", *_table(parameter, learned)]
    return "\n".join(lines)


def _table(parameter: Parameter, learned: Learned) -> Iterator[str]:
    unit = SPECS[parameter].unit
    yield f"# It ordinarily stands out by {learned.noise:.3g} {unit}."
    yield f"# In the readings it was learned from this makes {learned.false_per_week:.2f} flags a week."
    yield f"[screening.{parameter}]"
    yield f'unit = "{unit}"'
    yield f"spike = {{ suspect = {learned.spike:.3g} }}"
    yield f"rate = {{ suspect_per_quarter = {learned.rate:.3g}, least = {learned.least:.3g} }}"


def _pages(store: ReadingStore, place: tuple[str, str], since_ms: int, until_ms: int) -> Iterator[list[Row]]:
    """Rows, the newest page first."""
    left = _AT_MOST
    while left > 0:
        at_most = min(left, _PAGE)
        page = list(
            store.neighbours(*place, since_ms=since_ms, until_ms=until_ms, at_most=at_most, newest=True)
        )
        yield page
        if len(page) < at_most:
            return
        left, until_ms = left - len(page), page[0].observation.taken_ms


def _good(observation: Observation) -> Observation:
    good = {name: each for name, each in observation.readings.items() if each.flag is Flag.GOOD}
    return as_sent(observation.screened(good))
