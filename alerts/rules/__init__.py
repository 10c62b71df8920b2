"""Rules: when something is wrong. A tagged union, one kind a file; each judges one thing and gives its reason.

A rule judges an instant; how long a breach must last, and what follows, is the lifecycle's affair.
"""

from alerts.rules.event import EventRule
from alerts.rules.fault import Fault, SensorFaultRule, fault_of
from alerts.rules.flow import NightFlowRule, NoFlowRule
from alerts.rules.limit import LimitRule, Step
from alerts.rules.place import Place
from alerts.rules.placing import AnyRule, OffRule, Placed, Rule, place_rules
from alerts.rules.rate import RateRule, Trail
from alerts.rules.record import CustodyRule, Flaw, Imbalance
from alerts.rules.silence import MassSilenceRule, NoDataRule
from alerts.rules.verdict import (
    EVERYWHERE,
    NO_DELAYS,
    Delays,
    Finding,
    Role,
    Scope,
    Severity,
    Verdict,
)

__all__ = [
    "EVERYWHERE",
    "NO_DELAYS",
    "AnyRule",
    "CustodyRule",
    "Delays",
    "EventRule",
    "Fault",
    "Finding",
    "Flaw",
    "Imbalance",
    "LimitRule",
    "MassSilenceRule",
    "NightFlowRule",
    "NoDataRule",
    "NoFlowRule",
    "OffRule",
    "Place",
    "Placed",
    "RateRule",
    "Role",
    "Rule",
    "Scope",
    "SensorFaultRule",
    "Severity",
    "Step",
    "Trail",
    "Verdict",
    "fault_of",
    "place_rules",
]
