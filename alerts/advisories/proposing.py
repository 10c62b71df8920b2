"""When the system proposes an advisory, and what for. It never issues one.

A proposal asks a person to look, so it must be rare and well founded:

* the alert fires in the live lane, so its breach has outlasted the confirm delay of its step on readings that are
  GOOD or SUSPECT for no fault of the probe (`alerts.rules`: a sick probe accuses nothing);
* the step is critical; or pH lies where no spring water does; or turbidity, which is what rain brings, stays beyond
  a warning for half an hour (DOMAIN §1.4: 4 NTU, sustained);
* even critical turbidity has stayed beyond its step for a quarter of an hour: a pulse of mud that the confirm delay
  lets through is an alert, not yet a reason to tell a village what to do.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.advisories.record import Cause, Evidence
from alerts.lifecycle import Phase, State
from alerts.ports import Lane, Standing
from alerts.rules import EventRule, LimitRule, Rule, Severity
from waterquality.limits import Limit
from waterquality.parameters import Parameter

# How long turbidity must have stayed beyond a step of this severity; one that is missing proposes nothing.
SUSTAINED = {Severity.CRITICAL: timedelta(minutes=15), Severity.WARNING: timedelta(minutes=30)}
# Below and above this nothing but a chemical explains pH (DOMAIN §1.4, general knowledge: not from a regulation).
PH_LOWEST, PH_HIGHEST = 5.5, 10.0
_CAUSES = {Parameter.TURBIDITY: Cause.TURBIDITY, Parameter.PH: Cause.PH}


@dataclass(frozen=True, slots=True)
class Weighed:
    """What was decided of an alert: the evidence for an advisory, or why there is none (yet)."""

    evidence: Evidence | None
    why: str


def weigh(standing: Standing, rule: Rule | None) -> Weighed:
    """Whether an alert is reason enough to propose an advisory.

    Args:
        standing: where the alert stands.
        rule: its rule, with the steps that are in force at its water point; None where it is not in force there.
    """
    state = standing.state
    if standing.key.lane is not Lane.LIVE or state.phase is not Phase.FIRING or state.breached_at is None:
        return Weighed(None, "it is not firing now")
    if isinstance(rule, EventRule):
        why = "" if rule.severity is Severity.CRITICAL else "it is not critical"
    elif isinstance(rule, LimitRule):
        why = _why_not(rule, state)
    else:
        why = "it says nothing of the water against a limit"
    if why:
        return Weighed(None, why)
    assert isinstance(rule, EventRule | LimitRule)
    return Weighed(_evidence(standing, state.breached_at, rule), "it is grave and confirmed")


def _why_not(rule: LimitRule, state: State) -> str:
    severity = rule.severity_of(state.level)
    if rule.parameter is not Parameter.TURBIDITY:
        is_grave = severity is Severity.CRITICAL or _is_extreme_ph(rule, state.peak)
        return "" if is_grave else "it is not critical"
    needed = SUSTAINED.get(severity)
    if needed is None:
        return "it is not critical"
    is_long = _lasted(state) >= needed
    return "" if is_long else f"it has not been seen for {needed // timedelta(minutes=1)} minutes"


def _is_extreme_ph(rule: LimitRule, peak: float | None) -> bool:
    return rule.parameter is Parameter.PH and peak is not None and not PH_LOWEST <= peak <= PH_HIGHEST


def _lasted(state: State) -> timedelta:
    """For how long the confirmed step has been seen broken."""
    level = max(state.level, 1)
    began = state.rising[level - 1] if len(state.rising) >= level else state.breached_at
    assert began is not None
    return (state.last_breach_at or began) - began


def _evidence(standing: Standing, breached_at: datetime, rule: LimitRule | EventRule) -> Evidence:
    state = standing.state
    limit = rule.step_of(state.level).limit if isinstance(rule, LimitRule) else None
    return Evidence(
        cause=Cause.EVENT if limit is None else _CAUSES.get(limit.parameter, Cause.UNKNOWN),
        rule=standing.key.rule,
        episode=standing.episode,
        parameter=None if limit is None else limit.parameter,
        limit=limit,
        peak=state.peak,
        breached_at=breached_at,
        seen_at=state.last_breach_at or breached_at,
        reason="an event: a change that no limit names" if limit is None else _reason(state.peak, limit),
    )


def _reason(peak: float | None, limit: Limit) -> str:
    bounds = " to ".join(f"{bound:g}" for bound in limit.bounds())
    worst = "beyond" if peak is None else f"{peak:.4g}, beyond"
    verified = "" if limit.is_verified else ", not verified"
    return f"{limit.parameter} {worst} {bounds} ({limit.authority}{verified})"
