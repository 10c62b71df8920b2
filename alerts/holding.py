"""When a text is due: at once, or later and then only if it is still needed. Pure.

A text that is held is owed and rendered like any other, and is dropped when its alert ends before it is due; then
its reader hears neither of the trouble nor of its end. Held are, each with its reason on record:

* what is not critical, for who has quiet hours now, until they end;
* what concerns a silenced water point, until the silence ends;
* what goes to a later tier, until its turn comes, unless somebody acknowledges before;
* reminders, likewise.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.recipient import Recipient
from alerts.rules import Severity


@dataclass(frozen=True, slots=True)
class Silence:
    """No new texts about something for a while, because somebody knows why. Judging goes on.

    Attributes:
        until: when it ends; every silence ends.
        by: who asked for it.
        reason: why.
        water_point: which; "" for every one of `municipality`, or of all.
        municipality: which; "" for all.
        rule: which rule; "" for all.
        since: when it begins.
    """

    since: datetime
    until: datetime
    by: str
    reason: str
    water_point: str = ""
    municipality: str = ""
    rule: str = ""

    def covers(self, rule: str, water_point: str, municipality: str, at: datetime) -> bool:
        """Whether an alert is silenced at an instant."""
        return (
            self.since <= at < self.until
            and self.rule in ("", rule)
            and self.water_point in ("", water_point)
            and self.municipality in ("", municipality)
        )


@dataclass(frozen=True, slots=True)
class Holding:
    """How long whose turn takes, and how often to remind.

    Attributes:
        next_tier_after: how long each tier has to acknowledge before the next is told.
        remind_after: how long after a critical text to repeat it while nobody has acknowledged; None for never.
        reminders: how often at most.
    """

    next_tier_after: timedelta = timedelta(minutes=30)
    remind_after: timedelta | None = None
    reminders: int = 3


DEFAULT_HOLDING = Holding()


@dataclass(frozen=True, slots=True)
class Due:
    """When a text is due.

    Attributes:
        at: when.
        why: why it is held, for the record; "" where it is due at once.
        reminder: which reminder it is; 0 for the text itself.
        ends_with_acknowledgement: whether it is needed only while nobody has acknowledged.
    """

    at: datetime
    why: str = ""
    reminder: int = 0
    ends_with_acknowledgement: bool = False


def dues(
    recipient: Recipient,
    severity: Severity,
    *,
    first_tier: int,
    silence: Silence | None,
    now: datetime,
    holding: Holding,
) -> Iterator[Due]:
    """When to tell somebody of something that has begun or grown worse: once, and again while nobody acknowledges.

    Args:
        recipient: whom.
        severity: how much it matters.
        first_tier: the tier of those who are told first, of all whom it concerns.
        silence: what silences it; None where nothing does.
        now: the time.
        holding: how long to hold.
    """
    waits = holding.next_tier_after * (recipient.tier - first_tier)
    first = _awake(
        recipient,
        severity,
        _heard(silence, Due(now + waits, _why_tier(recipient, first_tier), 0, bool(waits))),
    )
    yield first
    if severity is Severity.CRITICAL and holding.remind_after is not None:
        for number in range(1, holding.reminders + 1):
            at = first.at + number * holding.remind_after
            yield Due(at, f"reminder {number}", number, ends_with_acknowledgement=True)


def due_of_end(recipient: Recipient, severity: Severity, now: datetime) -> Due:
    """When to tell somebody that it is over: those who were woken for it at once, the others after their rest."""
    return _awake(recipient, severity, Due(now))


def _why_tier(recipient: Recipient, first_tier: int) -> str:
    return f"tier {recipient.tier}" if recipient.tier > first_tier else ""


def _heard(silence: Silence | None, due: Due) -> Due:
    if silence is None or silence.until <= due.at:
        return due
    why = f"silenced by {silence.by}: {silence.reason}"
    return Due(silence.until, why, due.reminder, due.ends_with_acknowledgement)


def _awake(recipient: Recipient, severity: Severity, due: Due) -> Due:
    if severity is Severity.CRITICAL or recipient.quiet is None or not recipient.quiet.covers(due.at):
        return due
    until = recipient.quiet.ends_after(due.at)
    return Due(until, due.why or "quiet hours", due.reminder, due.ends_with_acknowledgement)
