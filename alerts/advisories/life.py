"""The life of an advisory: who may do what to it when, and why not.

`proposed → in force → lifted`, changed and renewed on the way; `withdrawn` where a proposal is declined; `expired`
where its time ran out and nobody lifted it.

**Invariants**
* Only a named person puts an advisory in force, changes or lifts it; where two are demanded, the second is another
  person, and what was signed is checked anew when it is confirmed.
* "Boil" is refused where the cause may be chemical, at issuing, at changing and at confirming.
* Lifting takes the demanded clear samples, and no alert of its evidence may be firing; or a person's reason for
  doing without, which stays on record.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.advisories.boiling import why_not_boil
from alerts.advisories.lab import Clearance, LabParameter, LabResult, clearance, demanded_of
from alerts.advisories.record import (
    Act,
    Advisory,
    AdvisoryKind,
    Authority,
    Change,
    Confirm,
    Issue,
    Lift,
    Order,
    Phase,
    Signed,
    Withdraw,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the operators demand.

    Attributes:
        two_persons: whether a second person must confirm.
        clear_samples: how many clear samples are demanded before lifting.
        samples_apart: how far apart in time they lie at least.
        longest: how long an advisory may be in force without being renewed.
    """

    two_persons: bool = True
    clear_samples: int = 2
    samples_apart: timedelta = timedelta(hours=20)
    longest: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known when a person acts.

    Attributes:
        now: the time.
        policy: what the operators demand.
        doubts: what speaks for a chemical beyond the advisory's own evidence, one English clause each.
        firing: alerts of the advisory's evidence that still fire.
        results: what laboratories found at the water point.
    """

    now: datetime
    policy: Policy = Policy()
    doubts: tuple[str, ...] = ()
    firing: tuple[str, ...] = ()
    results: tuple[LabResult, ...] = ()


class Message(StrEnum):
    """What is published of an act; the words of CAP."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An act that is not done, why, and what to do about it."""

    why: str


@dataclass(frozen=True, slots=True)
class Step:
    """An act that is done.

    Attributes:
        advisory: as it stands afterwards.
        publishes: what the world is told; None where nothing changes for it.
        done: the act that took effect; None where it waits for a second person.
        clearance: the samples behind a lifting.
    """

    advisory: Advisory
    publishes: Message | None
    done: Signed | Withdraw | None
    clearance: Clearance | None = None


def step(advisory: Advisory, act: Act, around: Circumstances) -> Step | Refusal:
    """Do something to an advisory: the step taken, or why it is not taken and what to do about that."""
    if isinstance(act, Confirm):
        return _confirm(advisory, act.by, around)
    if isinstance(act, Withdraw):
        return _withdraw(advisory, act, around.now)
    why = _why_not(advisory, act, around)
    if why:
        return Refusal(why)
    if around.policy.two_persons:
        return Step(replace(advisory, pending=act), None, None)
    return _done(advisory, act, None, around)


def clearance_of(advisory: Advisory, around: Circumstances) -> Clearance | None:
    """How far samples go towards lifting; None before it was issued."""
    if advisory.order is None or advisory.issued_at is None:
        return None
    return clearance(
        around.results,
        since=advisory.issued_at,
        demanded=demanded_of(advisory.order.kind, advisory.causes),
        needed=around.policy.clear_samples,
        apart=around.policy.samples_apart,
    )


def boil_is_doubted(advisory: Advisory, around: Circumstances) -> str:
    """Why the "boil" that is in force should not be; "" where it may be."""
    if advisory.order is None or advisory.order.kind is not AdvisoryKind.BOIL or advisory.phase.is_over:
        return ""
    return why_not_boil(advisory.causes, around.doubts)


def _confirm(advisory: Advisory, by: Authority, around: Circumstances) -> Step | Refusal:
    signed = advisory.pending
    if signed is None:
        return Refusal("nothing waits to be confirmed: issue, change or lift it first")
    if is_same_person(signed.by, by):
        return Refusal(f"{signed.by.name} has signed it: a second, other person must confirm it")
    why = _why_not(advisory, signed, around)
    if why:
        return Refusal(f"what {signed.by.name} has signed cannot be done any more: {why}")
    return _done(advisory, signed, by, around)


