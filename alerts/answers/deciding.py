"""What an answer does. Pure: what the person had been told decides, and the time at which they answered.

An answer is bound to the texts that had reached the person when it was sent, not to whatever is open when it
arrives: who says "seen" to one alert has not seen the one whose text crossed the answer on its way.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.answers.reading import Answer, understood
from alerts.ports import AlertKey

REMEMBERED = timedelta(hours=72)  # how long after its last text an alert can be answered


class Said(StrEnum):
    """What a reply says; each has a text per language."""

    ACKNOWLEDGED = "acknowledged"  # one alert
    ACKNOWLEDGED_MANY = "acknowledged_many"
    ALREADY = "already"  # somebody else was quicker, or they themselves
    NOTHING_OPEN = "nothing_open"  # what they were told of is over, or they were told of nothing
    STOPPED = "stopped"
    ALL_NORMAL = "all_normal"
    OPEN = "open"  # what stands open, one alert
    OPEN_MANY = "open_many"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Told:
    """An open alert of which a person was told.

    Attributes:
        key: the alert.
        episode: its episode.
        first_at: when its first text to them was handed over to a gateway.
        last_at: when the last one was.
        acknowledged_by: who acknowledged the episode; "" while nobody has.
    """

    key: AlertKey
    episode: int
    first_at: datetime
    last_at: datetime
    acknowledged_by: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """What is to be done about an answer.

    Attributes:
        answer: as it was understood.
        said: what the reply says.
        acknowledges: the alerts and episodes that it acknowledges.
        about: the water points that the reply names, each once.
        reason: one English clause for the record.
    """

    answer: Answer
    said: Said
    acknowledges: tuple[tuple[AlertKey, int], ...] = ()
    about: tuple[str, ...] = ()
    reason: str = ""


def respond(body: str, answered_at: datetime, told: Sequence[Told]) -> Response:
    """Decide what an answer does.

    Args:
        body: the text.
        answered_at: when it was sent, as far as is known; else when it came in.
        told: the open alerts of which the person was told.
    """
    answer = understood(body)
    if answer is Answer.STOP:
        return Response(answer, Said.STOPPED, reason="asked for no more texts")
    if answer is Answer.STATUS:
        return _status(told)
    if answer is Answer.UNCLEAR:
        return Response(answer, Said.UNCLEAR, reason="not understood")
    return _acknowledgement([each for each in told if _is_meant(each, answered_at)])


def _is_meant(told: Told, answered_at: datetime) -> bool:
    return told.first_at <= answered_at <= told.last_at + REMEMBERED


def _acknowledgement(meant: Sequence[Told]) -> Response:
    if not meant:
        reason = "nothing is open of which they had been told by then"
        return Response(Answer.ACKNOWLEDGE, Said.NOTHING_OPEN, reason=reason)
    new = [each for each in meant if not each.acknowledged_by]
    if not new:
        points, by = _points(meant), sorted({each.acknowledged_by for each in meant})
        reason = f"acknowledged before, by {', '.join(by)}"
        return Response(Answer.ACKNOWLEDGE, Said.ALREADY, about=points, reason=reason)
    points = _points(new)
    said = Said.ACKNOWLEDGED if len(points) == 1 else Said.ACKNOWLEDGED_MANY
    keys = tuple((each.key, each.episode) for each in new)
    return Response(Answer.ACKNOWLEDGE, said, keys, points, f"acknowledges {len(keys)}")


def _status(told: Sequence[Told]) -> Response:
    points = _points(told)
    said = (Said.ALL_NORMAL, Said.OPEN, Said.OPEN_MANY)[min(len(points), 2)]
    return Response(Answer.STATUS, said, about=points, reason=f"asked; open at {len(points)} water points")


def _points(told: Iterable[Told]) -> tuple[str, ...]:
    """The water points, that of the newest text first."""
    newest = sorted(told, key=lambda each: each.last_at, reverse=True)
    return tuple(dict.fromkeys(each.key.water_point for each in newest))
