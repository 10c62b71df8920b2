"""A rule in plain English: when it fires, when it is over, who is told. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from alerts.rules.event import EventRule
from alerts.rules.fault import SensorFaultRule
from alerts.rules.flow import NightFlowRule, NoFlowRule
from alerts.rules.limit import LimitRule, Step
from alerts.rules.placing import Rule
from alerts.rules.rate import RateRule
from alerts.rules.record import CustodyRule
from alerts.rules.silence import MassSilenceRule, NoDataRule
from waterquality.limits import Limit
from waterquality.parameters import SPECS

KINDS: Mapping[type, str] = {
    LimitRule: "limit",
    RateRule: "rate",
    NoFlowRule: "no_flow",
    NightFlowRule: "night_flow",
    SensorFaultRule: "sensor_fault",
    EventRule: "event",
    NoDataRule: "no_data",
    CustodyRule: "custody",
    MassSilenceRule: "mass_silence",
}


_Stepless = (
    RateRule
    | NoFlowRule
    | NightFlowRule
    | SensorFaultRule
    | EventRule
    | NoDataRule
    | CustodyRule
    | MassSilenceRule
)


@dataclass(frozen=True, slots=True)
class Explained:
    """A rule in words.

    Attributes:
        fires: when it fires, a sentence for each step.
        clears: when it is over.
        told: who is told.
    """

    fires: tuple[str, ...]
    clears: str
    told: str


def explain(rule: Rule) -> Explained:
    """Say a rule in words."""
    fires = (
        tuple(map(_step, rule.steps))
        if isinstance(rule, LimitRule)
        else (f"{rule.severity}: {_fires(rule)}",)
    )
    return Explained(fires, _clears(rule), "told: " + ", ".join(sorted(rule.audience)))


def _fires(rule: _Stepless) -> str:
    match rule:
        case RateRule():
            found = _rate(rule)
        case NoFlowRule():
            found = _no_flow(rule)
        case NightFlowRule():
            found = _night_flow(rule)
        case SensorFaultRule():
            found = f"the probe for {rule.of} gives no usable reading for {_for(rule.delays.confirm_s)}"
        case EventRule():
            found = "the water changes as it never does at this point, by its own normal"
        case NoDataRule():
            found = f"nothing is heard for {_for(rule.after_s)} in which the server listened"
        case MassSilenceRule():
            found = (
                f"at least {rule.at_least} water points, and {rule.share:.0%} of those heard until then, fall "
                "silent together; nobody is told of each"
            )
        case CustodyRule():
            found = f"a number has no fate {_for(rule.after_s)} after later ones came"
    return found


def _clears(rule: Rule) -> str:
    match rule:
        case LimitRule():
            return _limit_clears(rule)
        case SensorFaultRule():
            return f"over when it is usable for {_for(rule.delays.clear_s)}"
    return _ENDS[type(rule)]


_ENDS: Mapping[type, str] = {
    RateRule: "over when it keeps still again; nobody is told of that",
    NoFlowRule: "over at the first water",
    NightFlowRule: "over when it pauses in a night",
    EventRule: "over when it has settled, at the old level or a new one; nobody is told of that",
    NoDataRule: "over at the first observation about now",
    CustodyRule: "over when the record adds up",
    MassSilenceRule: "over when most are heard again; who is not then has an alert of its own",
}


def _step(step: Step) -> str:
    limit = step.limit
    verified = f"confirmed by {limit.verified_by}" if limit.is_verified else "not verified"
    return (
        f"{step.severity}: {limit.parameter} {_beyond(limit)} for {_for(step.confirm_s)} "
        f"({limit.authority}, {verified})"
    )


def _beyond(limit: Limit) -> str:
    unit = SPECS[limit.parameter].unit
    sides = [f"above {limit.high:g}"] if limit.high is not None else []
    sides = [f"below {limit.low:g}", *sides] if limit.low is not None else sides
    return f"{' or '.join(sides)} {unit}"


def _limit_clears(rule: LimitRule) -> str:
    unit = SPECS[rule.parameter].unit
    again = (
        f"; a breach within {_for(rule.delays.reopen_s)} of its end belongs to it"
        if rule.delays.reopen_s
        else ""
    )
    return (
        f"over when every good reading of {_for(rule.delays.clear_s)} is {rule.deadband:g} {unit} inside "
        f"the first step{again}"
    )


def _rate(rule: RateRule) -> str:
    unit = SPECS[rule.of].unit
    sides = [f"rises by more than {rule.rise:g}"] if rule.rise is not None else []
    sides += [f"falls by more than {rule.fall:g}"] if rule.fall is not None else []
    lasting = f", lasting {_for(rule.delays.confirm_s)}" if rule.delays.confirm_s else ""
    return f"{rule.of} {' or '.join(sides)} {unit} within {_for(rule.within_s)}{lasting}"


def _no_flow(rule: NoFlowRule) -> str:
    due = f" while water is due ({rule.supply})" if rule.supply is not None else " while water is due"
    return f"flow is at most {rule.least:g} L/min for {_for(rule.delays.confirm_s)}{due}"


def _night_flow(rule: NightFlowRule) -> str:
    begins, ends = (f"{str(each)[:-3]:0>5}" for each in rule.night)
    return (
        f"flow stays above {rule.most:g} L/min for {_for(rule.delays.confirm_s)} between {begins} and {ends}"
    )


def _for(seconds: float) -> str:
    """A span as people say it."""
    for unit_s, name in ((3600, "h"), (60, "min")):
        if seconds >= unit_s and seconds % unit_s == 0:
            return f"{seconds / unit_s:g} {name}"
    return f"{seconds:g} s"