def is_same_person(one: Authority, other: Authority) -> bool:
    """Whether two entries are one person: by id, or by a name that differs in spaces and case alone."""
    return one.id == other.id or _plain(one.name) == _plain(other.name)


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def _withdraw(advisory: Advisory, act: Withdraw, now: datetime) -> Step | Refusal:
    if advisory.phase is not Phase.PROPOSED:
        return Refusal(f"it is {_said(advisory, now)}, and only a proposal can be withdrawn: lift it instead")
    if not act.reason.strip():
        return Refusal("a proposal is declined with a reason")
    return Step(replace(advisory, phase=Phase.WITHDRAWN, pending=None, ended_at=now), None, act)


def _why_not(advisory: Advisory, act: Signed, around: Circumstances) -> str:
    """Why an act cannot be done; "" where it can."""
    if isinstance(act, Lift):
        return _why_not_lift(advisory, act, around)
    wanted = Phase.PROPOSED if isinstance(act, Issue) else Phase.IN_FORCE
    if advisory.phase is not wanted:
        instead = "change it" if advisory.phase is Phase.IN_FORCE else "propose a new one"
        instead = "issue it first" if advisory.phase is Phase.PROPOSED else instead
        return f"it is {_said(advisory, around.now)}: {instead}"
    if isinstance(act, Change) and not act.reason.strip():
        return "a change needs a reason"
    return _why_not_order(act.order, advisory, around)


def _why_not_order(order: Order, advisory: Advisory, around: Circumstances) -> str:
    longest = around.policy.longest
    if not around.now < order.expires_at <= around.now + longest:
        return f"it must end within {longest.days} days from now, and not before now; it can be renewed"
    if order.kind is AdvisoryKind.BOIL:
        why = why_not_boil(advisory.causes, around.doubts)
        return why and f'"boil" is no advice here ({why}): use do_not_drink, since boiling removes no metals'
    return ""


def _why_not_lift(advisory: Advisory, act: Lift, around: Circumstances) -> str:
    if advisory.phase is not Phase.IN_FORCE:
        return f"it is {_said(advisory, around.now)}, and only what is in force can be lifted"
    if act.override.strip():
        return ""
    if around.firing:
        return (
            f"{', '.join(around.firing)} still fires there: wait until the alert is over, or give a reason for "
            "lifting all the same (--override)"
        )
    found = clearance_of(advisory, around)
    return "" if found is None or not found.missing else _why_not_clear(advisory, found, around.policy)


def _why_not_clear(advisory: Advisory, found: Clearance, policy: Policy) -> str:
    assert advisory.issued_at is not None
    since = found.last_bad_at or advisory.issued_at
    return (
        f"{len(found.counted)} of {found.needed} clear samples since {since:%Y-%m-%d %H:%M} UTC; each must have "
        f"tested {told(found.demanded)}, and they lie {policy.samples_apart / timedelta(hours=1):g} hours apart: "
        "record them (tskaro lab add), or give a reason for lifting without (--override)"
    )


def _done(advisory: Advisory, act: Signed, second: Authority | None, around: Circumstances) -> Step:
    now = around.now
    if isinstance(act, Lift):
        after = replace(advisory, phase=Phase.LIFTED, confirmed_by=second, pending=None, ended_at=now)
        return Step(after, Message.CANCEL, act, clearance_of(advisory, around))
    after = replace(
        advisory,
        phase=Phase.IN_FORCE,
        order=act.order,
        issued_by=act.by,
        confirmed_by=second,
        issued_at=advisory.issued_at or now,
        changed_at=now,
        pending=None,
    )
    return Step(after, Message.ALERT if isinstance(act, Issue) else Message.UPDATE, act)


def told(demanded: tuple[frozenset[LabParameter], ...]) -> str:
    """What a sample must have tested, in English."""
    return " and ".join(" or ".join(sorted(group)) for group in demanded)


def _said(advisory: Advisory, now: datetime) -> str:
    return advisory.phase_at(now).replace("_", " ")
