"""Who may do what to an advisory, and why not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.advisories.lab import LabParameter, LabResult
from alerts.advisories.life import Message, Policy, Refusal, Step, boil_is_doubted, step
from alerts.advisories.record import (
    Act,
    AdvisoryKind,
    Authority,
    Cause,
    Change,
    Confirm,
    Issue,
    Lift,
    Phase,
    Withdraw,
)
from tests.alerts.advisories.cases import (
    GIORGI,
    NINO,
    NOW,
    ONE,
    TWO,
    advisory,
    around,
    bad_sample,
    clear_sample,
    confirmed,
    done,
    evidence,
    in_force,
    order,
    result,
)

LATER = NOW + timedelta(days=3)
BOIL, DO_NOT_DRINK = AdvisoryKind.BOIL, AdvisoryKind.DO_NOT_DRINK
ISSUE = Issue(by=NINO, order=order())
WITHDRAWN = done(advisory(), Withdraw(by=NINO, reason="the probe was cleaned"))
LIFTED = done(in_force(), Lift(by=NINO, override="the source was changed"))


def why_not(before: Any, act: Act, known: Any = None) -> str:
    taken = step(before, act, known or around())
    assert isinstance(taken, Refusal), taken
    return taken.why


def lift(results: tuple[LabResult, ...], **given: Any) -> Step | Refusal:
    return step(in_force(), Lift(by=NINO), around(now=LATER, results=results, **given))


def test_a_proposal_is_in_force_once_a_person_issues_it() -> None:
    taken = step(advisory(), ISSUE, around())

    assert isinstance(taken, Step)
    assert (taken.advisory.phase, taken.publishes) == (Phase.IN_FORCE, Message.ALERT)
    assert (taken.advisory.issued_by, taken.advisory.issued_at) == (NINO, NOW)


def test_a_proposal_alone_publishes_nothing_and_tells_nobody_what_to_do() -> None:
    assert (advisory().order, advisory().phase_at(LATER)) == (None, Phase.PROPOSED)


def test_with_two_persons_nothing_is_said_until_the_second_confirms() -> None:
    taken = step(advisory(), ISSUE, around(TWO))

    assert isinstance(taken, Step)
    assert (taken.advisory.phase, taken.publishes, taken.done) == (Phase.PROPOSED, None, None)
    after = step(taken.advisory, Confirm(by=GIORGI), around(TWO))
    assert isinstance(after, Step)
    assert (after.advisory.phase, after.publishes) == (Phase.IN_FORCE, Message.ALERT)
    assert (after.advisory.issued_by, after.advisory.confirmed_by) == (NINO, GIORGI)


@pytest.mark.parametrize(
    "same", [NINO, Authority("x", "  nino   KAPANADZE ", "Mayor"), replace(NINO, name="N. K.")]
)
def test_the_second_person_is_another_person(same: Authority) -> None:
    signed = done(advisory(), ISSUE, around(TWO))

    assert "other person" in why_not(signed, Confirm(by=same), around(TWO))


def test_what_was_signed_is_checked_anew_when_it_is_confirmed() -> None:
    signed = done(advisory(), ISSUE, around(TWO))

    assert "cannot be done any more" in why_not(
        signed, Confirm(by=GIORGI), around(TWO, doubts=("pH is out of range",))
    )


def test_changing_and_lifting_take_the_second_person_too() -> None:
    standing = confirmed(done(advisory(), ISSUE, around(TWO)), around(TWO))
    change = Change(by=GIORGI, order=order(DO_NOT_DRINK), reason="a smell of oil")
    signed = done(standing, change, around(TWO))
    assert signed.order == ISSUE.order
    assert done(signed, Confirm(by=NINO), around(TWO)).order == change.order

    lifting = done(standing, Lift(by=NINO, override="the source was changed"), around(TWO))
    assert lifting.phase is Phase.IN_FORCE
    assert confirmed(lifting, around(TWO)).phase is Phase.LIFTED


@pytest.mark.parametrize("cause", [Cause.PH, Cause.EVENT, Cause.CHEMICAL, Cause.UNKNOWN])
def test_boil_is_refused_where_the_cause_may_be_chemical(cause: Cause) -> None:
    boiling = Issue(by=NINO, order=order(BOIL))
    for standing in (advisory(cause), advisory(evidence=(evidence(cause),))):
        assert "do_not_drink" in why_not(standing, boiling)
        assert done(standing, Issue(by=NINO, order=order(DO_NOT_DRINK))).phase is Phase.IN_FORCE


@pytest.mark.parametrize("cause", [Cause.TURBIDITY, Cause.MICROBES])
def test_turbidity_alone_and_microbes_may_be_boiled(cause: Cause) -> None:
    assert done(advisory(cause), ISSUE).phase is Phase.IN_FORCE


def test_a_doubt_from_elsewhere_blocks_boil_at_issuing_and_at_changing() -> None:
    mine = around(doubts=("the catchment holds a mine",))
    change = Change(by=NINO, order=order(BOIL), reason="less is at stake")

    assert "mine" in why_not(advisory(), ISSUE, mine)
    assert "mine" in why_not(in_force(DO_NOT_DRINK), change, mine)


def test_new_evidence_puts_the_boil_in_force_in_doubt() -> None:
    standing = in_force()

    assert boil_is_doubted(standing, around()) == ""
    acid = replace(standing, evidence=(evidence(Cause.PH),))
    assert "pH" in boil_is_doubted(acid, around())
    assert boil_is_doubted(in_force(DO_NOT_DRINK), around(doubts=("a mine",))) == ""


def test_an_order_ends_and_is_renewed() -> None:
    standing = in_force()
    ran_out = NOW + timedelta(days=8)
    assert standing.phase_at(NOW + timedelta(days=6)) is Phase.IN_FORCE
    assert standing.phase_at(ran_out) is Phase.EXPIRED
    renewal = Change(by=NINO, order=order(days=14), reason="samples are awaited")

    taken = step(standing, renewal, around(now=ran_out))

    assert isinstance(taken, Step)
    assert (taken.advisory.phase_at(ran_out), taken.publishes) == (Phase.IN_FORCE, Message.UPDATE)
    assert taken.advisory.issued_at == NOW


@pytest.mark.parametrize("days", [-1, 0, 31])
def test_an_order_without_a_near_end_is_refused(days: float) -> None:
    assert "within 30 days" in why_not(advisory(), Issue(by=NINO, order=order(days=days)))


def test_the_demanded_clear_samples_lift_it() -> None:
    taken = lift(clear_sample(24) + clear_sample(48))

    assert isinstance(taken, Step)
    assert (taken.advisory.phase, taken.publishes) == (Phase.LIFTED, Message.CANCEL)
    assert taken.clearance is not None
    assert len(taken.clearance.counted) == 2


@pytest.mark.parametrize(
    "results",
    [
        (),
        clear_sample(24),
        clear_sample(24) + clear_sample(30),  # too close to each other
        clear_sample(-30) + clear_sample(24),  # one from before it was issued
        clear_sample(24) + bad_sample(40) + clear_sample(48),  # a bad one between
        clear_sample(24) + clear_sample(48) + bad_sample(50),  # a bad one after
        clear_sample(24)[:1] + clear_sample(48)[:1],  # turbidity was not tested
        (
            *clear_sample(24),
            result(LabParameter.E_COLI, 10, sign="<", after_h=48),
        ),  # could not have shown one
        (
            *clear_sample(24),
            *clear_sample(48),
            result(LabParameter.COPPER, 5.0, after_h=48),
        ),  # bad in another way
    ],
)
def test_fewer_clear_samples_than_demanded_do_not_lift_it(results: tuple[LabResult, ...]) -> None:
    taken = lift(results)

    assert isinstance(taken, Refusal)
    assert "tskaro lab add" in taken.why
    assert "e_coli and turbidity" in taken.why


def test_a_proposal_cannot_be_lifted_whatever_the_samples() -> None:
    assert "only what is in force" in why_not(advisory(), Lift(by=NINO, override="it rains no more"))


def test_what_still_fires_is_not_lifted_on_samples() -> None:
    refused = lift(clear_sample(24) + clear_sample(48), firing=("turbidity-who-4",))

    assert isinstance(refused, Refusal)
    assert "turbidity-who-4 still fires" in refused.why


def test_a_named_person_lifts_it_without_samples_with_a_reason_that_is_kept() -> None:
    act = Lift(by=NINO, override="connected to the town's network")
    taken = step(in_force(), act, around(now=LATER, firing=("turbidity-who-4",)))

    assert isinstance(taken, Step)
    assert (taken.advisory.phase, taken.done) == (Phase.LIFTED, act)
    assert isinstance(lift((), firing=()), Refusal)
    assert isinstance(step(in_force(), Lift(by=NINO, override="  "), around(now=LATER)), Refusal)


def test_ph_demands_ph_and_a_metal() -> None:
    standing = in_force(DO_NOT_DRINK, Cause.PH)
    ph = tuple(result(LabParameter.PH, 7.2, after_h=hours) for hours in (24, 48))
    copper = tuple(result(LabParameter.COPPER, 0.1, after_h=hours) for hours in (24, 48))
    known = around(now=LATER, results=ph)

    assert "copper" in why_not(standing, Lift(by=NINO), known)
    assert done(standing, Lift(by=NINO), around(now=LATER, results=ph + copper)).phase is Phase.LIFTED


def test_an_advisory_that_ran_out_is_lifted_like_any_other() -> None:
    late = NOW + timedelta(days=9)
    assert in_force().phase_at(late) is Phase.EXPIRED
    assert "clear samples" in why_not(in_force(), Lift(by=NINO), around(now=late))
    samples = clear_sample(24) + clear_sample(48)
    assert done(in_force(), Lift(by=NINO), around(now=late, results=samples)).phase is Phase.LIFTED


@pytest.mark.parametrize(
    ("before", "act", "said"),
    [
        (in_force(), ISSUE, "change it"),
        (LIFTED, ISSUE, "propose a new one"),
        (WITHDRAWN, ISSUE, "propose a new one"),
        (advisory(), Change(by=NINO, order=order(), reason="x"), "issue it first"),
        (LIFTED, Change(by=NINO, order=order(), reason="x"), "propose a new one"),
        (in_force(), Change(by=NINO, order=order(), reason=" "), "needs a reason"),
        (in_force(), Withdraw(by=NINO, reason="x"), "lift it instead"),
        (advisory(), Withdraw(by=NINO, reason=" "), "with a reason"),
        (advisory(), Confirm(by=GIORGI), "nothing waits"),
        (LIFTED, Lift(by=NINO, override="x"), "only what is in force"),
    ],
)
def test_what_does_not_fit_is_refused_and_says_what_to_do(before: Any, act: Act, said: str) -> None:
    assert said in why_not(before, act)


ACTS = st.sampled_from(
    [
        ISSUE,
        Issue(by=GIORGI, order=order(DO_NOT_DRINK)),
        Change(by=NINO, order=order(BOIL), reason="x"),
        Change(by=GIORGI, order=order(DO_NOT_DRINK), reason="x"),
        Lift(by=NINO),
        Lift(by=GIORGI, override="x"),
        Withdraw(by=NINO, reason="x"),
        Confirm(by=NINO),
        Confirm(by=GIORGI),
    ]
)


@given(
    st.lists(ACTS, max_size=12),
    st.sampled_from([ONE, TWO]),
    st.sampled_from(list(Cause)),
    st.booleans(),
)
def test_whatever_is_done_the_promises_hold(
    acts: list[Act], policy: Policy, cause: Cause, has_samples: bool
) -> None:
    standing = advisory(cause)
    published: list[Message] = []
    known = around(policy, results=clear_sample(24) + clear_sample(48) if has_samples else ())
    for act in acts:
        taken = step(standing, act, known)
        if isinstance(taken, Refusal):
            assert taken.why
            continue
        if taken.publishes is not None:
            published.append(taken.publishes)
            if policy.two_persons:
                assert isinstance(act, Confirm)
                assert standing.pending is not None
                assert act.by != standing.pending.by
            if taken.publishes is Message.CANCEL:
                assert isinstance(taken.done, Lift)
                assert taken.done.override or (taken.clearance is not None and not taken.clearance.missing)
        standing = taken.advisory
        if standing.order is not None and standing.order.kind is BOIL:
            assert cause in (Cause.TURBIDITY, Cause.MICROBES)
    assert published == [] or published[0] is Message.ALERT
    assert published.count(Message.ALERT) <= 1
    assert Message.CANCEL not in published[:-1]
    assert (standing.phase is Phase.LIFTED) == (Message.CANCEL in published)
