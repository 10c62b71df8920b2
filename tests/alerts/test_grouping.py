"""One text for what has one cause."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.debts import settle
from alerts.grouping import WINDOW, Place, Said, gathered, place
from alerts.holding import Due
from alerts.memory import MemoryLedger
from alerts.notifier import Notifier, RetryPolicy
from alerts.ports import AlertKey, Fate, Judgement, Kind, Owed, Pending
from alerts.recipient import Recipient
from alerts.rules import Role
from alerts.transports.port import Handover
from tests.builders import instant
from waterquality.languages import Language

NOON = instant("2026-11-20T08:00:00Z")
MINUTE = timedelta(minutes=1)
NINO = Recipient("nino", "+995555000123", Language.KA, Role.CSO)


def said(kind, *, ago=MINUTE, is_urgent=False):
    return Said(7, kind, is_urgent, NOON - ago)


def pending(number, kind, *, person="nino", at="algeti", is_urgent=False, attempts=0, fate=Fate.QUEUED):
    return Pending(
        number, "+995555000123", str(kind), fate, attempts, NOON, None, "", is_urgent, person, at, kind
    )


@pytest.mark.parametrize(
    ("before", "new", "becomes"),
    [
        (Kind.TURBIDITY_HIGH, Kind.WATER_CHANGED, Place.SAID),
        (Kind.TURBIDITY_HIGH, Kind.CHANGED_FAST, Place.SAID),
        (Kind.PH_OUT, Kind.WATER_CHANGED, Place.SAID),
        (Kind.DEVICE_SILENT, Kind.PROBE_FAULT, Place.SAID),
        (Kind.DEVICE_SILENT, Kind.RECORD_OPEN, Place.SAID),
        (Kind.PROBE_FAULT, Kind.PROBE_FAULT, Place.HELD),
        (Kind.WATER_CHANGED, Kind.TURBIDITY_HIGH, Place.ALONE),
        (Kind.TURBIDITY_HIGH, Kind.PH_OUT, Place.ALONE),
        (Kind.PH_OUT, Kind.TURBIDITY_HIGH, Place.ALONE),
        (Kind.TURBIDITY_HIGH, Kind.DEVICE_SILENT, Place.ALONE),
        (Kind.TURBIDITY_HIGH, Kind.NO_FLOW, Place.ALONE),
        (Kind.PROBE_FAULT, Kind.TURBIDITY_HIGH, Place.ALONE),
    ],
)
def test_what_becomes_of_a_text_beside_one_that_went_before(before, new, becomes):
    assert place(new, [said(before)], NOON, is_urgent=False).place is becomes


def test_after_the_window_it_goes_its_own_way():
    inside = said(Kind.TURBIDITY_HIGH, ago=WINDOW - timedelta(seconds=1))

    assert place(Kind.WATER_CHANGED, [inside], NOON, is_urgent=False).place is Place.SAID
    assert place(
        Kind.WATER_CHANGED, [replace(inside, owed_at=NOON - WINDOW)], NOON, is_urgent=False
    ).place is (Place.ALONE)


@given(st.sampled_from(Kind), st.lists(st.sampled_from(Kind)))
def test_what_is_urgent_is_never_kept_back_by_what_is_not(kind, before):
    assert place(kind, [said(each) for each in before], NOON, is_urgent=True).place is Place.ALONE


_PENDINGS = st.lists(
    st.tuples(
        st.sampled_from(Kind),
        st.sampled_from(["nino", "leyla"]),
        st.sampled_from(["algeti", "bolnisi"]),
        st.booleans(),
        st.integers(0, 1),
        st.sampled_from([Fate.QUEUED, Fate.ACCEPTED]),
    ),
    max_size=12,
)


@given(_PENDINGS)
def test_what_is_gathered_is_said_by_a_text_to_the_same_person_about_the_same_place_that_goes_out(drawn):
    due = [
        pending(number, kind, person=person, at=at, is_urgent=is_urgent, attempts=attempts, fate=fate)
        for number, (kind, person, at, is_urgent, attempts, fate) in enumerate(drawn, start=1)
    ]
    by_id = {each.id: each for each in due}
    outcomes = gathered(due, NOON)
    kept_back = {each.id for each in outcomes}

    for outcome in outcomes:
        teller, other = by_id[int(outcome.detail.rsplit(" ", 1)[1])], by_id[outcome.id]
        assert teller.id not in kept_back
        assert (teller.person, teller.water_point) == (other.person, other.water_point)
        assert teller.is_urgent >= other.is_urgent
        assert (other.fate, other.attempts) == (Fate.QUEUED, 0)
        assert outcome.fate is Fate.GATHERED


@given(_PENDINGS)
def test_two_limits_are_two_texts(drawn):
    limits = (Kind.TURBIDITY_HIGH, Kind.PH_OUT, Kind.LIMIT_BROKEN, Kind.NO_FLOW, Kind.ALL_CLEAR)
    due = [pending(number, kind, person=who, at=at) for number, (kind, who, at, *_) in enumerate(drawn, 1)]

    assert not {each.id for each in due if each.kind in limits} & {each.id for each in gathered(due, NOON)}


# ---- with a ledger and a notifier ---------------------------------------------------------------------------


class Handset:
    """A transport that takes everything, unless it is killed by it."""

    name = "handset"

    def __init__(self):
        self.texts = []
        self.kill = False

    def send(self, text):
        if self.kill:
            raise KeyboardInterrupt
        self.texts.append(text.body)
        return Handover(Fate.DELIVERED)


def owed(kind, rule, *, at=NOON, due=None, ends=False, step=1):
    return Owed(AlertKey(rule, "algeti"), 1, kind, NINO, f"{rule} {kind}", at, at, step, due=due, ends=ends)


def test_what_waited_for_the_morning_is_one_text_then():
    ledger, handset, morning = MemoryLedger(), Handset(), NOON + timedelta(hours=8)
    for number, (kind, rule) in enumerate(
        [(Kind.WATER_CHANGED, "event"), (Kind.TURBIDITY_HIGH, "mud"), (Kind.CHANGED_FAST, "fast")]
    ):
        at = NOON + number * timedelta(hours=1)
        ledger.commit(Judgement(owed=[owed(kind, rule, at=at, due=Due(morning, "quiet hours"))]))

    Notifier(ledger, handset, policy=RetryPolicy()).run_once(morning)

    assert handset.texts == ["mud turbidity_high"]
    assert [each.pending.fate for each in ledger.notifications] == [
        Fate.GATHERED,
        Fate.DELIVERED,
        Fate.GATHERED,
    ]
    assert ledger.notifications[0].detail == "said by text 2"


def test_killed_between_gathering_and_sending_it_loses_nothing():
    ledger, handset = MemoryLedger(), Handset()
    ledger.commit(Judgement(owed=[owed(Kind.TURBIDITY_HIGH, "mud"), owed(Kind.WATER_CHANGED, "event")]))
    handset.kill = True
    with pytest.raises(KeyboardInterrupt):
        Notifier(ledger, handset, policy=RetryPolicy()).run_once(NOON)
    handset.kill = False

    Notifier(ledger, handset, policy=RetryPolicy()).run_once(NOON)

    assert handset.texts == ["mud turbidity_high"]


def test_a_second_probe_waits_for_the_end_of_the_window_and_the_third_goes_with_it():
    ledger, handset = MemoryLedger(), Handset()
    notifier = Notifier(ledger, handset, policy=RetryPolicy())
    for minutes, rule in enumerate(["ph", "turbidity", "flow"]):
        at = NOON + minutes * MINUTE
        ledger.commit(Judgement(owed=[owed(Kind.PROBE_FAULT, rule, at=at)]))
        notifier.run_once(at)
    assert handset.texts == ["ph probe_fault"]

    notifier.run_once(NOON + WINDOW)

    assert handset.texts == ["ph probe_fault", "turbidity probe_fault"]


def test_who_was_told_of_one_alert_hears_that_all_is_well_also_when_another_one_ends_last():
    ledger, handset = MemoryLedger(), Handset()
    notifier = Notifier(ledger, handset, policy=RetryPolicy())
    ledger.commit(Judgement(owed=[owed(Kind.TURBIDITY_HIGH, "mud")]))
    notifier.run_once(NOON)
    later = Due(NOON + timedelta(hours=8), "quiet hours")
    ledger.commit(Judgement(owed=[owed(Kind.PH_OUT, "ph", at=NOON + MINUTE, due=later)]))

    end = owed(Kind.ALL_CLEAR, "ph", at=NOON + 60 * MINUTE, ends=True, step=2)
    ledger.commit(Judgement(owed=[end]))
    notifier.run_once(NOON + 60 * MINUTE)

    assert handset.texts == ["mud turbidity_high", "ph all_clear"]


def test_who_has_heard_that_all_is_well_hears_it_of_nothing_that_they_were_not_told_since():
    told = MemoryLedger()
    clear = owed(Kind.ALL_CLEAR, "mud", at=NOON + MINUTE, ends=True, step=2)
    held = owed(Kind.PH_OUT, "ph", at=NOON + MINUTE, due=Due(NOON + timedelta(hours=8), "quiet hours"))
    told.commit(Judgement(owed=[owed(Kind.TURBIDITY_HIGH, "mud"), clear, held]))

    told.commit(Judgement(owed=[owed(Kind.ALL_CLEAR, "ph", at=NOON + 5 * MINUTE, ends=True, step=2)]))

    assert [each.owed.text for each in told.notifications if each.due_at] == [
        "mud turbidity_high",
        "mud all_clear",
    ]


def test_a_text_that_failed_says_nothing_for_another():
    ledger = MemoryLedger()
    ledger.commit(Judgement(owed=[owed(Kind.TURBIDITY_HIGH, "mud")]))
    (first,) = ledger.due(NOON, 10)
    failing = Notifier(ledger, _Refusing(), policy=RetryPolicy())
    failing.run_once(NOON)
    assert first.id == 1

    ledger.commit(Judgement(owed=[owed(Kind.WATER_CHANGED, "event", at=NOON + MINUTE)]))

    assert [each.text for each in ledger.due(NOON + MINUTE, 10)] == ["event water_changed"]


class _Refusing:
    name = "refusing"

    def send(self, _):
        return Handover(Fate.FAILED)


def test_nothing_new_is_alone():
    assert settle(owed(Kind.WATER_CHANGED, "event"), []).due_at == NOON
