"""How well events were found: row by row, and event by event."""

import statistics
from collections.abc import Sequence
from itertools import pairwise

from waterquality.screening.learning import runs

_WEEK_S = 7 * 24 * 3600
Span = tuple[int, int]  # first and last row


def score(
    labels: Sequence[bool], calls: Sequence[int], times_ms: Sequence[int]
) -> dict[str, float | int | None]:
    """Score the calls of a detector.

    Args:
        labels: whether a row belongs to an event.
        calls: 0 in quiet rows, else the number of the call that was sounding in that row.
        times_ms: when each row was taken.

    Returns:
        `precision`, `recall` and `f1` count rows. An event is found when a call sounds within it;
        `median_delay_s` is from its first row to the first such row. A call that sounds in no row of any event is
        a false alarm; a call is one alarm however often it resumes.
    """
    called = [call > 0 for call in calls]
    true = sum(label and call for label, call in zip(labels, called, strict=True))
    precision = true / sum(called) if any(called) else 0.0
    recall = true / sum(labels) if any(labels) else 0.0
    events = runs(labels)
    delays = [delay for event in events if (delay := _delay_s(event, called, times_ms)) is not None]
    right = {call for call, label in zip(calls, labels, strict=True) if label}
    wrong = set(calls) - right - {0}
    weeks = sum(min(later - earlier, 3_600_000) for earlier, later in pairwise(times_ms)) / 1000 / _WEEK_S
    return {
        "rows": len(labels),
        "weeks": round(weeks, 2),
        "precision": round(precision, 3),
        "recall": round(recall, 3),
        "f1": round(2 * precision * recall / (precision + recall), 3) if true else 0.0,
        "events": len(events),
        "events_found": len(delays),
        "false_alarms": len(wrong),
        "false_alarms_per_week": round(len(wrong) / weeks, 2),
        "median_delay_s": statistics.median(delays) if delays else None,
    }


def _delay_s(event: Span, called: Sequence[bool], times_ms: Sequence[int]) -> float | None:
    first, last = event
    found = next((at for at in range(first, last + 1) if called[at]), None)
    return None if found is None else (times_ms[found] - times_ms[first]) / 1000
