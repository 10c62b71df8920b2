"""The notifier: owed notification → transport → its fate recorded, again and again until it is final.

**Invariants**
* The outcome is recorded after the attempt, one at a time: a crash may double one text and loses none. What could
  not be recorded is recorded before anything more is sent: a full disk must not text somebody every second.
* A text keeps its reference at every try, so that a gateway that looks at it drops the double.
* Where several notifiers run, one sends and the others wait; it asks before each try whether it is still the one.
* Every retry has a stated end: a text that nobody took has FAILED, a delivery never confirmed is UNKNOWN.
* Who must act at once is told first. Of what comes due together and has one cause, one text goes out.
* One recipient does not hold up the others, nor do questions hold up texts, nor a text that a limit of ours holds
  back; a gateway that is down is left alone for a while.

It reads no clock and never sleeps: the loop that calls `run_once` does.
"""

import random
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from alerts.grouping import gathered
from alerts.ports import Fate, Ledger, Outcome, Pending
from alerts.transports.port import GatewayBusy, Handover, RecipientRejected, Text, Transport, Trouble
from waterquality.errors import LinkError
from waterquality.readings import to_ms

_log = structlog.get_logger(__name__)
_DETAIL_LENGTH = 200  # characters of what a transport said that the record keeps


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When to try again, and when to stop.

    Attributes:
        first_wait_s: seconds after the first failed try; doubled at each one after it.
        longest_wait_s: the most seconds between two tries, also where a gateway asks for more.
        give_up_after_s: seconds since it became owed after which a text that nobody took has failed.
        ask_after_s: seconds to wait before each question what became of an accepted text; the last repeats.
        ask_for_s: seconds since its acceptance after which a delivery that nobody confirmed stays unknown.
        look_at: due notifications looked at in one pass, so that texts are found among many questions.
        at_most: notifications tried in one pass.
        busy_in_a_row: answers "busy" in a row after which no more are sent (or asked for) in a pass.
        pause_s: seconds for which sending (or asking) then rests.
    """

    first_wait_s: float = 5
    longest_wait_s: float = 300
    give_up_after_s: float = 24 * 3600
    ask_after_s: tuple[float, ...] = (5, 30, 120, 600, 3600)
    ask_for_s: float = 24 * 3600
    look_at: int = 1000
    at_most: int = 50
    busy_in_a_row: int = 3
    pause_s: float = 10


def wait_s(attempts: int, policy: RetryPolicy, *, retry_after_s: float | None, jitter: float) -> float:
    """Seconds to wait before the next try.

    Args:
        attempts: tries so far, at least 1.
        policy: how long to wait.
        retry_after_s: what the gateway asked for; None when it did not. Never less than this, except that
            nothing is longer than `longest_wait_s` and its jitter.
        jitter: from [0, 1); spreads what failed together over half to all of the wait, or over a tenth more
            than what the gateway asked for.
    """
    doublings = min(attempts - 1, 30)  # far beyond any longest wait, and short of overflowing a float
    own = min(policy.first_wait_s * 2.0**doublings, policy.longest_wait_s) * (0.5 + jitter / 2)
    asked = min(retry_after_s or 0, policy.longest_wait_s) * (1 + jitter / 10)
    return max(own, asked)


def next_try(
    pending: Pending, now: datetime, policy: RetryPolicy, *, retry_after_s: float | None, jitter: float
) -> datetime | None:
    """When to try a text again that the gateway did not take just now.

    Returns:
        The instant, at the latest the end itself for one last try; None when the end has come.
    """
    end = pending.owed_at + timedelta(seconds=policy.give_up_after_s)
    wait = wait_s(pending.attempts + 1, policy, retry_after_s=retry_after_s, jitter=jitter)
    return None if now >= end else min(now + timedelta(seconds=wait), end)


def next_question(asked: int, handed_at: datetime, now: datetime, policy: RetryPolicy) -> datetime | None:
    """When to ask (again) what became of an accepted text.

    Args:
        asked: questions so far.
        handed_at: when it was accepted.
        now: the time.
        policy: how long to wait.

    Returns:
        The instant, at the latest the end itself for one last question; None when the end has come.
    """
    end = handed_at + timedelta(seconds=policy.ask_for_s)
    wait = policy.ask_after_s[min(asked, len(policy.ask_after_s) - 1)]
    return None if now >= end else min(now + timedelta(seconds=wait), end)


def after_answer(pending: Pending, answer: Handover, now: datetime, policy: RetryPolicy) -> Outcome:
    """What to record when the transport has answered."""
    message_id = answer.message_id or pending.message_id
    if answer.fate is Fate.QUEUED:
        return _given_back(pending, answer, now, policy)
    if answer.fate.is_final:
        return _final(pending, answer.fate, now, answer.detail, message_id)
    if not message_id:
        return _final(pending, Fate.UNKNOWN, now, f"accepted, and no id to ask by; {answer.detail}")
    was_accepted = pending.fate is Fate.ACCEPTED
    asked = pending.attempts + 1 if was_accepted else 0
    handed_at = (pending.handed_at or pending.owed_at) if was_accepted else now
    due_at = next_question(asked, handed_at, now, policy)
    if due_at is None:
        return _final(pending, Fate.UNKNOWN, now, f"delivery never confirmed; {answer.detail}", message_id)
    return Outcome(pending.id, Fate.ACCEPTED, asked, now, due_at, message_id, _brief(answer.detail))


def _given_back(pending: Pending, answer: Handover, now: datetime, policy: RetryPolicy) -> Outcome:
    """It never left: it is sent again, until the end that holds for every text."""
    due_at = next_try(replace(pending, attempts=0), now, policy, retry_after_s=None, jitter=0)
    if due_at is None:
        return _final(pending, Fate.FAILED, now, f"given back, and too late to try again; {answer.detail}")
    return Outcome(pending.id, Fate.QUEUED, 0, now, due_at, detail=_brief(answer.detail))


def after_failure(
    pending: Pending, failure: LinkError, now: datetime, policy: RetryPolicy, *, jitter: float
) -> Outcome:
    """What to record when the transport could not take a text, or not say what became of it."""
    if pending.fate is Fate.ACCEPTED:
        return after_answer(pending, Handover(Fate.ACCEPTED, detail=str(failure)), now, policy)
    asked_for = failure.retry_after_s if isinstance(failure, GatewayBusy) else None
    due_at = next_try(pending, now, policy, retry_after_s=asked_for, jitter=jitter)
    if due_at is None:
        return _final(pending, Fate.FAILED, now, f"gave up after {pending.attempts + 1} tries; {failure}")
    return Outcome(pending.id, Fate.QUEUED, pending.attempts + 1, now, due_at, detail=_brief(str(failure)))


def after_rejection(pending: Pending, rejection: RecipientRejected, now: datetime) -> Outcome:
    """What to record when the text will never be delivered."""
    return _final(pending, Fate.FAILED, now, str(rejection))


def reference_of(pending: Pending) -> str:
    """Our own id of a text, the same at every try: twenty or so of `0-9a-f-`.

    The row's number alone would come again in a database begun anew, and a gateway that drops doubles would
    drop a new text for an old one.
    """
    return f"{pending.id:x}-{to_ms(pending.owed_at):x}"


class Notifier:
    """Takes up what is due and settles it.

    Args:
        ledger: where notifications are owed and their fates recorded.
        transport: what carries them.
        policy: when to try again, and when to stop.
        chance: gives a number from [0, 1) at each call, for jitter.
        is_ours: asked before each try: whether it is we who send, where several could.
    """

    def __init__(
        self,
        ledger: Ledger,
        transport: Transport,
        *,
        policy: RetryPolicy,
        chance: Callable[[], float] = random.random,
        is_ours: Callable[[], bool] = lambda: True,
    ) -> None:
        self._ledger, self._transport, self._policy, self._chance = ledger, transport, policy, chance
        self._is_ours = is_ours
        self._resting_until: dict[Fate, datetime] = {}
        self._unrecorded: Outcome | None = None

    def run_once(self, now: datetime) -> int:
        """Take up what is due: texts to be sent, then questions about those accepted.

        Args:
            now: the time; outcomes are recorded with it.

        Returns:
            How many notifications were tried or asked for; `RetryPolicy.at_most` means that more may be due.

        Raises:
            LinkError: the ledger cannot be reached. What was tried last is recorded first of all when it can;
                mended by time.
        """
        if self._unrecorded is not None:
            self._record(self._unrecorded)
        if not self._is_ours():
            return 0
        due = self._gather(self._ledger.due(now, self._policy.look_at), now)
        taken = 0
        for fate in (Fate.QUEUED, Fate.ACCEPTED):
            if fate not in self._resting_until or now >= self._resting_until[fate]:
                turn = [pending for pending in due if pending.fate is fate]
                turn.sort(key=lambda pending: not pending.is_urgent)
                taken += self._take_turn(turn[: self._policy.at_most - taken], fate, now)
        return taken

    def _gather(self, due: Sequence[Pending], now: datetime) -> Sequence[Pending]:
        """What is due without what another text says, which is recorded before anything is sent."""
        outcomes = gathered(due, now)
        if not outcomes:
            return due
        self._ledger.settle(outcomes)
        said = {outcome.id for outcome in outcomes}
        return [pending for pending in due if pending.id not in said]

    def _take_turn(self, turn: Sequence[Pending], fate: Fate, now: datetime) -> int:
        in_a_row: list[LinkError] = []
        for taken, pending in enumerate(turn, start=1):
            if not self._is_ours():
                return taken - 1
            failure = self._take_up(pending, now)
            if _is_held(failure):  # by a limit of ours, which others may be free of
                continue
            in_a_row = [] if failure is None else [*in_a_row, failure]
            if len(in_a_row) >= self._policy.busy_in_a_row:
                self._rest(fate, in_a_row, now)
                return taken
        return len(turn)

    def _take_up(self, pending: Pending, now: datetime) -> LinkError | None:
        """Try one and record the outcome; what failed if the transport was busy."""
        try:
            outcome, failure = after_answer(pending, self._carry(pending), now, self._policy), None
        except RecipientRejected as rejection:
            outcome, failure = after_rejection(pending, rejection, now), None
        except LinkError as link:
            outcome, failure = after_failure(pending, link, now, self._policy, jitter=self._chance()), link
        self._record(outcome)
        if outcome.fate is Fate.FAILED:
            _log.warning("notification_failed", notification=outcome.id, detail=outcome.detail)
        return failure

    def _record(self, outcome: Outcome) -> None:
        self._unrecorded = outcome
        self._ledger.settle([outcome])
        self._unrecorded = None

    def _carry(self, pending: Pending) -> Handover:
        try:
            if pending.fate is Fate.ACCEPTED:
                return self._transport.fate_of(pending.message_id)
            return self._transport.send(
                Text(pending.address, pending.text, reference_of(pending), pending.is_urgent)
            )
        except (LinkError, RecipientRejected):
            raise
        except Exception as fault:  # noqa: BLE001 - whatever a transport does, the others go on
            # Its message and its locals may hold a key or a number, so only its type and place are told.
            where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(_frames(fault)[-3:]))
            name = type(fault).__name__
            _log.error("transport_misbehaved", notification=pending.id, fault=name, where=where)
            raise GatewayBusy(f"{self._transport.name} misbehaved: {name}") from None

    def _rest(self, fate: Fate, failures: Sequence[LinkError], now: datetime) -> None:
        asked = [failure.retry_after_s or 0 for failure in failures if isinstance(failure, GatewayBusy)]
        rest_s = min(max([self._policy.pause_s, *asked]), self._policy.longest_wait_s)
        self._resting_until[fate] = now + timedelta(seconds=rest_s)
        _log.warning("gateway_left_alone", doing=str(fate), rest_s=rest_s, detail=str(failures[-1]))


def _is_held(failure: LinkError | None) -> bool:
    return isinstance(failure, GatewayBusy) and failure.trouble is Trouble.HELD


def _frames(fault: Exception) -> traceback.StackSummary:
    return traceback.extract_tb(fault.__traceback__)


def _final(pending: Pending, fate: Fate, now: datetime, detail: str, message_id: str = "") -> Outcome:
    attempts = pending.attempts + 1
    return Outcome(pending.id, fate, attempts, now, None, message_id or pending.message_id, _brief(detail))


def _brief(detail: str) -> str:
    return detail.strip("; ")[:_DETAIL_LENGTH]
