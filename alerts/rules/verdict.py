"""What every rule speaks in: how much it matters, whom it concerns, what it finds, how long that must last."""

from dataclasses import dataclass
from enum import StrEnum

from alerts.events.event import Event


class Severity(StrEnum):
    """How much it matters, the gravest first: what others call alarm, alert and advisory.

    "Advisory" is a word we keep for what a named authority tells people to do.
    """

    CRITICAL = "critical"
    WARNING = "warning"
    NOTICE = "notice"

    def is_at_least(self, other: "Severity") -> bool:
        """Whether it matters as much as another, or more."""
        gravest_first = list(Severity)
        return gravest_first.index(self) <= gravest_first.index(other)


class Role(StrEnum):
    """Who a person is to Tskaro."""

    CSO = "cso"
    TECHNICIAN = "technician"
    MUNICIPALITY = "municipality"


WATER_AUDIENCE = frozenset({Role.CSO, Role.MUNICIPALITY})  # those who act on water
PROBE_AUDIENCE = frozenset({Role.TECHNICIAN})  # those who mend devices


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
        bound: the bound that was broken, the nearest of several; None when none was.
        reason: one English clause for the log and the record.
        level: of a breach, how many steps of the rule it breaks, from 1.
        is_blind: of an unknown, whether the probe was beyond its range: the water may be anything.
        event: what changed, where the rule is about events.
    """

    finding: Finding
    value: float | None = None
    bound: float | None = None
    reason: str = ""
    level: int = 1
    is_blind: bool = False
    event: Event | None = None


@dataclass(frozen=True, slots=True)
class Delays:
    """How long a finding must last before it counts, in seconds of event time.

    Attributes:
        confirm_s: a breach before the alert fires.
        clear_s: a clear before it is resolved.
        steps_s: a breach of each further step before the severity rises to it.
        reopen_s: how soon after its end a new breach belongs to the episode before.
    """

    confirm_s: float
    clear_s: float
    steps_s: tuple[float, ...] = ()
    reopen_s: float = 0.0

    def of_level(self, level: int) -> float:
        """The confirm delay of a step, counted from 1."""
        return self.confirm_s if level == 1 else self.steps_s[level - 2]


NO_DELAYS = Delays(confirm_s=0, clear_s=0)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a rule is in force.

    Attributes:
        water_points: at these alone; everywhere when empty.
        replaces: id of the rule whose place it takes there; "" for none.
    """

    water_points: frozenset[str] = frozenset()
    replaces: str = ""

    def holds(self, water_point: str) -> bool:
        """Whether a water point lies in it."""
        return not self.water_points or water_point in self.water_points


EVERYWHERE = Scope()
