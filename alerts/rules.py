"""Rules: when something is wrong. A tagged union; each judges one thing and gives its reason.

A rule judges an instant; how long a breach must last, and what follows, is the lifecycle's affair.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from waterquality.flags import Flag, Why
from waterquality.limits import Limit
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading


class Severity(StrEnum):
    """How much it matters, the gravest first."""

    CRITICAL = "critical"
    WARNING = "warning"

    def is_at_least(self, other: "Severity") -> bool:
        """Whether it matters as much as another, or more."""
        gravest_first = list(Severity)
        return gravest_first.index(self) <= gravest_first.index(other)


class Role(StrEnum):
    """Who a person is to Tskaro."""

    CSO = "cso"
    TECHNICIAN = "technician"
    MUNICIPALITY = "municipality"


class Finding(StrEnum):
    """What a rule finds at one instant."""

    BREACH = "breach"
    HOLDING = "holding"  # back inside, but not yet by the deadband: neither clears nor breaches
    CLEAR = "clear"
    UNKNOWN = "unknown"  # the reading says nothing: failed, saturated or missing


@dataclass(frozen=True, slots=True)
class Verdict:
    """A finding and its reason.

    Attributes:
        finding: what was found.
        value: the value judged, in the parameter's unit; None where there was none.
        bound: the bound that was broken; None when none was.
        reason: one English clause for the log and the record.
    """

    finding: Finding
    value: float | None = None
    bound: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Delays:
    """How long a finding must last before it counts, in seconds of event time.

    Attributes:
        confirm_s: a breach before the alert fires.
        clear_s: a clear before it is resolved.
    """

    confirm_s: float
    clear_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRule:
    """A value must stay within a limit.

    Attributes:
        id: stable name of the rule.
        limit: the limit, with its authority.
        delays: confirm and clear delays.
        deadband: how far inside the limit a value must be before it counts as clear, in the parameter's unit.
        severity: how much it matters.
        audience: whom it concerns.
    """

    id: str
    limit: Limit
    delays: Delays
    deadband: float
    severity: Severity
    audience: frozenset[Role] = frozenset({Role.CSO, Role.MUNICIPALITY})

    @property
    def parameter(self) -> Parameter:
        """What it judges."""
        return self.limit.parameter

    def evaluate(self, observation: Observation) -> Verdict | None:
        """Judge an observation; None when it does not hold the parameter at all."""
        reading = observation.readings.get(self.parameter)
        if reading is None:
            return None
        if reading.value is None or not _may_accuse(reading):
            return Verdict(Finding.UNKNOWN, reason=f"{self.parameter} is {_doubt(reading)}")
        verdict = self._judge(reading.value)
        if verdict.finding is not Finding.BREACH and reading.flag is not Flag.GOOD:
            # What is doubted may accuse the water and never clears it.
            return Verdict(Finding.UNKNOWN, reading.value, reason=f"within the limit, but {_doubt(reading)}")
        return verdict

    def _judge(self, value: float) -> Verdict:
        low, high = self.limit.low, self.limit.high
        if high is not None and value > high:
            return Verdict(Finding.BREACH, value, high, f"{value:.4g} above {high:g}")
        if low is not None and value < low:
            return Verdict(Finding.BREACH, value, low, f"{value:.4g} below {low:g}")
        is_near = (high is not None and value > high - self.deadband) or (
            low is not None and value < low + self.deadband
        )
        if is_near:
            return Verdict(
                Finding.HOLDING, value, reason=f"{value:.4g} inside the limit, but not by the deadband"
            )
        return Verdict(Finding.CLEAR, value, reason=f"{value:.4g} within the limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoDataRule:
    """A water point must be heard from.

    Attributes:
        id: stable name of the rule.
        after_s: the longest silence that is still normal, in seconds of listening.
        severity: how much it matters.
        audience: whom it concerns.
    """

    id: str
    after_s: float
    severity: Severity
    audience: frozenset[Role] = frozenset({Role.TECHNICIAN})

    @property
    def delays(self) -> Delays:
        """Silence has been waited for already; hearing from the device ends it at once."""
        return Delays(confirm_s=0, clear_s=0)

    def evaluate(self, last_taken: datetime, listened_until: datetime) -> Verdict:
        """Judge a silence.

        Args:
            last_taken: when the newest known observation was taken.
            listened_until: up to when intake has provably listened.
        """
        silent_s = (listened_until - last_taken).total_seconds()
        if silent_s > self.after_s:
            return Verdict(Finding.BREACH, silent_s, self.after_s, f"silent for {silent_s:.0f} s")
        return Verdict(Finding.CLEAR, silent_s, reason="heard from")


class Flaw(StrEnum):
    """What may be wrong with the record of a device."""

    AWAITED = "awaited"  # a number has no fate though later ones have theirs
    DISAGREES = "disagrees"  # the books do not hold what the device says it has given out or let go
    MISSING = "missing"  # numbers that nobody holds any more
    CONFLICT = "conflict"  # a number came again with other content


# What may still come right by itself: it counts once it has lasted.
_MAY_MEND = frozenset({Flaw.AWAITED, Flaw.DISAGREES})


@dataclass(frozen=True, slots=True)
class Imbalance:
    """Something that does not add up in the record of a device.

    Attributes:
        flaw: what.
        since: since when.
        detail: which device, epoch and numbers; one English clause.
    """

    flaw: Flaw
    since: datetime
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyRule:
    """The record of a water point must add up: every number that a device gave out must have a fate.

    Attributes:
        id: stable name of the rule.
        after_s: how long a number may wait for its fate after its neighbours arrived, in seconds.
        severity: how much it matters.
        audience: whom it concerns.
    """

    id: str
    after_s: float
    severity: Severity
    audience: frozenset[Role] = frozenset({Role.TECHNICIAN})

    @property
    def delays(self) -> Delays:
        """What must last has lasted already; when it adds up again, that ends it at once."""
        return Delays(confirm_s=0, clear_s=0)

    def evaluate(self, found: Sequence[Imbalance], now: datetime) -> Verdict:
        """Judge what was found in the books of a water point's devices."""
        due = [
            each
            for each in found
            if each.flaw not in _MAY_MEND or (now - each.since).total_seconds() > self.after_s
        ]
        if due:
            return Verdict(Finding.BREACH, reason="; ".join(f"{each.flaw}: {each.detail}" for each in due))
        return Verdict(Finding.CLEAR, reason="the record adds up")


