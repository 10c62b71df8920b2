"""What every ledger promises. Only the port is used, so that any implementation can be put under it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.holding import Due
from alerts.lifecycle import Phase, State, Transition
from alerts.memory import MemoryLedger
from alerts.ports import (
    AlertKey,
    Change,
    Fate,
    Judgement,
    Kind,
    Known,
    Lane,
    Outcome,
    Overtaken,
    Owed,
    Standing,
)
from alerts.recipient import Recipient
from alerts.rules import Role
from server.database.engine import Database
from server.database.migrate import migrate
from server.ledger import SqlLedger
from tests.fakes.agreed import have_agreed
from waterquality.intervals import IntervalSet
from waterquality.languages import Language

T = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
NAME = ("kk-0007", "9f1c2a7e")
KEY = AlertKey("turbidity-who-4", "bolnisi-spring")
NINO = Recipient("nino", "+995555000123", Language.KA, Role.CSO)
OTHERS = [replace(NINO, person=name) for name in ("a", "b", "c", "d", "levan")]
LATER = timedelta(minutes=10)


@pytest.fixture
def memory():
    return MemoryLedger


@pytest.fixture
def sqlite(tmp_path):
    return lambda: _in_database(f"sqlite:///{tmp_path / 'ledger.db'}")


@pytest.fixture
def postgres(postgres_url):
    return lambda: _in_database(postgres_url)


def _in_database(url):
    database = Database(url)
    migrate(database)
    have_agreed(database, [NINO, *OTHERS])
    return SqlLedger(database)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def ledger(request):
    """A fresh, empty ledger of each kind."""
    return request.getfixturevalue(request.param)()


def standing(phase=Phase.FIRING, *, key=KEY, episode=1, told=True, peak=12.4):
    is_open = phase not in (Phase.NORMAL, Phase.RESOLVED)
    state = State(
        phase,
        since=T,
        judged_at=T + timedelta(minutes=3, milliseconds=1),
        breached_at=T if is_open else None,
        peak=peak if is_open else None,
    )
    return Standing(key, state, episode, told)


def change(*, key=KEY, episode=1):
    transition = Transition(Phase.PENDING, Phase.FIRING, T, "12.4 above 5")
    return Change(key, episode, transition, 12.4)


def owed(person="nino", *, at=T, kind=Kind.TURBIDITY_HIGH, episode=1, key=KEY, text="წყალი"):
    return Owed(key, episode, kind, replace(NINO, person=person), text, T, at)


def commit(ledger, *debts):
    ledger.commit(Judgement(owed=debts))


def due(ledger, at=T, at_most=100):
    return list(ledger.due(at, at_most))


def settle(ledger, pending, fate, *, at=T, due_at=None, attempts=1, message_id=""):
    ledger.settle([Outcome(pending.id, fate, attempts, at, due_at, message_id, "said so")])


# ---- where alerts stand -----------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.NORMAL])
def test_a_standing_comes_back_as_it_was(ledger, phase):
    ledger.commit(Judgement([standing(phase)], [change()]))

    assert list(ledger.standings()) == [standing(phase)]


def test_the_newest_standing_replaces_the_one_before(ledger):
    ledger.commit(Judgement([standing(Phase.FIRING)]))
    ledger.commit(Judgement([standing(Phase.RECOVERING, peak=20.0)]))

    assert list(ledger.standings()) == [standing(Phase.RECOVERING, peak=20.0)]


def test_an_alert_back_to_normal_keeps_the_number_of_its_last_episode(ledger):
    # Forgotten, its next episode would be number 1 again, and its texts would pass for doubles.
    ledger.commit(Judgement([standing(Phase.NORMAL, episode=3)]))

    assert [each.episode for each in ledger.standings()] == [3]


def test_live_and_late_and_other_water_points_stand_apart(ledger):
    keys = [
        KEY,
        KEY._replace(lane=Lane.LATE),
        KEY._replace(water_point="kazreti"),
        KEY._replace(rule="ph-ge-58"),
    ]

    ledger.commit(Judgement([standing(key=key, peak=float(place)) for place, key in enumerate(keys)]))

    assert {each.key: each.state.peak for each in ledger.standings()} == {
        key: float(place) for place, key in enumerate(keys)
    }


def test_nothing_stands_in_a_new_ledger(ledger):
    assert list(ledger.standings()) == []
    assert due(ledger) == []


# ---- what was judged --------------------------------------------------------------------------------------


def test_judged_numbers_are_united_with_those_before(ledger):
    ledger.commit(Judgement(judged={NAME: IntervalSet.of([(1, 3)])}))
    ledger.commit(Judgement(judged={NAME: IntervalSet.of([(3, 4), (9, 9)])}))

    assert ledger.judged([NAME, ("kk-0007", "00000000")]) == {NAME: IntervalSet.of([(1, 4), (9, 9)])}


def test_judged_numbers_belong_to_one_device_and_epoch(ledger):
    ledger.commit(Judgement(judged={NAME: IntervalSet.of([(1, 3)])}))

    assert not ledger.judged([("kk-0007", "00000000"), ("kk-0008", "9f1c2a7e")])


# ---- what detectors know ----------------------------------------------------------------------------------


def test_what_a_detector_knows_comes_back_to_the_byte_and_the_newest_counts(ledger):
    here, there = ("bolnisi-spring", "kk-0007"), ("bolnisi-spring", "kk-0008")
    ledger.commit(Judgement(detectors={here: b"\x00\xff old", there: b"other"}))
    ledger.commit(Judgement(detectors={here: b"\x00\xff new"}))

    assert dict(ledger.detectors([here, ("kazreti", "kk-0007")])) == {here: b"\x00\xff new"}


def test_a_standing_keeps_its_steps_and_what_it_knows_of_its_last_end(ledger):
    state = replace(
        standing().state, level=2, rising=(T, T + LATER), ended_at=T, reopened=1, blinded_at=T + LATER
    )
    kept = replace(standing(), state=state, step=3)

    ledger.commit(Judgement([kept]))

    assert list(ledger.standings()) == [kept]


# ---- one judgement, one whole -----------------------------------------------------------------------------


def test_a_judgement_that_fails_halfway_leaves_nothing_behind(ledger):
    judged = {NAME: IntervalSet.of([(1, 1)])}

    with pytest.raises(AttributeError):
        ledger.commit(Judgement([standing()], [change()], [owed(), None], judged))

    assert list(ledger.standings()) == []
    assert due(ledger) == []
    assert not ledger.judged([NAME])


def test_a_judgement_committed_twice_owes_once(ledger):
    judgement = Judgement([standing()], [change()], [owed(), owed("levan")])

    ledger.commit(judgement)
    ledger.commit(judgement)

    assert len(due(ledger)) == 2


def test_a_debt_doubled_within_one_judgement_is_one_debt(ledger):
    commit(ledger, owed(), owed(text="other words"))

    assert [pending.text for pending in due(ledger)] == ["წყალი"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(owed("levan"), id="another person"),
        pytest.param(owed(kind=Kind.ALL_CLEAR), id="another kind"),
        pytest.param(owed(episode=2), id="another episode"),
        pytest.param(replace(owed(), step=2), id="another telling of the episode"),
        pytest.param(owed(key=KEY._replace(rule="ph-ge-58")), id="another rule"),
        pytest.param(owed(key=KEY._replace(water_point="kazreti")), id="another water point"),
        pytest.param(owed(key=KEY._replace(lane=Lane.LATE)), id="another lane"),
    ],
)
def test_it_is_another_debt_with(ledger, other):
    commit(ledger, owed(), other)

    assert len(due(ledger)) == 2


def test_a_debt_is_not_owed_again_after_it_was_paid(ledger):
    commit(ledger, owed())
    settle(ledger, due(ledger)[0], Fate.DELIVERED)
    commit(ledger, owed())

    assert due(ledger, T + timedelta(days=1)) == []


# ---- what is due ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_urgent", [True, False])
def test_what_is_urgent_stays_urgent(ledger, is_urgent):
    ledger.commit(Judgement(owed=[replace(owed(), is_urgent=is_urgent)]))

    assert [is_urgent] == [pending.is_urgent for pending in ledger.due(LATER + T, 10)]


def test_a_debt_is_due_from_when_it_is_owed(ledger):
    commit(ledger, owed())

    (pending,) = due(ledger, T)
    assert due(ledger, T - timedelta(milliseconds=1)) == []
    assert (pending.address, pending.text, pending.owed_at) == ("+995555000123", "წყალი", T)
    assert (pending.fate, pending.attempts, pending.handed_at, pending.message_id) == (
        Fate.QUEUED,
        0,
        None,
        "",
    )


def test_what_has_been_due_longest_comes_first_and_no_more_than_asked_for(ledger):
    debts = {name: T + timedelta(seconds=second) for name, second in (("c", 3), ("a", 1), ("d", 4), ("b", 2))}
    commit(ledger, *[owed(name, at=at, text=name) for name, at in debts.items()])

    assert [pending.text for pending in due(ledger, T + LATER, 3)] == ["a", "b", "c"]


def test_a_retried_debt_queues_behind_those_due_before_it(ledger):
    commit(ledger, owed("a", text="a"), owed("b", at=T + timedelta(seconds=5), text="b"))
    settle(ledger, due(ledger)[0], Fate.QUEUED, due_at=T + timedelta(seconds=9))

    assert [pending.text for pending in due(ledger, T + LATER)] == ["b", "a"]


def test_debts_of_the_same_instant_keep_their_order(ledger):
    commit(ledger, *[owed(name, text=name) for name in "dacb"])

    assert [pending.text for pending in due(ledger)] == ["d", "a", "c", "b"]


# ---- what became of it ------------------------------------------------------------------------------------


def test_a_try_that_failed_makes_it_due_later(ledger):
    commit(ledger, owed())
    settle(ledger, due(ledger)[0], Fate.QUEUED, attempts=1, due_at=T + LATER)

    (pending,) = due(ledger, T + LATER)
    assert due(ledger, T + LATER - timedelta(milliseconds=1)) == []
    assert (pending.fate, pending.attempts, pending.handed_at) == (Fate.QUEUED, 1, None)


def test_what_was_accepted_comes_back_with_its_id_and_the_time_it_was_handed_over(ledger):
    commit(ledger, owed())
    handed_at, asked_at = T + timedelta(seconds=2), T + timedelta(seconds=9)
    settle(ledger, due(ledger)[0], Fate.ACCEPTED, at=handed_at, attempts=0, due_at=asked_at, message_id="m-1")
    settle(ledger, due(ledger, asked_at)[0], Fate.ACCEPTED, at=asked_at, due_at=T + LATER, message_id="m-1")

    (pending,) = due(ledger, T + LATER)
    assert (pending.fate, pending.attempts) == (Fate.ACCEPTED, 1)
    assert (pending.message_id, pending.handed_at) == ("m-1", handed_at)


@pytest.mark.parametrize("fate", [fate for fate in Fate if fate.is_final])
def test_a_final_fate_never_comes_due_again(ledger, fate):
    commit(ledger, owed())
    settle(ledger, due(ledger)[0], fate)

    assert due(ledger, T + timedelta(days=365)) == []


@pytest.mark.parametrize("fate", [fate for fate in Fate if fate.is_final])
def test_a_final_fate_is_not_taken_back_by_an_outcome_that_comes_late(ledger, fate):
    # Two notifiers that held one text: the slower one must not have it sent a third time.
    commit(ledger, owed())
    (pending,) = due(ledger)
    settle(ledger, pending, fate)
    settle(ledger, pending, Fate.QUEUED, due_at=T)

    assert due(ledger, T + timedelta(days=365)) == []


def test_several_outcomes_are_settled_together_and_the_others_left_alone(ledger):
    commit(ledger, owed("a", text="a"), owed("b", text="b"), owed("c", text="c"))
    first, second, _ = due(ledger)

    ledger.settle(
        [Outcome(first.id, Fate.FAILED, 1, T, None), Outcome(second.id, Fate.QUEUED, 1, T, T + LATER)]
    )

    assert [pending.text for pending in due(ledger)] == ["c"]
    assert [pending.text for pending in due(ledger, T + LATER)] == ["c", "b"]


def test_what_a_gateway_says_is_kept_even_where_it_is_no_text(ledger):
    ledger.commit(Judgement(owed=[owed()]))
    (pending,) = ledger.due(T, 10)

    ledger.settle([Outcome(pending.id, Fate.FAILED, 1, T, None, "m\x00\ud83d", "half a letter: \ud83d\x00")])

    assert [] == ledger.due(T + LATER, 10)


# ---- water points that several judges judge -----------------------------------------------------------------


def test_what_is_known_of_a_water_point_is_where_its_alerts_stand_and_when_it_was_heard_from(ledger):
    elsewhere = standing(key=KEY._replace(water_point="kazreti"))
    ledger.commit(Judgement([standing(), elsewhere], heard={"bolnisi-spring": T}))

    known = ledger.known(["bolnisi-spring", "nowhere"])

    assert known == {"bolnisi-spring": Known(frozenset({standing()}), T), "nowhere": Known()}


def test_a_water_point_is_not_heard_from_earlier_than_it_was(ledger):
    ledger.commit(Judgement(heard={"bolnisi-spring": T}))
    ledger.commit(Judgement(heard={"bolnisi-spring": T - LATER}))
    assert ledger.known(["bolnisi-spring"])["bolnisi-spring"].heard_at == T

    ledger.commit(Judgement(heard={"bolnisi-spring": T + LATER}))
    assert ledger.known(["bolnisi-spring"])["bolnisi-spring"].heard_at == T + LATER


def test_a_judgement_that_relied_on_what_stands_no_more_is_refused_whole(ledger):
    known = ledger.known(["bolnisi-spring"])
    ledger.commit(Judgement([standing(episode=1)], owed=[owed(episode=1)]))

    with pytest.raises(Overtaken):
        ledger.commit(
            Judgement(
                [standing(episode=1, peak=99.0)], [change()], [owed("levan")], heard={"x": T}, relied_on=known
            )
        )

    assert list(ledger.standings()) == [standing(episode=1)]
    assert [pending.address for pending in due(ledger)] == ["+995555000123"]
    assert ledger.known(["x"]) == {"x": Known()}


def test_a_judgement_of_silence_relies_on_when_it_was_heard_from_and_no_other_does(ledger):
    known = ledger.known(["bolnisi-spring"])
    ledger.commit(Judgement(heard={"bolnisi-spring": T}))

    with pytest.raises(Overtaken):
        ledger.commit(Judgement([standing()], relied_on=known, is_of_silence=True))
    ledger.commit(Judgement([standing()], relied_on=known))

    assert list(ledger.standings()) == [standing()]


def test_what_relied_on_what_still_stands_is_recorded(ledger):
    ledger.commit(Judgement([standing(Phase.FIRING)], heard={"bolnisi-spring": T}))
    known = ledger.known(["bolnisi-spring"])

    ledger.commit(Judgement([standing(Phase.RECOVERING)], relied_on=known, is_of_silence=True))

    assert list(ledger.standings()) == [standing(Phase.RECOVERING)]


# ---- texts that are held, and acknowledgements ---------------------------------------------------------------


def held(*, minutes=60, reminder=0, ends_with_acknowledgement=True, why="tier 2"):
    return Due(T + timedelta(minutes=minutes), why, reminder, ends_with_acknowledgement)


def owing(**given):
    known = {"key": KEY, "episode": 1, "kind": Kind.TURBIDITY_HIGH, "recipient": NINO, "text": "muddy"}
    return Owed(**(known | {"breached_at": T, "owed_at": T} | given))


def texts_due(ledger, minutes):
    return [each.text for each in ledger.due(T + timedelta(minutes=minutes), 100)]


def test_a_held_text_is_due_when_its_time_has_come(ledger):
    ledger.commit(Judgement(owed=[owing(due=held())]))

    assert texts_due(ledger, 59) == []
    assert texts_due(ledger, 60) == ["muddy"]


def test_what_ends_before_it_is_due_is_never_told_nor_its_end(ledger):
    ledger.commit(Judgement(owed=[owing(due=held())]))
    ledger.commit(Judgement(owed=[owing(kind=Kind.ALL_CLEAR, text="clear", owed_at=T + LATER, ends=True)]))

    assert texts_due(ledger, 600) == []


def test_who_was_told_hears_of_the_end_and_no_reminder(ledger):
    ledger.commit(Judgement(owed=[owing(), owing(due=held(reminder=1), text="still muddy")]))
    (first,) = ledger.due(T, 10)
    ledger.settle([Outcome(first.id, Fate.DELIVERED, 1, T, None)])
    ledger.commit(Judgement(owed=[owing(kind=Kind.ALL_CLEAR, text="clear", owed_at=T + LATER, ends=True)]))

    assert texts_due(ledger, 600) == ["clear"]


def test_something_worse_is_told_instead_of_what_is_held(ledger):
    ledger.commit(Judgement(owed=[owing(due=held(minutes=20))]))
    ledger.commit(Judgement(owed=[owing(text="muddier", step=2, owed_at=T + LATER, due=held(minutes=40))]))

    assert texts_due(ledger, 19) == []
    assert texts_due(ledger, 600) == texts_due(ledger, 20) == ["muddier"]


def test_the_texts_of_others_and_of_other_episodes_stay_as_they_are(ledger):
    ledger.commit(
        Judgement(
            owed=[
                owing(due=held()),
                owing(due=held(), recipient=OTHERS[0], text="to another"),
                owing(due=held(), episode=2, text="of another episode"),
            ]
        )
    )
    ledger.commit(Judgement(owed=[owing(kind=Kind.ALL_CLEAR, text="clear", owed_at=T + LATER, ends=True)]))

    assert set(texts_due(ledger, 600)) == {"to another", "of another episode"}


def test_an_acknowledgement_drops_what_was_held_until_then_and_nothing_else(ledger):
    waits = held(why="quiet hours", ends_with_acknowledgement=False)
    ledger.commit(
        Judgement(
            standings=[standing()],
            owed=[
                owing(text="now"),
                owing(text="to the next tier", recipient=OTHERS[0], due=held()),
                owing(text="in the morning", recipient=OTHERS[1], due=waits),
                owing(text="again", due=held(reminder=1)),
            ],
        )
    )

    assert ledger.acknowledge(KEY, 1, "nino", T + LATER)
    assert texts_due(ledger, 600) == ["now", "in the morning"]


def test_the_first_acknowledgement_counts_until_it_grows_worse(ledger):
    ledger.commit(Judgement(standings=[standing()]))

    assert ledger.acknowledge(KEY, 1, "nino", T)
    assert not ledger.acknowledge(KEY, 1, "levan", T)
    worse = standing()
    ledger.commit(Judgement(standings=[replace(worse, state=replace(worse.state, level=2))]))
    assert ledger.acknowledge(KEY, 1, "levan", T)


def test_what_is_not_there_cannot_be_acknowledged(ledger):
    ledger.commit(Judgement(standings=[standing()]))

    assert not ledger.acknowledge(KEY, 2, "nino", T)
    assert not ledger.acknowledge(AlertKey("ph", "elsewhere"), 1, "nino", T)


# ---- one text for what has one cause -------------------------------------------------------------------------

EVENT = AlertKey("event", KEY.water_point)


def test_what_a_text_said_just_now_is_on_record_and_not_sent_again(ledger):
    ledger.commit(Judgement(owed=[owing()]))
    ledger.commit(Judgement(owed=[owing(key=EVENT, kind=Kind.WATER_CHANGED, text="rose")]))
    ledger.commit(Judgement(owed=[owing(key=EVENT, kind=Kind.WATER_CHANGED, text="rose")]))

    assert texts_due(ledger, 600) == ["muddy"]


def test_what_is_said_of_elsewhere_or_to_another_is_sent(ledger):
    elsewhere = AlertKey("event", "bolnisi")
    ledger.commit(Judgement(owed=[owing()]))
    ledger.commit(Judgement(owed=[owing(key=elsewhere, kind=Kind.WATER_CHANGED, text="elsewhere")]))
    to_another = owing(key=EVENT, kind=Kind.WATER_CHANGED, text="to another", recipient=OTHERS[0])
    ledger.commit(Judgement(owed=[to_another]))

    assert texts_due(ledger, 600) == ["muddy", "elsewhere", "to another"]


def test_who_was_told_in_another_text_hears_of_the_end(ledger):
    ledger.commit(Judgement(owed=[owing(key=EVENT, kind=Kind.DEVICE_SILENT, text="silent")]))
    ledger.commit(Judgement(owed=[owing(kind=Kind.PROBE_FAULT, text="unplugged")]))
    ledger.commit(Judgement(owed=[owing(kind=Kind.PROBE_WELL, text="well", owed_at=T + LATER, ends=True)]))

    assert texts_due(ledger, 600) == ["silent", "well"]


def test_all_is_well_is_told_to_whoever_was_told_of_any_alert_there(ledger):
    ledger.commit(Judgement(owed=[owing()]))
    sour = AlertKey("ph", KEY.water_point)
    ledger.commit(Judgement(owed=[owing(key=sour, kind=Kind.PH_OUT, text="sour", due=held())]))
    ledger.commit(
        Judgement(owed=[owing(key=sour, kind=Kind.ALL_CLEAR, text="clear", owed_at=T + LATER, ends=True)])
    )

    assert texts_due(ledger, 600) == ["muddy", "clear"]


def test_what_is_due_says_whose_it_is_and_what_about(ledger):
    ledger.commit(Judgement(owed=[owing()]))

    (found,) = ledger.due(T, 10)

    assert (found.person, found.water_point, found.kind) == ("nino", KEY.water_point, Kind.TURBIDITY_HIGH)
