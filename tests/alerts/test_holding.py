"""When a text is due: quiet hours, silences, tiers, reminders."""

from dataclasses import replace
from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.debts import Debt, settle
from alerts.holding import Holding, Silence, due_of_end, dues
from alerts.ports import AlertKey, Fate, Kind, Owed
from alerts.recipient import QuietHours, Recipient
from alerts.rules import Role, Severity
from tests.builders import instant
from waterquality.languages import Language

EVENING = instant("2026-11-20T19:00:00Z")  # 23:00 in Tbilisi
MORNING = instant("2026-11-21T03:00:00Z")  # 07:00
NOON = instant("2026-11-20T08:00:00Z")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NINO = Recipient("nino", "+995555000123", Language.KA, Role.CSO)
RESTING = replace(NINO, quiet=QuietHours(time(22), time(7)))
KEY = AlertKey("turbid", "algeti")
HOLDING = Holding()


def due(recipient=NINO, severity=Severity.WARNING, *, now=NOON, silence=None, first_tier=1, holding=HOLDING):
    return list(dues(recipient, severity, first_tier=first_tier, silence=silence, now=now, holding=holding))


def silence(until, *, since=NOON - HOUR, **scope):
    return Silence(since, until, "lasha", "cleaning the tank", **scope)


def test_who_has_no_quiet_hours_is_told_at_once():
    assert [(each.at, each.why) for each in due(now=EVENING)] == [(EVENING, "")]


def test_what_is_not_critical_waits_for_the_end_of_quiet_hours():
    assert [(each.at, each.why) for each in due(RESTING, now=EVENING)] == [(MORNING, "quiet hours")]


def test_what_is_critical_wakes():
    assert [each.at for each in due(RESTING, Severity.CRITICAL, now=EVENING)] == [EVENING]


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 10_000))
def test_quiet_hours_end_after_any_instant_within_them_and_within_a_day(begin, end, later):
    if begin == end:
        return
    quiet = QuietHours(time(*divmod(begin, 60)), time(*divmod(end, 60)))
    at = NOON + later * MINUTE
    if quiet.covers(at):
        until = quiet.ends_after(at)
        assert timedelta() < until - at <= timedelta(days=1)
        assert not quiet.covers(until)
        assert quiet.covers(until - timedelta(microseconds=1))


def test_a_silence_holds_everything_until_it_ends_and_says_who_and_why():
    (held,) = due(severity=Severity.CRITICAL, silence=silence(NOON + HOUR))

    assert (held.at, held.why) == (NOON + HOUR, "silenced by lasha: cleaning the tank")


def test_a_silence_that_ends_within_quiet_hours_wakes_nobody():
    (held,) = due(RESTING, now=EVENING, silence=silence(EVENING + HOUR))

    assert held.at == MORNING


@pytest.mark.parametrize(
    ("scope", "covers"),
    [
        ({}, True),
        ({"water_point": "algeti"}, True),
        ({"water_point": "bolnisi"}, False),
        ({"municipality": "marneuli"}, True),
        ({"municipality": "bolnisi"}, False),
        ({"rule": "turbid"}, True),
        ({"rule": "ph"}, False),
        ({"rule": "turbid", "water_point": "bolnisi"}, False),
    ],
)
def test_a_silence_covers_what_it_names(scope, covers):
    assert silence(NOON + HOUR, **scope).covers("turbid", "algeti", "marneuli", NOON) is covers


def test_a_silence_covers_nothing_before_it_begins_and_from_its_end_on():
    late = silence(NOON + HOUR, since=NOON)

    assert not late.covers("turbid", "algeti", "", NOON - MINUTE)
    assert late.covers("turbid", "algeti", "", NOON)
    assert not late.covers("turbid", "algeti", "", NOON + HOUR)


def test_a_later_tier_waits_for_its_turn_and_only_while_nobody_acknowledges():
    third = replace(NINO, tier=3)

    assert [(each.at, each.why, each.ends_with_acknowledgement) for each in due(third)] == [
        (NOON + 2 * HOLDING.next_tier_after, "tier 3", True)
    ]


def test_where_nobody_is_of_the_first_tier_the_next_one_is_told_at_once():
    assert [each.at for each in due(replace(NINO, tier=2), first_tier=2)] == [NOON]


def test_reminders_are_for_what_is_critical_and_off_unless_they_are_asked_for():
    often = Holding(remind_after=4 * HOUR, reminders=2)

    assert len(due(severity=Severity.CRITICAL)) == 1
    assert len(due(severity=Severity.WARNING, holding=often)) == 1
    assert [each.at - NOON for each in due(severity=Severity.CRITICAL, holding=often)] == [
        timedelta(),
        4 * HOUR,
        8 * HOUR,
    ]


@given(
    st.sampled_from(Severity),
    st.sampled_from([NINO, RESTING, replace(RESTING, tier=2), replace(NINO, tier=3)]),
    st.integers(0, 2000),
    st.one_of(st.none(), st.integers(-100, 3000)),
)
def test_nobody_is_woken_but_by_what_is_critical_and_nothing_is_due_in_the_past(
    severity, person, later, silent
):
    now = NOON + later * MINUTE
    asked = None if silent is None else silence(now + silent * MINUTE)

    first, *more = due(person, severity, now=now, silence=asked)

    assert more == []
    assert first.at >= now
    assert first.why or first.at == now
    if severity is not Severity.CRITICAL and person.quiet is not None:
        assert not person.quiet.covers(first.at)


def test_an_end_wakes_only_who_was_woken():
    assert due_of_end(RESTING, Severity.CRITICAL, EVENING).at == EVENING
    assert due_of_end(RESTING, Severity.NOTICE, EVENING).at == MORNING


# ---- what a new text makes of those before it ---------------------------------------------------------------


def owed(*, step=1, ends=False, due=None, at=NOON):
    kind = Kind.ALL_CLEAR if ends else Kind.TURBIDITY_HIGH
    return Owed(KEY, 1, kind, NINO, "text", at, at, step, due=due, ends=ends)


def debt(number=1, *, due_at=NOON + HOUR, fate=Fate.QUEUED, attempts=0, of=1):
    return Debt(of, KEY, 1, Kind.TURBIDITY_HIGH, NOON - HOUR, False, number, fate, attempts, due_at)


SENT = debt(fate=Fate.DELIVERED, due_at=None)


def test_whose_texts_were_all_held_hears_neither_of_the_trouble_nor_of_its_end():
    assert settle(owed(ends=True), [debt(of=7), debt(-11, of=8)]).drops == (7, 8)
    assert settle(owed(ends=True), [debt(of=7)]).due_at is None


def test_who_was_told_hears_of_the_end_and_of_no_reminder_more():
    settled = settle(owed(ends=True), [SENT, debt(-11, of=9)])

    assert (settled.drops, settled.due_at) == ((9,), NOON)


def test_a_text_that_was_tried_is_not_held():
    assert settle(owed(ends=True), [debt(attempts=1)]).due_at == NOON


def test_something_worse_takes_the_place_and_the_turn_of_what_was_held():
    due_then = next(iter(due(replace(NINO, tier=3))))

    settled = settle(owed(step=2, due=due_then), [debt(1, due_at=NOON + 5 * MINUTE, of=4), debt(-11, of=5)])

    assert (settled.drops, settled.due_at) == ((4, 5), NOON + 5 * MINUTE)


def test_judged_again_it_drops_nothing_of_its_own():
    assert settle(owed(step=2), [debt(2), debt(-21)]).drops == ()
