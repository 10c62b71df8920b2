"""When the system proposes an advisory, and what for. It never issues one.

A proposal asks a person to look, so it must be rare and well founded:

* the alert fires in the live lane, so its breach has outlasted the rule's own confirm delay on readings that are
  GOOD or SUSPECT for no fault of the probe (`alerts.rules`: a sick probe accuses nothing);
* it has come to a critical step (of turbidity, a warning), or pH lies where no spring water does;
* turbidity has been seen beyond its limit over a quarter of an hour: a pulse of mud that the confirm delay lets
  through is an alert, not yet a reason to tell a village what to do.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.advisories.record import Cause, Evidence
from alerts.lifecycle import Phase, State
from alerts.ports import Lane, Standing
from alerts.rules import AnyRule, LimitRule, Severity
from waterquality.limits import Limit
from waterquality.parameters import Parameter

SUSTAINED = timedelta(minutes=15)
# Below and above this nothing but a chemical explains pH (DOMAIN §1.4, general knowledge: not from a regulation).
PH_LOWEST, PH_HIGHEST = 5.5, 10.0
_CAUSES = {Parameter.TURBIDITY: Cause.TURBIDITY, Parameter.PH: Cause.PH}


@dataclass(frozen=True, slots=True)
class Weighed:
    """What was decided of an alert: the evidence for an advisory, or why there is none (yet)."""

    evidence: Evidence | None
    why: str


def weigh(standing: Standing, rule: AnyRule | None) -> Weighed:
    """Whether an alert is reason enough to propose an advisory.

    Args:
        standing: where the alert stands.
        rule: its rule; None where it is not in force any more.
    """
    why = _why_not(standing, rule)
    if why:
        return Weighed(None, why)
    assert isinstance(rule, LimitRule)
    state = standing.state
    assert state.breached_at is not None
    return Weighed(
        Evidence(
            cause=_CAUSES.get(rule.parameter, Cause.UNKNOWN),
            rule=standing.key.rule,
            episode=standing.episode,
            parameter=rule.parameter,
            limit=rule.step_of(state.level).limit,
            peak=state.peak,
            breached_at=state.breached_at,
            seen_at=state.last_breach_at or state.breached_at,
            reason=_reason(state.peak, rule.parameter, rule.step_of(state.level).limit),
        ),
        "a critical exceedance is confirmed",
    )


def _why_not(standing: Standing, rule: AnyRule | None) -> str:
    state = standing.state
    if standing.key.lane is not Lane.LIVE or state.phase is not Phase.FIRING or state.breached_at is None:
        return "it is not firing now"
    if not isinstance(rule, LimitRule):
        return "it says nothing of the water against a limit"
    if not _is_grave(rule, state):
        return "it is not critical"
    is_turbidity = rule.parameter is Parameter.TURBIDITY
    if is_turbidity and _lasted(state.breached_at, state.last_breach_at) < SUSTAINED:
        return "it has not been seen over a quarter of an hour"
    return ""


def _is_grave(rule: LimitRule, state: State) -> bool:
    """Whether it has come to a step that is grave: turbidity that lasts need not be at the last one."""
    peak, severity = state.peak, rule.severity_of(state.level)
    if rule.parameter is Parameter.TURBIDITY:
        return severity.is_at_least(Severity.WARNING)
    is_extreme_ph = (
        rule.parameter is Parameter.PH and peak is not None and not PH_LOWEST <= peak <= PH_HIGHEST
    )
    return severity is Severity.CRITICAL or is_extreme_ph


def _lasted(first: datetime, last: datetime | None) -> timedelta:
    return (last or first) - first


def _reason(peak: float | None, parameter: Parameter, limit: Limit) -> str:
    bounds = " to ".join(f"{bound:g}" for bound in limit.bounds())
    worst = "beyond" if peak is None else f"{peak:.4g}, beyond"
    verified = "" if limit.is_verified else ", not verified"
    return f"{parameter} {worst} {bounds} ({limit.authority}{verified})"
