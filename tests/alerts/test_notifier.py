"""The notifier: nothing owed is lost, nothing is tried for ever, nobody waits for somebody else's number."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from alerts.memory import MemoryLedger
from alerts.notifier import Notifier, RetryPolicy, reference_of
from alerts.ports import AlertKey, Fate, Judgement, Kind, Owed, Pending, Recipient
from alerts.rules import Role
from alerts.transports.failover import Failover, Gateway
from alerts.transports.phone import MemoryInbox, OnScreenPhone
from alerts.transports.port import GatewayBusy, Handover, RecipientRejected, Trouble
from alerts.transports.routing import Terms
from alerts.transports.spending import Ceiling, PurseInMemory
from tests.fakes.scripted_transport import ACCEPTED, ScriptedTransport
from waterquality.errors import LinkError
from waterquality.languages import Language

T = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = RetryPolicy()


class BrittleLedger(MemoryLedger):
    """A ledger whose database goes away at the next `settle`."""

    is_gone = False

    def settle(self, outcomes):
        if self.is_gone:
            raise LinkError("the database is gone")
        super().settle(outcomes)


def owe(ledger, *texts, at=T, is_urgent=False):
    key = AlertKey("turbidity-who-4", "bolnisi-spring")
    debts = [
        Owed(
            key,
            1,
            Kind.TURBIDITY_HIGH,
            Recipient(text, "+995555000123", Language.KA, Role.CSO),
            text,
            at,
            at,
            is_urgent=is_urgent,
        )
        for text in texts
    ]
    ledger.commit(Judgement(owed=debts))


def owing(*texts):
    ledger = MemoryLedger()
    owe(ledger, *texts)
    return ledger


def notifier(ledger, transport, policy=POLICY, chance=lambda: 0.0):
    return Notifier(ledger, transport, policy=policy, chance=chance)


def fates(ledger):
    return {each.owed.text: each.pending.fate for each in ledger.notifications}


def run_until(ledger, carrier, end, policy=POLICY):
    """Run whenever something is due, and return when each pass was."""
    runner, passes = notifier(ledger, carrier, policy), []
    while True:
        upcoming = [each.due_at for each in ledger.notifications if each.due_at is not None]
        if not upcoming or min(upcoming) > end:
            return passes
        passes.append(max(min(upcoming), passes[-1] + timedelta(seconds=1)) if passes else min(upcoming))
        runner.run_once(passes[-1])


# ---- the way of one text ----------------------------------------------------------------------------------


def test_a_text_that_arrives_at_once_is_settled_at_once():
    ledger, inbox = owing("a"), MemoryInbox()

    assert notifier(ledger, OnScreenPhone(inbox)).run_once(T) == 1

    assert fates(ledger) == {"a": Fate.DELIVERED}
    assert [(text.address, text.body) for text in inbox.texts] == [("+995555000123", "a")]


def test_an_accepted_text_is_asked_for_until_it_is_delivered():
    ledger, gateway = owing("a"), ScriptedTransport()
    runner = notifier(ledger, gateway)

    runner.run_once(T)
    runner.run_once(T + timedelta(seconds=4))
    assert gateway.asked == []

    runner.run_once(T + timedelta(seconds=5))
    assert (gateway.asked, fates(ledger)) == (["m-1"], {"a": Fate.ACCEPTED})

    gateway.answers["m-1"] = Handover(Fate.DELIVERED)
    runner.run_once(T + timedelta(seconds=35))
    runner.run_once(T + DAY)

    assert (len(gateway.sent), gateway.asked) == (1, ["m-1", "m-1"])
    assert fates(ledger) == {"a": Fate.DELIVERED}
    assert ledger.notifications[0].pending.handed_at == T


def test_questions_grow_rarer_and_end_after_a_day_with_an_unknown_fate():
    ledger, gateway = owing("a"), ScriptedTransport()

    passes = run_until(ledger, gateway, T + 3 * DAY)

    waits = [(later - earlier).total_seconds() for earlier, later in pairwise(passes)]
    assert waits[:5] == [5, 30, 120, 600, 3600]
    assert passes[-1] == T + DAY
    assert fates(ledger) == {"a": Fate.UNKNOWN}
    assert len(gateway.sent) == 1


def test_a_question_that_the_gateway_cannot_answer_is_asked_again():
    ledger, gateway = owing("a"), ScriptedTransport(answers={"m-1": GatewayBusy("HTTP 500")})
    runner = notifier(ledger, gateway)

    runner.run_once(T)
    runner.run_once(T + timedelta(seconds=5))

    assert ledger.notifications[0].due_at == T + timedelta(seconds=35)
    assert fates(ledger) == {"a": Fate.ACCEPTED}


@pytest.mark.parametrize("fate", [Fate.DELIVERED, Fate.FAILED, Fate.UNKNOWN])
def test_the_gateways_last_word_is_recorded(fate):
    ledger, gateway = owing("a"), ScriptedTransport(answers={"m-1": Handover(fate, detail="its words")})
    runner = notifier(ledger, gateway)

    runner.run_once(T)
    runner.run_once(T + timedelta(seconds=5))

    assert fates(ledger) == {"a": fate}
    assert ledger.notifications[0].detail == "its words"


def test_a_text_that_nobody_can_ask_for_has_an_unknown_fate():
    ledger = owing("a")

    notifier(ledger, ScriptedTransport(otherwise=Handover(Fate.ACCEPTED))).run_once(T)

    assert fates(ledger) == {"a": Fate.UNKNOWN}


def test_a_rejected_text_has_failed_and_is_not_tried_again():
    ledger, gateway = owing("a"), ScriptedTransport(otherwise=RecipientRejected("no such number"))

    run_until(ledger, gateway, T + 3 * DAY)

    assert len(gateway.sent) == 1
    assert fates(ledger) == {"a": Fate.FAILED}
    assert ledger.notifications[0].detail == "no such number"


def test_a_text_that_nobody_takes_is_tried_for_a_day_and_then_has_failed():
    ledger, gateway = owing("a"), ScriptedTransport(otherwise=GatewayBusy("HTTP 503"))

    passes = run_until(ledger, gateway, T + 3 * DAY)

    assert passes[-1] == T + DAY
    assert fates(ledger) == {"a": Fate.FAILED}
    assert ledger.notifications[0].detail == f"gave up after {len(passes)} tries; HTTP 503"
    assert len(passes) < 700


def test_a_text_is_the_same_text_at_every_try():
    ledger, gateway = owing("a"), ScriptedTransport(otherwise=GatewayBusy("HTTP 503"))

    run_until(ledger, gateway, T + timedelta(hours=1))

    assert len(gateway.sent) > 5
    assert len({(text.reference, text.body, text.address) for text in gateway.sent}) == 1


def test_the_same_row_of_another_database_has_another_reference():
    pending = Pending(7, "+995555000123", "a", Fate.QUEUED, 0, T)

    assert reference_of(pending) == "7-1a1f78a5300"
    assert reference_of(replace(pending, id=8)) != reference_of(pending)
    assert reference_of(replace(pending, owed_at=T + timedelta(milliseconds=1))) != reference_of(pending)


# ---- crashes ----------------------------------------------------------------------------------------------


def test_a_crash_between_sending_and_recording_doubles_the_text_and_loses_none():
    ledger, inbox = BrittleLedger(), MemoryInbox()
    owe(ledger, "a", "b")
    ledger.is_gone = True
    with pytest.raises(LinkError):
        notifier(ledger, OnScreenPhone(inbox)).run_once(T)
    assert len(inbox.texts) == 1

    ledger.is_gone = False
    notifier(ledger, OnScreenPhone(inbox)).run_once(T + timedelta(seconds=1))

    assert fates(ledger) == {"a": Fate.DELIVERED, "b": Fate.DELIVERED}
    assert [text.body for text in inbox.texts] == ["a", "b"]  # the double had the same reference


def test_nothing_more_is_sent_once_outcomes_cannot_be_recorded():
    ledger, gateway = BrittleLedger(), ScriptedTransport()
    owe(ledger, "a", "b", "c")
    ledger.is_gone = True

    with pytest.raises(LinkError):
        notifier(ledger, gateway).run_once(T)

    assert [text.body for text in gateway.sent] == ["a"]


class Killed(BaseException):
    """The process ends here: nothing below may catch it."""


class Fuse:
    """Ends the process at its n-th step."""

    def __init__(self, steps):
        self.left = steps

    def step(self):
        self.left -= 1
        if self.left < 0:
            raise Killed


def fused(what, names, fuse):
    """The same, with a step before and after each of these methods."""

    class Fused(type(what)):
        pass

    def around(name):
        def call(*args, **kwargs):
            fuse.step()
            answer = getattr(what, name)(*args, **kwargs)
            fuse.step()
            return answer

        return call

    clone = Fused.__new__(Fused)
    clone.__dict__.update(vars(what))
    for name in names:
        setattr(clone, name, around(name))
    return clone


def two_gateways(first, second, purse, fuse):
    made = [
        Gateway(Terms("a", 5), fused(first, ["send"], fuse)),
        Gateway(Terms("b", 5), fused(second, ["send"], fuse)),
    ]
    return Failover(made, lambda: T, fused(purse, ["spend"], fuse), Ceiling(1000))


@pytest.mark.parametrize("steps", range(9))
def test_a_crash_with_two_gateways_loses_no_text(steps):
    """Killed before and after: the first gateway (which dies with it), the second, the purse, the ledger."""
    ledger, purse = MemoryLedger(), PurseInMemory()
    owe(ledger, "a")
    first = ScriptedTransport(otherwise=GatewayBusy("unpaid", trouble=Trouble.UNPAID))
    second = ScriptedTransport()

    fuse = Fuse(steps)
    try:
        notifier(fused(ledger, ["settle"], fuse), two_gateways(first, second, purse, fuse)).run_once(T)
        was_killed = False
    except Killed:
        was_killed = True
    again = two_gateways(first, second, purse, Fuse(99))
    notifier(ledger, again).run_once(T + timedelta(seconds=1))

    (recorded,) = ledger.notifications
    assert (Fate.ACCEPTED, "b:m-1") == (recorded.pending.fate, recorded.pending.message_id)
    assert len(second.sent) in ((1, 2) if was_killed else (1,))
    assert len({text.reference for text in second.sent}) == 1
    assert was_killed is (steps < 7)


def test_what_is_given_back_is_sent_again():
    ledger, gateway = owing("a"), ScriptedTransport()
    runner = notifier(ledger, gateway)
    runner.run_once(T)
    gateway.answers["m-1"] = Handover(Fate.QUEUED, "m-1", "the modem could not send it")
    runner.run_once(T + timedelta(seconds=5))
    assert fates(ledger) == {"a": Fate.QUEUED}

    runner.run_once(T + timedelta(seconds=60))

    assert len(gateway.sent) == 2
    assert gateway.sent[0] == gateway.sent[1]


def test_what_is_given_back_for_a_day_has_failed():
    ledger = owing("a")
    gateway = ScriptedTransport(answers={"m-1": Handover(Fate.QUEUED, "m-1", "no network")})
    run_until(ledger, gateway, T + 3 * DAY)

    assert fates(ledger) == {"a": Fate.FAILED}


# ---- many texts -------------------------------------------------------------------------------------------


def test_what_a_limit_of_ours_holds_back_holds_up_no_other():
    ledger = owing("a", "b", "c", "d", "e")
    held = GatewayBusy("the day's ceiling is reached", 9, trouble=Trouble.HELD)
    gateway = ScriptedTransport(answers=dict.fromkeys("abcd", held))
    notifier(ledger, gateway).run_once(T)

    assert fates(ledger) == dict.fromkeys("abcd", Fate.QUEUED) | {"e": Fate.ACCEPTED}


def test_who_must_act_at_once_is_told_first():
    ledger, gateway = owing("a", "b"), ScriptedTransport()
    owe(ledger, "c", at=T + timedelta(seconds=1), is_urgent=True)
    notifier(ledger, gateway).run_once(T + timedelta(seconds=2))

    assert [("c", True), ("a", False), ("b", False)] == [(text.body, text.is_urgent) for text in gateway.sent]


def test_one_busy_number_does_not_hold_up_the_others():
    ledger = owing("a", "b", "c")
    gateway = ScriptedTransport(
        answers={"a": GatewayBusy("memory full"), "b": RecipientRejected("no such number")}
    )

    assert notifier(ledger, gateway).run_once(T) == 3

    assert fates(ledger) == {"a": Fate.QUEUED, "b": Fate.FAILED, "c": Fate.ACCEPTED}


def test_a_gateway_that_is_down_is_left_alone_for_a_while():
    ledger, gateway = owing(*"abcdefgh"), ScriptedTransport(otherwise=GatewayBusy("HTTP 503"))
    runner = notifier(ledger, gateway)

    assert runner.run_once(T) == 3
    assert runner.run_once(T + timedelta(seconds=9)) == 0
    assert runner.run_once(T + timedelta(seconds=10)) == 3

    assert [text.body for text in gateway.sent] == list("abcdef")  # the untried come before the tried


def test_a_gateway_that_asks_for_time_is_given_it():
    ledger, gateway = owing(*"abcd"), ScriptedTransport(otherwise=GatewayBusy("HTTP 429", retry_after_s=60))
    runner = notifier(ledger, gateway)
    runner.run_once(T)

    assert runner.run_once(T + timedelta(seconds=59)) == 0
    assert runner.run_once(T + timedelta(seconds=61)) == 3


def test_busy_answers_between_good_ones_end_no_pass():
    ledger = owing(*"abcdefgh")
    gateway = ScriptedTransport(answers=dict.fromkeys("abdeg", GatewayBusy("memory full")))

    assert notifier(ledger, gateway).run_once(T) == 8


def test_a_gateway_that_recovers_gets_everything_at_once():
    ledger, gateway = owing(*"abcdefgh"), ScriptedTransport(otherwise=GatewayBusy("HTTP 503"))
    runner = notifier(ledger, gateway)
    runner.run_once(T)
    gateway.otherwise = ACCEPTED

    runner.run_once(T + timedelta(seconds=10))

    assert set(fates(ledger).values()) == {Fate.ACCEPTED}


def test_questions_that_get_no_answer_do_not_hold_up_texts():
    policy = RetryPolicy(at_most=4)
    ledger, gateway = owing(*"abcd"), ScriptedTransport(answers={"m-1": GatewayBusy("HTTP 404")})
    runner = notifier(ledger, gateway, policy)
    runner.run_once(T)
    assert runner.run_once(T + timedelta(seconds=5)) == 3  # the questions rest now

    owe(ledger, "urgent", at=T + timedelta(seconds=6))
    runner.run_once(T + timedelta(seconds=6))

    assert gateway.sent[-1].body == "urgent"
    assert len(gateway.asked) == 3


def test_texts_go_before_questions_and_a_pass_has_its_measure():
    policy = RetryPolicy(at_most=3)
    ledger, gateway = owing(*"abc"), ScriptedTransport()
    runner = notifier(ledger, gateway, policy)
    runner.run_once(T)
    owe(ledger, "d", "e", at=T + timedelta(seconds=60))

    assert runner.run_once(T + timedelta(seconds=60)) == 3

    assert [text.body for text in gateway.sent] == list("abcde")
    assert len(gateway.asked) == 1


# ---- transports that misbehave ----------------------------------------------------------------------------


def test_a_transport_that_misbehaves_holds_up_nobody_and_loses_nothing():
    ledger = owing("a", "b")
    gateway = ScriptedTransport(answers={"a": KeyError("+995555000123 and the s3cr3t key")})

    with capture_logs() as logs:
        assert notifier(ledger, gateway).run_once(T) == 2

    assert fates(ledger) == {"a": Fate.QUEUED, "b": Fate.ACCEPTED}
    assert ledger.notifications[0].detail == "gateway misbehaved: KeyError"
    (event,) = logs
    assert (event["event"], event["fault"], event["notification"]) == ("transport_misbehaved", "KeyError", 1)
    assert "_say" in event["where"]
    assert "s3cr3t" not in str(logs)
    assert "555000123" not in str(logs)


def test_a_link_that_fails_under_a_transport_counts_as_busy():
    ledger, gateway = owing("a"), ScriptedTransport(otherwise=LinkError("the inbox is locked"))

    with capture_logs() as logs:
        notifier(ledger, gateway).run_once(T)

    assert fates(ledger) == {"a": Fate.QUEUED}
    assert logs == []


def test_a_text_that_failed_is_reported():
    ledger, gateway = owing("a"), ScriptedTransport(otherwise=RecipientRejected("no such number"))

    with capture_logs() as logs:
        notifier(ledger, gateway).run_once(T)

    assert [(log["event"], log["notification"], log["detail"]) for log in logs] == [
        ("notification_failed", 1, "no such number")
    ]


def test_a_long_answer_is_recorded_in_brief():
    ledger, gateway = owing("a"), ScriptedTransport(otherwise=RecipientRejected("x" * 5000))

    notifier(ledger, gateway).run_once(T)

    assert len(ledger.notifications[0].detail) == 200


def test_what_failed_together_comes_back_spread_out():
    ledger = owing("a", "b")
    chances = iter([0.1, 0.9])

    notifier(
        ledger, ScriptedTransport(otherwise=GatewayBusy("HTTP 503")), chance=lambda: next(chances)
    ).run_once(T)

    first, second = (each.due_at for each in ledger.notifications)
    assert first != second


def test_an_outcome_that_cannot_be_recorded_does_not_text_anybody_again():
    ledger, gateway = BrittleLedger(), ScriptedTransport()
    owe(ledger, "a", "b")
    runner, ledger.is_gone = notifier(ledger, gateway), True

    for second in range(10):
        with pytest.raises(LinkError):
            runner.run_once(T + timedelta(seconds=second))
    assert [sent.body for sent in gateway.sent] == ["a"]

    ledger.is_gone = False
    runner.run_once(T + timedelta(seconds=10))
    assert [sent.body for sent in gateway.sent] == ["a", "b"]
    assert Fate.QUEUED not in fates(ledger).values()


# ---- several notifiers ------------------------------------------------------------------------------------


def test_while_another_sends_nothing_is_sent():
    ledger, transport = owing("a"), ScriptedTransport()
    waiting = Notifier(ledger, transport, policy=POLICY, is_ours=lambda: False)

    assert waiting.run_once(T) == 0
    assert transport.sent == []


def test_who_finds_out_in_the_middle_of_a_pass_sends_no_more():
    ledger, transport = owing("a", "b", "c"), ScriptedTransport()
    ours = iter([True, True, True, False])
    notifier = Notifier(ledger, transport, policy=POLICY, is_ours=lambda: next(ours, False))

    assert notifier.run_once(T) == 2
    assert [each.body for each in transport.sent] == ["a", "b"]


def test_what_was_sent_is_recorded_though_another_sends_now():
    ledger, transport = BrittleLedger(), ScriptedTransport()
    owe(ledger, "a")
    ours = iter([True, True])
    notifier = Notifier(ledger, transport, policy=POLICY, is_ours=lambda: next(ours, False))
    ledger.is_gone = True
    with pytest.raises(LinkError):
        notifier.run_once(T)
    ledger.is_gone = False

    notifier.run_once(T)

    assert fates(ledger) == {"a": Fate.ACCEPTED}
