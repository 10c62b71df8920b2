"""Which gateway is to carry a text: pure decisions.

* In the order of the settings, but one that had trouble lately goes behind those that had none; nobody is left out
  for trouble alone, so a text finds whatever gateway works.
* A gateway's own limits (texts a minute, the ceiling of a day) leave it out.
* Where an answer was lost, that gateway is asked once more before any other: it alone may drop the double. After
  that the text goes on, since late is worse than twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.transports.port import GatewayBusy, Trouble
from alerts.transports.spending import Ceiling, until_tomorrow_s

MINUTE = timedelta(minutes=1)
_REST_S: Mapping[Trouble, float] = {
    Trouble.BUSY: 30,
    Trouble.DOWN: 60,
    Trouble.LOST: 60,
    Trouble.UNPAID: 600,
    Trouble.REFUSED: 600,
}
_LONGEST_REST_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed about a gateway.

    Attributes:
        name: its name in our settings.
        tetri: what a segment costs, in hundredths of a lari.
        per_minute: texts a minute at most; None for no limit.
    """

    name: str
    tetri: int = 0
    per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """How a gateway is now.

    Attributes:
        resting_until: until when it is asked last; None when it had no trouble lately.
        sent_at: when it took texts in the last minute, oldest first.
    """

    resting_until: datetime | None = None
    sent_at: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """Whom to ask, and why not the others.

    Attributes:
        names: gateways, the first to be asked first; empty where none may carry it now.
        left_out: why each of the others may not.
        retry_after_s: when one of those may again, in seconds.
    """

    names: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    retry_after_s: float | None = None


def route(
    gateways: Sequence[tuple[Terms, Condition]],
    *,
    segments: int,
    is_urgent: bool,
    spent_tetri: int,
    ceiling: Ceiling,
    now: datetime,
    answer_lost_by: str | None = None,
) -> Route:
    """Whom to ask to carry a text.

    Args:
        gateways: in the order of the settings.
        segments: of the text.
        is_urgent: whether money may not hold it up.
        spent_tetri: what texts have cost today.
        ceiling: what they may cost.
        now: the time.
        answer_lost_by: who may have taken it already; None for nobody.
    """
    found: list[tuple[bool, bool, str]] = []
    left_out: list[str] = []
    waits: list[float] = []
    for terms, condition in gateways:
        full_s = _full_for_s(terms, condition, now)
        if full_s > 0:
            left_out.append(f"{terms.name}: {terms.per_minute} texts a minute are reached")
            waits.append(full_s)
        elif not is_urgent and not ceiling.leaves_room_for(terms.tetri * segments, spent_tetri):
            left_out.append(f"{terms.name}: the day's ceiling is reached")
            waits.append(until_tomorrow_s(now))
        else:
            found.append((terms.name != answer_lost_by, is_resting(condition, now), terms.name))
    found.sort(key=lambda each: each[:2])
    return Route(tuple(name for _, _, name in found), tuple(left_out), min(waits, default=None))


def is_resting(condition: Condition, now: datetime) -> bool:
    """Whether it had trouble lately."""
    return condition.resting_until is not None and now < condition.resting_until


def rests_until(busy: GatewayBusy, now: datetime) -> datetime | None:
    """Until when a gateway that had trouble is asked last; None where the trouble is ours."""
    if busy.trouble is Trouble.HELD:
        return None
    rest_s = max(_REST_S[busy.trouble], busy.retry_after_s or 0)
    return now + timedelta(seconds=min(rest_s, _LONGEST_REST_S))


def _full_for_s(terms: Terms, condition: Condition, now: datetime) -> float:
    """Seconds until it may take one more; 0 when it may now."""
    lately = [at for at in condition.sent_at if now - MINUTE < at <= now]
    if terms.per_minute is None or len(lately) < terms.per_minute:
        return 0
    return (lately[-terms.per_minute] + MINUTE - now).total_seconds()
