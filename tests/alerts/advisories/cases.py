"""Advisories, people and samples for tests: sane defaults, and only what matters said."""

from datetime import datetime, timedelta
from typing import Any

from alerts.advisories.lab import LabLimit, LabParameter, LabResult, Measured
from alerts.advisories.life import Circumstances, Policy, Step, step
from alerts.advisories.record import (
    Act,
    Advisory,
    AdvisoryKind,
    Authority,
    Cause,
    Confirm,
    Evidence,
    Issue,
    Order,
)
from tests.builders import instant
from waterquality.limits import Limit
from waterquality.parameters import Parameter

NOW = instant("2026-11-20T12:00:00Z")
NINO = Authority("nino", "Nino Kapanadze", "Public health officer, Marneuli", "+995 32 200 00 00")
GIORGI = Authority("giorgi", "Giorgi Lomidze", "Deputy mayor, Marneuli")
ONE, TWO = Policy(two_persons=False), Policy(two_persons=True)
_LIMITS = {
    LabParameter.E_COLI: LabLimit(None, 0.0, "who-gdwq"),
    LabParameter.TURBIDITY: LabLimit(None, 4.0, "who-2017"),
    LabParameter.PH: LabLimit(6.0, 9.0, "ge-58-2014"),
    LabParameter.COPPER: LabLimit(None, 2.0, "who-gdwq"),
}


def evidence(cause: Cause = Cause.TURBIDITY, **given: Any) -> Evidence:
    said: dict[str, Any] = {
        "cause": cause,
        "rule": "turbidity-who-4",
        "episode": 1,
        "parameter": Parameter.TURBIDITY,
        "limit": Limit(Parameter.TURBIDITY, None, 4.0, "who-2017"),
        "peak": 12.4,
        "breached_at": NOW - timedelta(hours=1),
        "seen_at": NOW - timedelta(minutes=5),
    }
    return Evidence(**said | given)


def advisory(cause: Cause = Cause.TURBIDITY, **given: Any) -> Advisory:
    said: dict[str, Any] = {"water_point": "sadakhlo", "cause": cause, "proposed_at": NOW}
    return Advisory(**said | given)


def order(kind: AdvisoryKind = AdvisoryKind.BOIL, *, days: float = 7, **given: Any) -> Order:
    return Order(kind=kind, expires_at=NOW + timedelta(days=days), **given)


def around(policy: Policy = ONE, now: datetime = NOW, **given: Any) -> Circumstances:
    return Circumstances(now=now, policy=policy, **given)


def done(before: Advisory, act: Act, known: Circumstances | None = None) -> Advisory:
    """The advisory after an act that must be possible."""
    taken = step(before, act, known or around())
    assert isinstance(taken, Step), taken
    return taken.advisory


def in_force(kind: AdvisoryKind = AdvisoryKind.BOIL, cause: Cause = Cause.TURBIDITY) -> Advisory:
    return done(advisory(cause), Issue(by=NINO, order=order(kind)))


def confirmed(before: Advisory, known: Circumstances | None = None) -> Advisory:
    return done(before, Confirm(by=GIORGI), known)


def result(parameter: LabParameter, value: float, *, sign: str = "", after_h: float) -> LabResult:
    """What a laboratory found in a sample taken so many hours after NOW."""
    return LabResult(
        taken_at=NOW + timedelta(hours=after_h),
        laboratory="NFA laboratory, Tbilisi",
        parameter=parameter,
        measured=Measured(value, sign),
        limit=_LIMITS[parameter],
        certificate="A-17",
        entered_by="Nino",
    )


def clear_sample(after_h: float) -> tuple[LabResult, ...]:
    """A sample without microbes and mud."""
    return (
        result(LabParameter.E_COLI, 1.0, sign="<", after_h=after_h),
        result(LabParameter.TURBIDITY, 0.6, after_h=after_h),
    )


def bad_sample(after_h: float) -> tuple[LabResult, ...]:
    return (result(LabParameter.E_COLI, 3.0, after_h=after_h),)