Rule = LimitRule | NoDataRule | CustodyRule

# Doubts about the probe itself: they call the technician, not the CSO.
_SICK_PROBE = frozenset(
    {
        Why.PROBE_STUCK,
        Why.PROBE_NOISY,
        Why.PROBE_NOT_SETTLED,
        Why.PROBE_SERVICED,
        Why.FLAT_LINE,
        Why.ATTENUATED_SIGNAL,
        Why.PROBES_DISTURBED,
        Why.TEMPERATURE_OUT_OF_RANGE,
    }
)
# True readings of water that is not the network's: what stands in the pipe, and what the pipe has let go.
_OTHER_WATER = frozenset({Why.STAGNANT_SAMPLE, Why.FIRST_FLUSH})


_ACCUSES_NOTHING = _SICK_PROBE | _OTHER_WATER


def _may_accuse(reading: Reading) -> bool:
    """Whether a value beyond the limit counts as a breach."""
    return reading.flag.is_usable and reading.screened.why not in _ACCUSES_NOTHING


def _doubt(reading: Reading) -> str:
    """What is wrong with it, in a word."""
    return reading.screened.why or reading.flag.name.lower()


def limit_rules(rules: Mapping[str, Rule]) -> tuple[LimitRule, ...]:
    """The rules that judge observations."""
    return tuple(rule for rule in rules.values() if isinstance(rule, LimitRule))


def no_data_rules(rules: Mapping[str, Rule]) -> tuple[NoDataRule, ...]:
    """The rules that judge silence."""
    return tuple(rule for rule in rules.values() if isinstance(rule, NoDataRule))
